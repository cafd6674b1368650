"""A film's frames out of its latents, as they are decoded: one, and then four for each latent.

The arithmetic is that of `AutoencoderKLWan.decode`, whose convolutions over time keep the last two
frames of what they saw; diffusers puts all frames together before it returns, here they come while
the rest is still latents. With tiles that memory would be as large for all of them together as for
the whole frame, so tiles are decoded one after the other, each through all of its time, and wait in
main memory to be put together: slower to begin, but a tile is all that the device has to hold.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import WanCausalConv3d, unpatchify

from gpu_worker.ports import Frames

Tell: TypeAlias = Callable[[float], None]


def decode_frames(vae: Any, latents: torch.Tensor, tell: Tell) -> Iterator[Frames]:
    """Frames of one film from its latents (1 × channels × n × height/8 × width/8).

    `latents` are in the transformer's scale; tiles are made where `vae.use_tiling` is set and the
    film is larger than one. `tell` gets the share of the decoder's work that is done, 0 … 1, before
    each use of it; it may raise.
    """
    own = _unscaled(latents.to(vae.device, vae.dtype), vae.config)
    decode = _decode_tiled if _needs_tiles(vae, own) else _decode
    for decoded in decode(vae, own, tell):
        yield _to_pixels(_spread(vae, decoded))


def _spread(vae: Any, decoded: torch.Tensor) -> torch.Tensor:
    """Pixels, where the decoder gives squares of them as channels (Wan 2.2, `shapes`)."""
    patch = vae.config.patch_size
    if patch is None:
        return decoded
    to_pixels: Any = unpatchify  # untyped
    spread: torch.Tensor = to_pixels(decoded, patch_size=patch)
    return spread


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


@dataclass(kw_only=True, slots=True)
class _Work:
    """How much of a film's decoding is done, in uses of the decoder."""

    uses: int
    tell: Tell
    done: int = field(default=0)

    def go_on(self) -> None:
        """Before each use."""
        self.tell(self.done / self.uses)
        self.done += 1


def _decode(vae: Any, latents: Any, tell: Tell) -> Iterator[torch.Tensor]:
    each = vae.post_quant_conv(latents).split(1, dim=2)
    yield from _decode_each(vae, each, _Work(uses=len(each), tell=tell))


def _decode_each(
    vae: Any, latents: Iterable[torch.Tensor], work: "_Work"
) -> Iterator[torch.Tensor]:
    """The frames of one latent after the other, which are in the decoder's own terms."""
    memory = _Memory.of(vae.decoder)
    for latent in latents:
        work.go_on()
        yield memory.decode(vae.decoder, latent)


def _decode_tiled(vae: Any, latents: Any, tell: Tell) -> Iterator[torch.Tensor]:
    """Tiles overlap, and are blended with the one above and the one to the left, as published."""
    scale = vae.spatial_compression_ratio
    height, width = latents.shape[-2:]
    step_height, step_width = vae.tile_sample_stride_height, vae.tile_sample_stride_width
    finer = scale // (vae.config.patch_size or 1)
    tops = range(0, height, step_height // scale)
    lefts = range(0, width, step_width // scale)
    count = latents.shape[2]
    work = _Work(uses=len(tops) * len(lefts) * count, tell=tell)
    rows: list[list[list[torch.Tensor]]] = []
    for top, left in itertools.product(tops, lefts):
        bottom = top + vae.tile_sample_min_height // scale
        right = left + vae.tile_sample_min_width // scale
        tile = latents[..., top:bottom, left:right]
        # One by one, as published: all at once they differ in their last bits.
        own = (vae.post_quant_conv(it) for it in tile.split(1, dim=2))
        if left == 0:
            rows.append([])
        rows[-1].append([it.cpu() for it in _decode_each(vae, own, work)])
    for index in range(count):
        whole = _joined(vae, [[tile[index] for tile in row] for row in rows])
        yield whole[..., : height * finer, : width * finer]


def _joined(vae: Any, rows: list[list[torch.Tensor]]) -> torch.Tensor:
    """The tiles of the same few frames, put together; each is changed by blending it."""
    patch = vae.config.patch_size or 1
    step_height = vae.tile_sample_stride_height // patch
    step_width = vae.tile_sample_stride_width // patch
    overlap_height = vae.tile_sample_min_height // patch - step_height
    overlap_width = vae.tile_sample_min_width // patch - step_width
    joined = []
    for above, row in zip([None, *rows], rows, strict=False):
        for column, tile in enumerate(row):
            if above is not None:
                vae.blend_v(above[column], tile, overlap_height)
            if column > 0:
                vae.blend_h(row[column - 1], tile, overlap_width)
        joined.append(torch.cat([it[..., :step_height, :step_width] for it in row], dim=-1))
    return torch.cat(joined, dim=-2)


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
