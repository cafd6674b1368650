"""Text to picture in three stages: encode the prompts, denoise the latents, decode them.

Each stage is one function of what the stage before it returned, so that they can be timed, cached
and overlapped apart. The numbers are those of a plain call of the pipeline. Call them under
`torch.no_grad()`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from gpu_worker.engine.specs import Size
from gpu_worker.ports import Pixels
from shared.request import Text2ImgRequest

#: Classifier-free guidance does nothing at 1 (Ho & Salimans, "Classifier-Free Diffusion Guidance").
NO_GUIDANCE = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """Embeddings of one request's prompts, repeated for each of its pictures."""

    prompt: torch.Tensor
    pooled: torch.Tensor
    #: None where there is no guidance.
    negative_prompt: torch.Tensor | None
    negative_pooled: torch.Tensor | None


def encode(pipeline: Any, request: Text2ImgRequest) -> Encoded:
    """A blank negative prompt is none at all."""
    prompt, negative_prompt, pooled, negative_pooled = pipeline.encode_prompt(
        prompt=request.prompt,
        negative_prompt=request.negative_prompt or None,
        num_images_per_prompt=request.num_images,
        do_classifier_free_guidance=request.guidance_scale > NO_GUIDANCE,
    )
    return Encoded(
        prompt=prompt,
        pooled=pooled,
        negative_prompt=negative_prompt,
        negative_pooled=negative_pooled,
    )


def denoise(
    pipeline: Any,
    encoded: Encoded,
    request: Text2ImgRequest,
    *,
    size: Size,
    seed: int,
    after_step: Callable[[int], None],
) -> torch.Tensor:
    """Latents of `request.num_images` pictures. `after_step(n)` is called after the n-th step.

    Noise is drawn on the CPU, a generator a picture: seed + i means the same on every device and in
    every position of a batch.
    """

    def on_step_end(_pipeline: Any, index: int, _timestep: Any, _tensors: Any) -> dict[str, Any]:
        after_step(index + 1)
        return {}

    latents: torch.Tensor = pipeline(
        prompt_embeds=encoded.prompt,
        pooled_prompt_embeds=encoded.pooled,
        negative_prompt_embeds=encoded.negative_prompt,
        negative_pooled_prompt_embeds=encoded.negative_pooled,
        width=size[0],
        height=size[1],
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=[torch.Generator("cpu").manual_seed(seed + i) for i in range(request.num_images)],
        output_type="latent",
        callback_on_step_end=on_step_end,
        callback_on_step_end_tensor_inputs=[],
    ).images
    return latents


def decode(pipeline: Any, latents: torch.Tensor) -> Pixels:
    """One picture from its latents (4 × height/8 × width/8). Alone, since a VAE is hungry."""
    vae = pipeline.vae
    batch = _unscaled(latents.unsqueeze(0).to(vae.dtype), vae.config)
    image = vae.decode(batch, return_dict=False)[0][0]
    # −1 … 1 → 0 … 255, to the nearest.
    scaled = (image.float() / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
    pixels: Pixels = np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy())
    return pixels


def _unscaled(latents: torch.Tensor, config: Any) -> torch.Tensor:
    """From the UNet's scale to the VAE's own; some relatives of SDXL shift each channel too."""
    if config.latents_mean is None or config.latents_std is None:
        return latents / float(config.scaling_factor)
    mean, std = (
        torch.tensor(values, device=latents.device, dtype=latents.dtype).view(1, -1, 1, 1)
        for values in (config.latents_mean, config.latents_std)
    )
    return latents * std / float(config.scaling_factor) + mean
