"""What text encoders made of texts is kept: on the embedded models, whose passes are counted."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpu_worker.engine.model import Model
from gpu_worker.engine.specs import SHAPES, SHAPES_FILM
from gpu_worker.engine.speed_options import SpeedOptions
from gpu_worker.engine.text_cache import Embedding, TextCache, forget
from gpu_worker.ports import Frames, LoraFile, Pixels, no_frames
from tests.unit.engine.films import film_job
from tests.unit.engine.jobs import make_job
from tests.unit.engine.lora_files import OTHER, WORDS, lora_of

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STEPS = 2
NEGATIVE = "a green star"
ONE_PASS_EACH = {"text_encoder": 1, "text_encoder_2": 1}
#: Of an embedding in these tests.
BYTES = 2**20


class Studio:
    """Both embedded models, and how often their text encoders were called."""

    def __init__(self, mebibytes: int) -> None:
        self.model = Model(
            (SHAPES, SHAPES.source),
            (SHAPES_FILM, SHAPES_FILM.source),
            speed=SpeedOptions(text_cache_mebibytes=mebibytes),
        )
        self.passes: Counter[str] = Counter()
        draw: Any = self.model._draw
        shoot: Any = self.model._shoot
        self.pipelines = draw._pipelines
        for name in ONE_PASS_EACH:
            self._count(name, getattr(self.pipelines.text2img, name))
        self._count("film", shoot._reading.text_encoder)

    def _count(self, name: str, encoder: Any) -> None:
        encoder.register_forward_pre_hook(lambda *_: self.passes.update([name]))

    def draw(self, prompt: str, *loras: LoraFile, **parameters: Any) -> tuple[Pixels, Counter[str]]:
        job = make_job(
            loras=loras,
            **{
                "prompt": prompt,
                "num_inference_steps": STEPS,
                "refiner_inference_steps": 0,
                **parameters,
            },
        )
        self.passes.clear()
        result = self.model.generate(job, lambda _: None, lambda: None, no_frames)
        return result.pictures[0].pixels, Counter(self.passes)

    def shoot(self, prompt: str, **parameters: Any) -> tuple[Frames, Counter[str]]:
        chunks: list[Frames] = []
        job = film_job(prompt=prompt, **{"num_inference_steps": 1, **parameters})
        self.passes.clear()
        self.model.generate(job, lambda _: None, lambda: None, chunks.append)
        return np.concatenate(chunks), Counter(self.passes)


@pytest.fixture(scope="module")
def forgetful() -> Studio:
    return Studio(0)


@pytest.fixture(scope="module")
def shared_studio() -> Studio:
    return Studio(8)


@pytest.fixture
def studio(shared_studio: Studio) -> Iterator[Studio]:
    yield shared_studio
    shared_studio.pipelines.text2img.unload_lora_weights()


def embedding(value: float = 0.0) -> Embedding:
    return Embedding(sequence=torch.full((1, BYTES // 4), value))


def values(cache: TextCache, *keys: str) -> list[float]:
    """What is kept under each key; -1 where nothing is, which is then kept."""
    remember = cache.under()
    return [float(remember(key, lambda: embedding(-1.0)).sequence[0, 0]) for key in keys]


def test_a_repeated_prompt_costs_no_pass_and_gives_the_same_picture_to_the_bit(
    studio: Studio, forgetful: Studio
) -> None:
    prompt = "a red circle"
    first, passes = studio.draw(prompt, negative_prompt=NEGATIVE)
    assert passes == {"text_encoder": 2, "text_encoder_2": 2}
    again, passes = studio.draw(prompt, negative_prompt=NEGATIVE)
    assert not passes
    read_twice, passes = forgetful.draw(prompt, negative_prompt=NEGATIVE)
    assert passes == {"text_encoder": 2, "text_encoder_2": 2}
    for other in (again, read_twice):
        assert np.array_equal(first, other)


def test_a_new_prompt_with_the_usual_negative_costs_one_pass(
    studio: Studio, forgetful: Studio
) -> None:
    studio.draw("a blue circle", negative_prompt=NEGATIVE)
    drawn, passes = studio.draw("a yellow star", negative_prompt=NEGATIVE)
    assert passes == ONE_PASS_EACH
    assert np.array_equal(drawn, forgetful.draw("a yellow star", negative_prompt=NEGATIVE)[0])


def test_a_negative_prompt_is_the_prompt_that_it_was_once(studio: Studio) -> None:
    """The same text is the same embedding, in either place."""
    studio.draw("a purple triangle", negative_prompt="a white square")
    swapped, passes = studio.draw("a white square", negative_prompt="a purple triangle")
    assert not passes
    assert not np.array_equal(swapped, studio.draw("a white square")[0])


def test_several_pictures_of_one_request_share_what_was_read_for_one(
    studio: Studio, forgetful: Studio
) -> None:
    studio.draw("two red stars", negative_prompt=NEGATIVE)
    drawn, passes = studio.draw("two red stars", negative_prompt=NEGATIVE, num_images=2)
    assert not passes
    alone = forgetful.draw("two red stars", negative_prompt=NEGATIVE, num_images=2)[0]
    assert np.array_equal(drawn, alone)


def test_the_refiner_reads_for_itself_and_remembers_too(studio: Studio, forgetful: Studio) -> None:
    how = {"refiner_inference_steps": STEPS, "high_noise_frac": 0.5, "negative_prompt": NEGATIVE}
    drawn, passes = studio.draw("a red square", **how)
    assert passes["text_encoder_2"] > passes["text_encoder"]
    again, passes = studio.draw("a red square", **how)
    assert not passes
    for other in (again, forgetful.draw("a red square", **how)[0]):
        assert np.array_equal(drawn, other)


def test_with_a_lora_a_prompt_is_read_anew_for_each_weight_and_after_it_the_old_one_counts(
    studio: Studio, forgetful: Studio, lora_folder: Path
) -> None:
    prompt = "a white circle"
    words, half = lora_of(lora_folder, WORDS), lora_of(lora_folder, WORDS, 0.5)
    other = lora_of(lora_folder, OTHER)
    plain, _ = studio.draw(prompt)
    changed: list[Pixels] = []
    for loras in ((words,), (half,), (words, other)):
        drawn, passes = studio.draw(prompt, *loras)
        assert passes == ONE_PASS_EACH
        again, passes = studio.draw(prompt, *loras)
        assert not passes
        assert np.array_equal(again, drawn)
        changed.append(drawn)
    after, passes = studio.draw(prompt)
    assert not passes
    assert np.array_equal(after, plain)
    assert not any(np.array_equal(it, plain) for it in changed)
    forgetful_plain = forgetful.draw(prompt)[0]
    assert np.array_equal(forgetful.draw(prompt, words)[0], changed[0])
    assert np.array_equal(forgetful_plain, plain)
    forgetful.pipelines.text2img.unload_lora_weights()


def test_weighted_prompts_are_kept_by_their_weights(studio: Studio, forgetful: Studio) -> None:
    how = {"prompt_weighting": True, "negative_prompt": "(a star)0.5" + ", highly detailed" * 20}
    drawn, passes = studio.draw("a (green)1.4 circle", **how)
    assert passes
    again, passes = studio.draw("a (green)1.4 circle", **how)
    assert not passes
    heavier, passes = studio.draw("a (green)1.6 circle", **how)
    assert passes["text_encoder"] > 0
    for it, prompt in ((again, "a (green)1.4 circle"), (heavier, "a (green)1.6 circle")):
        assert np.array_equal(it, forgetful.draw(prompt, **how)[0])
    assert not np.array_equal(drawn, heavier)
    # Without the syntax being asked for it is another text.
    plain, passes = studio.draw("a (green)1.4 circle", negative_prompt=how["negative_prompt"])
    assert passes == {"text_encoder": 2, "text_encoder_2": 2}
    assert not np.array_equal(plain, drawn)


def test_that_a_prompt_was_cut_is_remembered_with_it(studio: Studio) -> None:
    job = make_job(
        prompt="a circle" + ", highly detailed" * 60,
        num_inference_steps=1,
        refiner_inference_steps=0,
    )
    results = [studio.model.generate(job, lambda _: None, lambda: None, no_frames) for _ in "12"]
    assert [it.prompt_truncated for it in results] == [True, True]


def test_films_share_what_was_read_but_not_with_pictures(studio: Studio, forgetful: Studio) -> None:
    prompt = "a red circle"
    studio.draw(prompt)
    film, passes = studio.shoot(prompt, negative_prompt=NEGATIVE)
    assert passes == {"film": 2}
    again, passes = studio.shoot(prompt, negative_prompt=NEGATIVE)
    assert not passes
    _, passes = studio.shoot("a blue circle", negative_prompt=NEGATIVE)
    assert passes == {"film": 1}
    for other in (again, forgetful.shoot(prompt, negative_prompt=NEGATIVE)[0]):
        assert np.array_equal(film, other)


def test_what_was_used_longest_ago_goes_first_and_never_more_than_the_bound_stays() -> None:
    cache = TextCache(2)
    remember = cache.under()
    for key in ("one", "two"):
        remember(key, lambda: embedding(1.0))
    assert cache.size == 2 * BYTES
    assert values(cache, "one") == [1.0]
    remember("three", lambda: embedding(1.0))
    assert cache.size == 2 * BYTES
    assert values(cache, "one", "three", "two") == [1.0, 1.0, -1.0]
    assert cache.size == 2 * BYTES


def test_what_is_larger_than_the_bound_is_given_and_not_kept() -> None:
    cache = TextCache(1)
    cache.under()("small", lambda: embedding(1.0))
    large = Embedding(sequence=torch.zeros(BYTES), pooled=torch.zeros(1))
    assert cache.under()("large", lambda: large) is large
    assert values(cache, "small") == [1.0]
    nothing = TextCache(0)
    assert values(nothing, "any") == [-1.0]
    assert nothing.size == 0


def test_states_of_the_encoders_are_kept_apart() -> None:
    cache = TextCache(4)
    cache.under("base")("text", lambda: embedding(1.0))
    cache.under("refiner")("text", lambda: embedding(2.0))
    kept = [cache.under(it)("text", embedding).sequence[0, 0] for it in ("base", "refiner")]
    assert kept == [1.0, 2.0]


def test_a_text_that_could_not_be_read_is_tried_again() -> None:
    def fail() -> Embedding:
        raise RuntimeError("no memory")

    cache = TextCache(1)
    for remember in (cache.under(), forget):
        with pytest.raises(RuntimeError):
            remember("text", fail)
    assert values(cache, "text") == [-1.0]


def test_neither_the_cache_nor_what_it_keeps_shows_a_text() -> None:
    cache = TextCache(1)
    cache.under("base")("a secret wish", embedding)
    assert "secret" not in repr(cache)
    assert "secret" not in repr(embedding())
