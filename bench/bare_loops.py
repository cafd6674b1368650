"""One request without an engine: the models and a scheduler in a loop written by hand (the floor of
B5), and a plain call of diffusers' pipelines (its peer). Both end with 8-bit pixels.

The loops do what the request needs and nothing else: no progress, no previews, no looking whether
somebody wants to stop, no checks. They are for the embedded models and models like them.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gpu_worker.engine.guidance_cutoff import NO_GUIDANCE
from shared.request import Text2ImgRequest, Text2VideoRequest

Pixels = NDArray[np.uint8]


def bare_picture(
    pipeline: Any, scheduler: Any, request: Text2ImgRequest, side: int, seed: int
) -> Pixels:
    """A square picture by SDXL's modules, guided."""
    texts = [request.negative_prompt, request.prompt]
    sequences = []
    pooled: Any = None
    for tokenizer, encoder in (
        (pipeline.tokenizer, pipeline.text_encoder),
        (pipeline.tokenizer_2, pipeline.text_encoder_2),
    ):
        tokens = tokenizer(
            texts,
            padding="max_length",
            max_length=tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        )
        read = encoder(tokens.input_ids, output_hidden_states=True)
        sequences.append(read.hidden_states[-2])
        pooled = read[0]
    sequence = torch.cat(sequences, dim=-1)
    size = [side, side, 0, 0, side, side]
    conditions = {
        "text_embeds": pooled,
        "time_ids": torch.tensor([size, size], dtype=sequence.dtype),
    }
    scheduler.set_timesteps(request.num_inference_steps)
    latent_side = side // pipeline.vae_scale_factor
    latents = torch.randn(
        (1, pipeline.unet.config.in_channels, latent_side, latent_side),
        generator=torch.Generator("cpu").manual_seed(seed),
    )
    latents = latents * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        twice = scheduler.scale_model_input(torch.cat([latents] * 2), timestep)
        without, towards = pipeline.unet(
            twice,
            timestep,
            encoder_hidden_states=sequence,
            added_cond_kwargs=conditions,
            return_dict=False,
        )[0].chunk(2)
        guided = without + request.guidance_scale * (towards - without)
        latents = scheduler.step(guided, timestep, latents, return_dict=False)[0]
    decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor, return_dict=False)
    return _to_pixels(decoded[0][0], (1, 2, 0))


def stock_picture(pipeline: Any, request: Text2ImgRequest, side: int, seed: int) -> Pixels:
    drawn = pipeline(
        request.prompt,
        negative_prompt=request.negative_prompt,
        width=side,
        height=side,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="np",
    ).images[0]
    return _rounded(drawn)


def bare_film(
    pipeline: Any, scheduler: Any, request: Text2VideoRequest, tokens: int, seed: int
) -> Pixels:
    """A film by Wan's modules, guided."""
    config = pipeline.vae.config
    read = pipeline.tokenizer(
        [request.prompt, request.negative_prompt],
        padding="max_length",
        max_length=tokens,
        truncation=True,
        return_tensors="pt",
    )
    sequences = pipeline.text_encoder(read.input_ids, read.attention_mask).last_hidden_state
    # As the model was trained: nothing where there is no token.
    sequences = sequences * read.attention_mask.unsqueeze(-1)
    towards_text, without_text = sequences.to(pipeline.transformer.dtype).chunk(2)
    scheduler.set_timesteps(request.num_inference_steps)
    latents = torch.randn(
        (
            1,
            pipeline.transformer.config.in_channels,
            (request.num_frames - 1) // pipeline.vae_scale_factor_temporal + 1,
            request.video_height // pipeline.vae_scale_factor_spatial,
            request.video_width // pipeline.vae_scale_factor_spatial,
        ),
        generator=torch.Generator("cpu").manual_seed(seed),
    )
    for timestep in scheduler.timesteps:
        towards, without = (
            pipeline.transformer(
                hidden_states=latents,
                timestep=timestep.expand(1),
                encoder_hidden_states=sequence,
                return_dict=False,
            )[0]
            for sequence in (towards_text, without_text)
        )
        guided = without + request.video_guidance_scale * (towards - without)
        latents = scheduler.step(guided, timestep, latents, return_dict=False)[0]
    mean, std = (
        torch.tensor(values).view(1, -1, 1, 1, 1)
        for values in (config.latents_mean, config.latents_std)
    )
    decoded = pipeline.vae.decode(latents * std + mean, return_dict=False)[0]
    return _to_pixels(decoded[0], (1, 2, 3, 0))


def stock_film(pipeline: Any, request: Text2VideoRequest, tokens: int, seed: int) -> Pixels:
    drawn = pipeline(
        request.prompt,
        negative_prompt=request.negative_prompt,
        width=request.video_width,
        height=request.video_height,
        num_frames=request.num_frames,
        num_inference_steps=request.num_inference_steps,
        guidance_scale=request.video_guidance_scale,
        generator=torch.Generator("cpu").manual_seed(seed),
        max_sequence_length=tokens,
        output_type="np",
    ).frames[0]
    return _rounded(drawn)


def is_guided(request: Text2ImgRequest | Text2VideoRequest) -> bool:
    """What the loops take."""
    scale = (
        request.guidance_scale
        if isinstance(request, Text2ImgRequest)
        else request.video_guidance_scale
    )
    return scale > NO_GUIDANCE and bool(request.negative_prompt)


def _to_pixels(decoded: torch.Tensor, order: tuple[int, ...]) -> Pixels:
    scaled = (decoded.float() / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8)
    pixels: Pixels = np.ascontiguousarray(scaled.permute(*order).numpy())
    return pixels


def _rounded(drawn: NDArray[np.float32]) -> Pixels:
    return (drawn * 255).round().astype(np.uint8)
