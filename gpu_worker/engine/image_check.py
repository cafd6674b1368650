"""Looks at finished pictures and films with a classifier, and refuses what is not allowed."""

from typing import Any

import torch
from transformers import AutoImageProcessor, AutoModelForImageClassification

from gpu_worker.engine.checking_spec import ImageCheckSpec
from gpu_worker.engine.device import Device
from gpu_worker.engine.loading import location_of, place_of
from gpu_worker.ports import Pixels
from shared.errors import ErrorCode, GenerationError


class ImageCheck:
    """One loaded classifier. Not thread-safe."""

    def __init__(self, spec: ImageCheckSpec, device: Device) -> None:
        """Raises `GenerationError` that names check and place when it cannot be used."""
        self._device = device
        self._threshold = spec.threshold
        try:
            where = location_of(spec.source)
            processors: Any = AutoImageProcessor  # untyped
            # With Pillow, as torchvision is not installed.
            self._processor = processors.from_pretrained(**where, backend="pil")
            model: Any = AutoModelForImageClassification.from_pretrained(
                **where, use_safetensors=True, dtype=torch.float32
            )
            self._model = model.to(device.torch_device).eval()
            self._rejected = _indices(self._model.config.id2label, spec.rejected)
        except Exception as error:
            reason = str(error).strip().partition("\n")[0][:200]
            raise GenerationError(
                ErrorCode.INTERNAL,
                f"The image check {spec.name} cannot be loaded from {place_of(spec.source)}: "
                f"{reason} EMBERFRAME_IMAGE_CHECK=none does without one.",
            ) from error

    @torch.no_grad()
    def __call__(self, pixels: Pixels, what: str) -> None:
        """Raises `GenerationError` (content_rejected) for a picture that is not allowed.

        `what` it is, for the sentence: "picture", "film".
        """
        prepared = self._processor(
            images=pixels, return_tensors="pt", input_data_format="channels_last"
        )
        values = prepared["pixel_values"].to(self._device.torch_device)
        shares = self._model(pixel_values=values).logits.float().softmax(-1)[0]
        # Not a number is no picture that anybody could vouch for.
        if not float(shares[self._rejected].sum()) < self._threshold:
            raise GenerationError(
                ErrorCode.CONTENT_REJECTED,
                f"The {what} that came of this request is not allowed in this app; ask for "
                "something else.",
            )


def _indices(labels: dict[int, str], wanted: tuple[str, ...]) -> list[int]:
    """Raises `ValueError` when the classifier does not know one of them."""
    known = {label.casefold(): int(index) for index, label in labels.items()}
    missing = [it for it in wanted if it not in known]
    if missing:
        raise ValueError(
            f"its classes are {', '.join(known)}; {', '.join(missing)} must be among them."
        )
    return [known[it] for it in wanted]
