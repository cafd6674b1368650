"""The tiers of a request: `quality` is what it was, `fast` asks the model for less."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from gpu_worker.engine.guidance_cutoff import guided_evaluations
from gpu_worker.engine.model import Model
from gpu_worker.engine.specs import SHAPES, SHAPES_FILM
from gpu_worker.ports import EngineProgress, Mask, Pixels, no_frames
from shared.request import Scheduler, SpeedTier
from tests.unit.engine.films import film_job
from tests.unit.engine.images import difference
from tests.unit.engine.jobs import make_job
from tests.unit.engine.judge import look_at

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

#: Those that remember earlier steps in ways of their own, and the one that evaluates twice a step.
SOLVERS = (
    Scheduler.PNDM,
    Scheduler.KLMS,
    Scheduler.K_EULER_ANCESTRAL,
    Scheduler.DPM_SOLVER_SINGLESTEP,
    Scheduler.UNIPC,
    Scheduler.HEUN,
)
SOMEWHERE = "gs://bucket/image.png"


class Studio:
    def __init__(self) -> None:
        self.model = Model((SHAPES, SHAPES.source), (SHAPES_FILM, SHAPES_FILM.source))
        draw: Any = self.model._draw
        shoot: Any = self.model._shoot
        self.unet = draw._pipelines.text2img.unet
        self.refiner = draw._pipelines.refiner.unet
        self.transformer = shoot._pipeline.transformer

    def draw(
        self, image: Pixels | None = None, mask: Mask | None = None, **parameters: Any
    ) -> tuple[list[Pixels], list[int], list[int]]:
        """The pictures; rows of the base's evaluations, and of the refiner's."""
        job = make_job(image=image, mask=mask, **{"refiner_inference_steps": 0, **parameters})
        with rows_of(self.unet) as base, rows_of(self.refiner) as refiner:
            result = self.model.generate(job, lambda _: None, lambda: None, no_frames)
        return [it.pixels for it in result.pictures], base, refiner


@contextmanager
def rows_of(module: Any) -> Iterator[list[int]]:
    """How many latents each call was about."""
    rows: list[int] = []

    def note(_: Any, inputs: Any, named: Any) -> None:
        rows.append(len(inputs[0] if inputs else named["hidden_states"]))

    hook = module.register_forward_pre_hook(note, with_kwargs=True)
    yield rows
    hook.remove()


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio()


def test_fast_asks_the_model_for_fewer_rows_and_draws_what_was_asked(studio: Studio) -> None:
    _, quality, _ = studio.draw()
    (fast,), rows, _ = studio.draw(speed_tier="fast")
    assert quality == [2] * 25
    assert rows == [2] * 13 + [1] * 12
    seen = look_at(fast)
    assert (seen.colour, seen.background) == ("red", "blue")


def test_quality_is_the_default_and_what_came_before_it_changes_nothing(studio: Studio) -> None:
    how: dict[str, Any] = {"num_inference_steps": 4, "negative_prompt": "a star"}
    (before,), _, _ = studio.draw(**how)
    (fast,), _, _ = studio.draw(**how, speed_tier="fast")
    (after,), _, _ = studio.draw(**how, speed_tier="quality")
    assert np.array_equal(before, after)
    assert difference(before, fast) > 0


def test_up_to_the_cutoff_fast_is_quality(studio: Studio) -> None:
    """A share that is handed over before the cutoff is the same share."""
    seen: dict[str, list[EngineProgress]] = {}
    for tier in SpeedTier:
        reported: list[EngineProgress] = []
        job = make_job(speed_tier=tier.value, refiner_inference_steps=0, num_inference_steps=8)
        studio.model.generate(job, reported.append, lambda: None, no_frames)
        seen[tier] = [it for it in reported if it.preview is not None]
    fast, quality = seen[SpeedTier.FAST], seen[SpeedTier.QUALITY]
    assert [it.step for it in fast] == [it.step for it in quality] == [1, 5]
    same = [
        np.array_equal(np.asarray(one.preview), np.asarray(other.preview))
        for one, other in zip(fast, quality, strict=True)
    ]
    assert same == [True, False]


@pytest.mark.parametrize("scheduler", SOLVERS)
def test_fast_draws_what_was_asked_with_every_kind_of_solver(
    studio: Studio, scheduler: Scheduler
) -> None:
    (picture,), rows, _ = studio.draw(
        scheduler=scheduler.value, speed_tier="fast", num_inference_steps=14
    )
    assert rows == sorted(rows, reverse=True)
    assert 0.4 < rows.count(1) / len(rows) <= 0.5
    seen = look_at(picture)
    assert (seen.colour, seen.background) == ("red", "blue")


def test_of_several_pictures_each_is_the_one_that_its_seed_gives_alone(studio: Studio) -> None:
    both, rows, _ = studio.draw(num_images=2, speed_tier="fast", num_inference_steps=10)
    assert rows == [4] * 5 + [2] * 5
    (alone,), _, _ = studio.draw(speed_tier="fast", num_inference_steps=10)
    assert difference(both[0], alone) <= 1


def test_fast_works_on_images_and_masks_and_with_a_refiner(studio: Studio, mask: Mask) -> None:
    (image,), _, _ = studio.draw()
    how: dict[str, Any] = {
        "prompt": "a green circle on a blue background",
        "image": image,
        "image_url": SOMEWHERE,
        "strength": 0.8,
        "num_inference_steps": 10,
        "speed_tier": "fast",
        "num_images": 2,
    }
    masked: dict[str, Any] = {"mask": mask, "mask_url": SOMEWHERE}
    for more in ({}, masked):
        pictures, rows, _ = studio.draw(**how, **more)
        assert rows == [4] * 4 + [2] * 4
        assert all(it.shape == image.shape for it in pictures)
        assert difference(pictures[0], image) > 50
        if more:
            kept = mask == 0
            assert np.array_equal(pictures[0][kept], image[kept])
    (refined,), base, refiner = studio.draw(
        refiner_inference_steps=10,
        num_inference_steps=10,
        high_noise_frac=0.6,
        speed_tier="fast",
    )
    assert (base, refiner) == ([2] * 3 + [1] * 3, [2] * 2 + [1] * 2)
    assert look_at(refined).colour == "red"


def test_without_guidance_there_is_nothing_to_leave_out(studio: Studio) -> None:
    how: dict[str, Any] = {"guidance_scale": 1.0, "num_inference_steps": 4}
    (quality,), rows, _ = studio.draw(**how)
    (fast,), fast_rows, _ = studio.draw(**how, speed_tier="fast")
    assert rows == fast_rows == [1] * 4
    assert np.array_equal(quality, fast)


def test_a_fast_film_asks_the_transformer_less_often_and_counts_its_steps_right(
    studio: Studio,
) -> None:
    films: dict[str, Any] = {}
    for tier in ("quality", "fast", "quality"):
        reported: list[EngineProgress] = []
        chunks: list[Any] = []
        job = film_job(speed_tier=tier, num_inference_steps=5)
        with rows_of(studio.transformer) as rows:
            studio.model.generate(job, reported.append, lambda: None, chunks.append)
        assert len(rows) == {"quality": 10, "fast": 8}[tier]
        fractions = [it.fraction for it in reported]
        assert fractions == sorted(fractions)
        assert fractions[-1] == 1.0
        assert [it.step for it in reported if it.stage == "denoise"] == list(range(6))
        film = np.concatenate(chunks)
        if tier in films:
            assert np.array_equal(films[tier], film)
        films[tier] = film
    assert difference(films["fast"], films["quality"]) > 0


@pytest.mark.parametrize(
    ("evaluations", "order", "guided"),
    [(1, 1, 1), (2, 1, 1), (25, 1, 13), (39, 2, 20), (1, 2, 1), (3, 2, 2), (150, 1, 75)],
)
def test_the_first_half_is_guided_in_whole_steps(evaluations: int, order: int, guided: int) -> None:
    assert guided_evaluations(SpeedTier.FAST, evaluations, order) == guided
    assert guided_evaluations(SpeedTier.QUALITY, evaluations, order) == evaluations
