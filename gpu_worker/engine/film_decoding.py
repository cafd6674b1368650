"""A film's frames out of its latents, as they are decoded: one, and then four for each latent.

The arithmetic is that of `AutoencoderKLWan.decode`, whose convolutions over time keep the last two
frames of what they saw; diffusers puts all frames together before it returns, here they come while
the rest is still latents. Tiles are decoded side by side, each with a memory of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d

from gpu_worker.ports import Frames


def decode_frames(vae: Any, latents: torch.Tensor) -> Iterator[Frames]:
    """Frames of one film from its latents (1 × channels × n × height/8 × width/8).

    `latents` are in the transformer's scale; tiles are made where `vae.use_tiling` is set and the
    film is larger than one.
    """
    own = _unscaled(latents.to(vae.device, vae.dtype), vae.config)
    for decoded in _decode_tiled(vae, own) if _needs_tiles(vae, own) else _decode(vae, own):
        yield _to_pixels(decoded)


def _needs_tiles(vae: Any, latents: torch.Tensor) -> bool:
    height, width = latents.shape[-2:]
    scale = vae.spatial_compression_ratio
    return bool(
        vae.use_tiling
        and (
            width > vae.tile_sample_min_width // scale
            or height > vae.tile_sample_min_height // scale
        )
    )


@dataclass(kw_only=True, slots=True)
class _Memory:
    """What the decoder's convolutions remember of the frames before; one decoding's own."""

    features: list[torch.Tensor | str | None]
    first: bool = field(default=True)

    @classmethod
    def of(cls, decoder: Any) -> "_Memory":
        count = sum(isinstance(module, WanCausalConv3d) for module in decoder.modules())
        return cls(features=[None] * count)

    def decode(self, decoder: Any, latent: torch.Tensor) -> torch.Tensor:
        decoded: torch.Tensor = decoder(
            latent, feat_cache=self.features, feat_idx=[0], first_chunk=self.first
        )
        self.first = False
        return decoded


def _decode(vae: Any, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    memory = _Memory.of(vae.decoder)
    quantised = vae.post_quant_conv(latents)
    for index in range(quantised.shape[2]):
        yield memory.decode(vae.decoder, quantised[:, :, index : index + 1])


def _decode_tiled(vae: Any, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """Tiles overlap; diffusers' own blending of each with the one above and the one to its left."""
    scale = vae.spatial_compression_ratio
    height, width = latents.shape[-2:]
    tile_height, tile_width = vae.tile_sample_min_height, vae.tile_sample_min_width
    step_height, step_width = vae.tile_sample_stride_height, vae.tile_sample_stride_width
    places = [
        [(top, left) for left in range(0, width, step_width // scale)]
        for top in range(0, height, step_height // scale)
    ]
    memories = {place: _Memory.of(vae.decoder) for row in places for place in row}
    for index in range(latents.shape[2]):
        latent = latents[:, :, index : index + 1]
        rows: list[list[torch.Tensor]] = []
        joined = []
        for row in places:
            tiles: list[torch.Tensor] = []
            for top, left in row:
                tile = latent[
                    ..., top : top + tile_height // scale, left : left + tile_width // scale
                ]
                decoded = memories[top, left].decode(vae.decoder, vae.post_quant_conv(tile))
                if rows:
                    above = rows[-1][len(tiles)]
                    decoded = vae.blend_v(above, decoded, tile_height - step_height)
                if tiles:
                    decoded = vae.blend_h(tiles[-1], decoded, tile_width - step_width)
                tiles.append(decoded)
            rows.append(tiles)
            joined.append(torch.cat([it[..., :step_height, :step_width] for it in tiles], dim=-1))
        yield torch.cat(joined, dim=-2)[..., : height * scale, : width * scale]


def _unscaled(latents: torch.Tensor, config: Any) -> torch.Tensor:
    """From the transformer's scale to the VAE's, as the published pipeline rounds it."""
    mean, std = (
        torch.tensor(values).view(1, -1, 1, 1, 1).to(latents.device, latents.dtype)
        for values in (config.latents_mean, config.latents_std)
    )
    return latents / (1.0 / std) + mean


def _to_pixels(decoded: torch.Tensor) -> Frames:
    """−1 … 1 (1 × 3 × n × height × width) → 0 … 255, to the nearest."""
    scaled = (decoded[0].clamp(-1, 1).float() / 2 + 0.5).mul(255).round().to(torch.uint8)
    frames: Frames = np.ascontiguousarray(scaled.permute(1, 2, 3, 0).cpu().numpy())
    return frames
