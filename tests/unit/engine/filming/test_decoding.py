"""A film's frames leave while the VAE decodes: the same ones, a few at a time, until a stop."""

from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

from gpu_worker.engine import film_decoding
from gpu_worker.engine.specs import Size
from gpu_worker.ports import JobCancelled
from tests.unit.engine.filming.small_films import Stop


@pytest.fixture(scope="module")
def vae_of_squares() -> Any:
    """As Wan 2.2's and the embedded one: works on squares of 2 × 2 pixels."""
    return AutoencoderKLWan(
        base_dim=4,
        dim_mult=[1, 1, 2],
        num_res_blocks=1,
        temperal_downsample=[True, True],
        patch_size=2,
        in_channels=12,
        out_channels=12,
    )


@pytest.mark.parametrize("size", [(12, 8), (13, 9)])
@pytest.mark.parametrize("tiled", [False, True], ids=["whole", "tiled"])
@pytest.mark.parametrize("squares", [False, True], ids=["pixels", "squares"])
def test_streamed_frames_are_exactly_those_that_the_vae_decodes_at_once(
    pipeline: Any, vae_of_squares: Any, size: Size, tiled: bool, squares: bool
) -> None:
    width, height = size
    vae = vae_of_squares if squares else pipeline.vae
    generator = torch.Generator("cpu").manual_seed(3)
    latents = torch.randn(1, 16, 4, height, width, generator=generator)
    if tiled:
        vae.enable_tiling(
            tile_sample_min_height=48,
            tile_sample_min_width=48,
            tile_sample_stride_height=32,
            tile_sample_stride_width=32,
        )
    try:
        with torch.no_grad():
            whole = vae.decode(latents).sample
            decode = film_decoding._decode_tiled if tiled else film_decoding._decode
            assert film_decoding._needs_tiles(vae, latents) is tiled
            parts = list(decode(vae, latents, lambda _: None))
    finally:
        vae.disable_tiling()
    assert [part.shape[2] for part in parts] == [1, 4, 4, 4]
    spread = [film_decoding._spread(vae, part) for part in parts]
    assert torch.equal(torch.cat(spread, dim=2).clamp(-1, 1), whole)


def test_frames_leave_before_the_next_latents_are_decoded(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = count_decodings(pipeline, monkeypatch)
    latents = torch.randn(1, 16, 5, 4, 4)
    with torch.no_grad():
        frames = film_decoding.decode_frames(pipeline.vae, latents, lambda _: None)
        for number, chunk in enumerate(frames, 1):
            assert len(decoded) == number
            assert chunk.shape == (1 if number == 1 else 4, 32, 32, 3)


@pytest.mark.parametrize("tiled", [False, True], ids=["whole", "tiled"])
def test_a_stop_while_decoding_comes_within_one_use_of_the_decoder(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch, tiled: bool
) -> None:
    decoded = count_decodings(pipeline, monkeypatch)
    stop = Stop()

    def ask_after_two(_: float) -> None:
        stop.asked = len(decoded) == 2
        stop()

    if tiled:
        pipeline.vae.enable_tiling(32, 32, 16, 16)
    try:
        with torch.no_grad(), pytest.raises(JobCancelled):
            list(
                film_decoding.decode_frames(
                    pipeline.vae, torch.randn(1, 16, 5, 6, 6), ask_after_two
                )
            )
    finally:
        pipeline.vae.disable_tiling()
    assert len(decoded) == 2


@pytest.mark.parametrize("tiled", [False, True], ids=["whole", "tiled"])
def test_the_share_of_decoding_grows_evenly_with_every_use_of_the_decoder(
    pipeline: Any, tiled: bool
) -> None:
    told: list[float] = []
    if tiled:
        pipeline.vae.enable_tiling(32, 32, 16, 16)
    try:
        with torch.no_grad():
            latents = torch.randn(1, 16, 3, 6, 6)
            list(film_decoding.decode_frames(pipeline.vae, latents, told.append))
    finally:
        pipeline.vae.disable_tiling()
    uses = 3 * 9 if tiled else 3
    assert told == [done / uses for done in range(uses)]


def count_decodings(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    decoded: list[int] = []
    forward = pipeline.vae.decoder.forward

    def counted(*arguments: Any, **options: Any) -> Any:
        decoded.append(1)
        return forward(*arguments, **options)

    monkeypatch.setattr(pipeline.vae.decoder, "forward", counted)
    return decoded
