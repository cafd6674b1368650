"""The stages of a film in this process: the published pipeline's numbers, streamed, and stopped."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpu_worker.engine import film_decoding, film_stages
from gpu_worker.engine.device import choose_device
from gpu_worker.engine.film_loading import FilmPipelines, load
from gpu_worker.engine.film_preview import FilmPreviewer, clean_film_guess
from gpu_worker.engine.filming import Filming
from gpu_worker.engine.preview import PREVIEW_SIDE
from gpu_worker.engine.sizes import Sizes, decide_film_sizes, decide_lengths
from gpu_worker.engine.specs import SHAPES_FILM, WAN, FolderSource, Size
from gpu_worker.ports import EngineJob, EngineProgress, Film, Frames, JobCancelled
from shared.request import Text2VideoRequest

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

#: Small enough to compare whole films, and not a request's: no such film can be asked for.
SMALL: Size = (96, 64)
ANY_SIZE = replace(SHAPES_FILM, draws_any_size=True, native_frames=None)


@pytest.fixture(scope="module")
def pipelines(film_model: Path) -> FilmPipelines:
    torch.set_num_threads(1)
    return load(FolderSource(folder=film_model), choose_device(), streams_text_encoder=False)


@pytest.fixture(scope="module")
def pipeline(pipelines: FilmPipelines) -> Any:
    return pipelines.filming


@pytest.fixture
def filming(pipelines: FilmPipelines) -> Filming:
    return Filming(ANY_SIZE, pipelines, choose_device())


def wish(**parameters: Any) -> Text2VideoRequest:
    width, height = SMALL
    asked = {
        "prompt": "a red circle moving right",
        "num_frames": 17,
        "num_inference_steps": 3,
        **parameters,
    }
    return Text2VideoRequest.model_construct(video_width=width, video_height=height, **asked)


def job_for(**parameters: Any) -> EngineJob:
    return EngineJob(job_id="film", request=wish(**parameters), seed=7)


def shoot(filming: Filming, job: EngineJob) -> Frames:
    chunks: list[Frames] = []
    result = filming(job, lambda _: None, lambda: None, chunks.append)
    film = np.concatenate(chunks)
    count, height, width, _ = film.shape
    assert result.film == Film(frames=count, size=(width, height), seed=job.seed)
    return film


@pytest.mark.parametrize(
    "how",
    [
        {"video_guidance_scale": 5.0, "negative_prompt": "blue"},
        {"video_guidance_scale": 3.0},
        {"video_guidance_scale": 1.0, "num_frames": 21},
    ],
    ids=["negative", "guided", "unguided"],
)
def test_a_film_is_that_of_a_plain_call_of_the_published_pipeline(
    pipeline: Any, filming: Filming, how: dict[str, Any]
) -> None:
    from diffusers import WanPipeline  # noqa: PLC0415

    film = shoot(filming, job_for(**how))
    untyped: Any = WanPipeline
    plain = untyped(
        tokenizer=pipeline.tokenizer,
        text_encoder=pipeline.text_encoder,
        transformer=pipeline.transformer,
        vae=pipeline.vae,
        scheduler=type(pipeline.scheduler).from_config(pipeline.scheduler.config),
    )
    plain.set_progress_bar_config(disable=True)
    width, height = SMALL
    published = plain(
        "a red circle moving right",
        negative_prompt=how.get("negative_prompt"),
        width=width,
        height=height,
        num_frames=how.get("num_frames", 17),
        num_inference_steps=3,
        guidance_scale=how["video_guidance_scale"],
        generator=torch.Generator("cpu").manual_seed(7),
        max_sequence_length=24,
    ).frames[0]
    assert len(film) == len(published)
    assert np.ptp(film) > 50, "a film of one colour would equal any other"
    for ours, theirs in zip(film, np.rint(published * 255), strict=True):
        assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("size", [(12, 8), (13, 9)])
@pytest.mark.parametrize("tiled", [False, True], ids=["whole", "tiled"])
def test_streamed_frames_are_exactly_those_that_the_vae_decodes_at_once(
    pipeline: Any, size: Size, tiled: bool
) -> None:
    width, height = size
    generator = torch.Generator("cpu").manual_seed(3)
    latents = torch.randn(1, 16, 4, height, width, generator=generator)
    if tiled:
        pipeline.vae.enable_tiling(
            tile_sample_min_height=48,
            tile_sample_min_width=48,
            tile_sample_stride_height=32,
            tile_sample_stride_width=32,
        )
    try:
        with torch.no_grad():
            whole = pipeline.vae.decode(latents).sample
            decode = film_decoding._decode_tiled if tiled else film_decoding._decode
            assert film_decoding._needs_tiles(pipeline.vae, latents) is tiled
            parts = list(decode(pipeline.vae, latents, lambda: None))
    finally:
        pipeline.vae.disable_tiling()
    assert [part.shape[2] for part in parts] == [1, 4, 4, 4]
    assert torch.equal(torch.cat(parts, dim=2).clamp(-1, 1), whole)


def test_frames_leave_before_the_next_latents_are_decoded(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = count_decodings(pipeline, monkeypatch)
    latents = torch.randn(1, 16, 5, 4, 4)
    with torch.no_grad():
        frames = film_decoding.decode_frames(pipeline.vae, latents, lambda: None)
        for number, chunk in enumerate(frames, 1):
            assert len(decoded) == number
            assert chunk.shape == (1 if number == 1 else 4, 32, 32, 3)


def count_decodings(pipeline: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    decoded: list[int] = []
    forward = pipeline.vae.decoder.forward

    def counted(*arguments: Any, **options: Any) -> Any:
        decoded.append(1)
        return forward(*arguments, **options)

    monkeypatch.setattr(pipeline.vae.decoder, "forward", counted)
    return decoded


class Stop:
    """Asks for a stop from the moment it is told to."""

    asked = False

    def __call__(self) -> None:
        if self.asked:
            raise JobCancelled


@pytest.mark.parametrize("tiled", [False, True], ids=["whole", "tiled"])
def test_a_stop_while_decoding_comes_within_one_use_of_the_decoder(
    pipeline: Any, monkeypatch: pytest.MonkeyPatch, tiled: bool
) -> None:
    decoded = count_decodings(pipeline, monkeypatch)
    stop = Stop()

    def ask_after_two() -> None:
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


def test_a_stop_while_denoising_comes_within_one_evaluation_of_the_transformer(
    pipeline: Any, filming: Filming, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluations = []
    forward = pipeline.transformer.forward
    stop = Stop()

    def counted(*arguments: Any, **options: Any) -> Any:
        evaluations.append(1)
        stop.asked = len(evaluations) == 3  # the first of two in the second step
        return forward(*arguments, **options)

    monkeypatch.setattr(pipeline.transformer, "forward", counted)
    with pytest.raises(JobCancelled):
        filming(job_for(num_inference_steps=9), lambda _: None, stop, lambda _: None)
    assert len(evaluations) == 3
    stop.asked = False
    assert len(shoot(filming, job_for())) == 17


def test_a_stop_while_denoising_comes_within_one_step(filming: Filming) -> None:
    stop, steps = Stop(), []

    def report(progress: EngineProgress) -> None:
        steps.append(progress.step)
        stop.asked = progress.step == 2

    with pytest.raises(JobCancelled):
        filming(job_for(num_inference_steps=9), report, stop, lambda _: None)
    assert steps[-1] == 2
    stop.asked = False
    assert len(shoot(filming, job_for())) == 17


@pytest.mark.parametrize(
    ("size", "shift"),
    [((832, 480), 3.0), ((480, 832), 3.0), ((1280, 720), 5.0), ((720, 1280), 5.0)],
)
def test_the_noise_levels_of_wan_are_those_published_for_the_size(
    pipeline: Any, size: Size, shift: float
) -> None:
    from diffusers import UniPCMultistepScheduler  # noqa: PLC0415

    config = {**pipeline.scheduler.config, "flow_shift": 1.0}
    ours = film_stages.build_film_scheduler(
        pipeline.scheduler, config, WAN, decide_film_sizes(WAN, *size)
    )
    # As diffusers' documentation of Wan sets it up.
    untyped: Any = UniPCMultistepScheduler
    published = untyped(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        num_train_timesteps=1000,
        flow_shift=shift,
    )
    for scheduler in (ours, published):
        scheduler.set_timesteps(25)
    assert torch.equal(ours.sigmas, published.sigmas)
    assert torch.equal(ours.timesteps, published.timesteps)


def test_a_model_of_one_size_keeps_the_noise_levels_of_its_checkpoint(pipeline: Any) -> None:
    config = {**pipeline.scheduler.config, "flow_shift": 2.5}
    sizes = decide_film_sizes(SHAPES_FILM, 1280, 720)
    ours = film_stages.build_film_scheduler(pipeline.scheduler, config, SHAPES_FILM, sizes)
    assert ours.config.flow_shift == 2.5


def test_a_text_encoder_that_passes_layer_by_layer_reads_the_same(
    pipelines: FilmPipelines, film_model: Path
) -> None:
    device = choose_device()
    streamed = load(FolderSource(folder=film_model), device, streams_text_encoder=True)
    assert streamed.filming.text_encoder is None
    encoder = streamed.reading.text_encoder
    assert {it.device.type for it in encoder.parameters()} == {"meta"}
    request = wish(negative_prompt="blue")
    with torch.no_grad():
        once, again, resident = (
            film_stages.encode(it, request, device.torch_device)
            for it in (streamed.reading, streamed.reading, pipelines.reading)
        )
    for other in (again, resident):
        assert torch.equal(once.prompt, other.prompt)
        assert once.negative_prompt is not None
        assert other.negative_prompt is not None
        assert torch.equal(once.negative_prompt, other.negative_prompt)
    film = shoot(Filming(ANY_SIZE, streamed, device), job_for())
    assert np.array_equal(film, shoot(Filming(ANY_SIZE, pipelines, device), job_for()))


@pytest.mark.parametrize("sigma", [0.1, 0.5, 0.95])
def test_the_guess_at_the_clean_latents_is_right_where_the_velocity_is(sigma: float) -> None:
    clean, noise = torch.randn(2, 16, 4, 4)
    noisy = (1 - sigma) * clean + sigma * noise
    assert torch.allclose(clean_film_guess(noise - clean, noisy, sigma), clean, atol=1e-5)


def test_previews_show_the_middle_of_the_film_by_the_levels_of_its_steps(pipeline: Any) -> None:
    previewer = FilmPreviewer(pipeline.vae)
    scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)
    scheduler.set_timesteps(6)
    scheduler.set_begin_index(0)
    previewer.watch(scheduler)
    middle = torch.randn(16, 90, 160)
    clean = torch.randn(1, 16, 5, 90, 160)
    clean[0, :, 2] = middle
    noise = torch.randn_like(clean)
    previews = []
    for index, timestep in enumerate(scheduler.timesteps):
        sigma = float(scheduler.sigmas[index])
        scheduler.step(noise - clean, timestep, (1 - sigma) * clean + sigma * noise)
        previews.append(previewer.take())
    shown = [index for index, preview in enumerate(previews) if preview is not None]
    assert shown == [0, 4]
    first, second = previews[0], previews[4]
    assert first is not None
    assert second is not None
    assert max(first.shape[:2]) <= PREVIEW_SIDE
    assert np.abs(first.astype(int) - second).max() <= 1, "the same film, at another noise level"


def test_lengths_are_rounded_up_to_whole_latents() -> None:
    asked = [decide_lengths(WAN, frames).asked for frames in (16, 17, 18, 20, 21, 80, 81)]
    assert asked == [17, 17, 21, 21, 21, 81, 81]
    assert decide_lengths(WAN, 20).drawn == 21
    assert decide_lengths(SHAPES_FILM, 20).drawn == 17


def test_sizes_are_wan_s_own_or_the_nearest_native_ones() -> None:
    assert decide_film_sizes(WAN, 720, 1280) == Sizes(drawn=(720, 1280), asked=(720, 1280))
    assert decide_film_sizes(SHAPES_FILM, 832, 480).drawn == (112, 64)
    assert decide_film_sizes(SHAPES_FILM, 720, 1280).drawn == (64, 112)


def test_the_fraction_grows_with_what_the_stages_cost_and_ends_at_one(filming: Filming) -> None:
    reported: list[EngineProgress] = []
    filming(job_for(num_inference_steps=4), reported.append, lambda: None, lambda _: None)
    fractions = [it.fraction for it in reported]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == pytest.approx(1)
    evaluations, frames = 2 * 4, 17
    whole = ANY_SIZE.encode_cost + evaluations + ANY_SIZE.frame_cost * frames
    denoised = max(it.fraction for it in reported if it.stage == "denoise")
    assert denoised == pytest.approx((ANY_SIZE.encode_cost + evaluations) / whole)


@pytest.fixture(autouse=True)
def _scheduler_of_the_checkpoint(pipeline: Any) -> Iterator[None]:
    """Jobs leave their own behind."""
    scheduler = pipeline.scheduler
    yield
    pipeline.scheduler = scheduler


def test_broken_letters_of_a_prompt_are_mended_before_they_are_read(pipeline: Any) -> None:
    """By ftfy, which diffusers leaves out in silence where it is not installed."""
    broken, right = (
        film_stages.encode(pipeline, wish(prompt=prompt), torch.device("cpu"))
        for prompt in ("a rÃ©d circle", "a réd circle")
    )
    assert torch.equal(broken.prompt, right.prompt)
