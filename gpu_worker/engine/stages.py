"""The stages of a picture: encode prompts and images, denoise latents, decode them.

Each stage is one function of what the stages before it returned, so that they can be timed, cached
and overlapped apart. The numbers are those of a plain call of the published pipelines. Call them
under `torch.no_grad()`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gpu_worker.engine.guidance_cutoff import NO_GUIDANCE, doubled_in, end_guidance
from gpu_worker.engine.legs import Leg
from gpu_worker.engine.prompts import read_prompts
from gpu_worker.engine.rows import LATENTS, TENSORS, keep_rows
from gpu_worker.engine.text_cache import Embedding, Remember, forget
from gpu_worker.engine.text_reading import read_text
from gpu_worker.ports import Pixels
from shared.request import ImageRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """Embeddings of one request's prompts, repeated for each of its pictures."""

    prompt: torch.Tensor
    pooled: torch.Tensor
    #: None where there is no guidance.
    negative_prompt: torch.Tensor | None
    negative_pooled: torch.Tensor | None
    guidance_scale: float
    #: True when the end of a prompt was left out.
    truncated: bool


class _HandedOver(Exception):
    """Ends a pipeline's loop before its last step."""

    def __init__(self, latents: torch.Tensor) -> None:
        super().__init__()
        self.latents = latents


def encode(pipeline: Any, request: ImageRequest, remember: Remember = forget) -> Encoded:
    """A blank negative prompt is none at all. Without any prompt there is nothing to guide to."""
    texts = read_prompts(request)
    nothing = texts.prompt is None and texts.negative is None
    scale = NO_GUIDANCE if nothing else request.guidance_scale
    prompt = read_text(pipeline, texts.prompt or "", remember)
    negative = None
    if scale > NO_GUIDANCE:
        blank = texts.negative is None and pipeline.config.force_zeros_for_empty_prompt
        negative = (
            _zeros_like(prompt) if blank else read_text(pipeline, texts.negative or "", remember)
        )
    if texts.weights is not None:
        # Requests that do not ask for it pay nothing for it.
        from gpu_worker.engine.weighting import weigh  # noqa: PLC0415

        prompt, negative = weigh(pipeline, texts.weights, (prompt, negative), remember)
    count = request.num_images
    return Encoded(
        prompt=_repeated(prompt.sequence, count),
        pooled=_repeated(prompt.pooled, count),
        negative_prompt=None if negative is None else _repeated(negative.sequence, count),
        negative_pooled=None if negative is None else _repeated(negative.pooled, count),
        guidance_scale=scale,
        truncated=prompt.truncated or (negative is not None and negative.truncated),
    )


def _zeros_like(embedding: Embedding) -> Embedding:
    return Embedding(
        sequence=torch.zeros_like(embedding.sequence), pooled=torch.zeros_like(embedding.pooled)
    )


def _repeated(embedding: torch.Tensor, count: int) -> torch.Tensor:
    return embedding if count == 1 else embedding.repeat_interleave(count, dim=0)


def make_generators(seed: int, count: int) -> list[torch.Generator]:
    """Noise is drawn on the CPU, a generator a picture: seed + i means the same on every device and
    in every position of a batch."""
    return [torch.Generator("cpu").manual_seed(seed + index) for index in range(count)]


def encode_image(
    pipeline: Any, pixels: Pixels, generators: Sequence[torch.Generator]
) -> torch.Tensor:
    """Latents (n × 4 × height/8 × width/8) of one image, sampled once for each generator."""
    vae = pipeline.vae
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0).float() / 127.5 - 1
    seen = vae.encode(image.to(vae.device, vae.dtype)).latent_dist
    samples = [seen.sample(generator) for generator in generators]
    scaled: torch.Tensor = _scaled(torch.cat(samples), vae.config).to(pipeline.unet.dtype)
    return scaled


def denoise(
    pipeline: Any,
    encoded: Encoded,
    leg: Leg,
    *,
    generators: Sequence[torch.Generator],
    after_step: Callable[[int], Sequence[int] | None],
    guided: int | None = None,
    **task: Any,
) -> torch.Tensor:
    """Latents after the leg. `after_step(n)` is called after the UNet's n-th evaluation, of which
    the first `guided` are guided; all, if not given. It says which rows go on: None is all of them.
    An inpainting pipeline keeps all.

    `task` is what the pipeline wants besides: a size, latents as an image, a mask.
    """

    noise = list(generators)
    cut = guided if guided is not None and guided < leg.evaluations else None
    if encoded.guidance_scale <= NO_GUIDANCE:
        cut = None
    doubled = [] if cut is None else doubled_in(pipeline)

    def on_step_end(_pipe: Any, index: int, _timestep: Any, tensors: Any) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        kept = after_step(index + 1)
        if kept is not None:
            tensors = changed = keep_rows(kept, tensors, leg.scheduler, noise)
        if leg.handover is not None and index + 1 == leg.evaluations:
            raise _HandedOver(tensors[LATENTS])
        if index + 1 == cut:
            one_half = end_guidance(pipeline, {name: tensors[name] for name in doubled})
            changed = {**changed, **one_half}
        return changed

    pipeline.scheduler = leg.scheduler
    try:
        latents: torch.Tensor = pipeline(
            prompt_embeds=encoded.prompt,
            pooled_prompt_embeds=encoded.pooled,
            negative_prompt_embeds=encoded.negative_prompt,
            negative_pooled_prompt_embeds=encoded.negative_pooled,
            num_inference_steps=leg.steps,
            guidance_scale=encoded.guidance_scale,
            generator=noise,
            output_type="latent",
            callback_on_step_end=on_step_end,
            callback_on_step_end_tensor_inputs=list({*TENSORS, *doubled}),
            **leg.begin,
            **task,
        ).images
    except _HandedOver as handed_over:
        return handed_over.latents
    return latents


def decode(pipeline: Any, latents: torch.Tensor) -> Pixels:
    """One picture from its latents (4 × height/8 × width/8). Alone, since a VAE is hungry."""
    vae = pipeline.vae
    # `vae.dtype` looks through all of its layers.
    dtype = next(iter(vae.parameters())).dtype
    batch = _unscaled(latents.unsqueeze(0).to(dtype), vae.config)
    image = vae.decode(batch, return_dict=False)[0][0]
    # −1 … 1 → 0 … 255, to the nearest.
    scaled = (image.float() / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
    pixels: Pixels = np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy())
    return pixels


def _scaled(latents: torch.Tensor, config: Any) -> torch.Tensor:
    """From the VAE's scale to the UNet's; some relatives of SDXL shift each channel too."""
    mean, std = _shift(latents, config)
    return (latents - mean) * float(config.scaling_factor) / std


def _unscaled(latents: torch.Tensor, config: Any) -> torch.Tensor:
    mean, std = _shift(latents, config)
    return latents * std / float(config.scaling_factor) + mean


def _shift(latents: torch.Tensor, config: Any) -> tuple[torch.Tensor | float, torch.Tensor | float]:
    if config.latents_mean is None or config.latents_std is None:
        return 0.0, 1.0
    mean, std = (
        torch.tensor(values, device=latents.device, dtype=latents.dtype).view(1, -1, 1, 1)
        for values in (config.latents_mean, config.latents_std)
    )
    return mean, std
