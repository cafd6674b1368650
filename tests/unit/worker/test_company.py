"""Which of the waiting jobs go together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpu_worker.engine.company import OWN_FIELDS, Waiting, choose_company, company_key
from gpu_worker.engine.specs import SDXL, SHAPES
from gpu_worker.ports import EngineJob, FewSteps, LoraFile, Sampler
from shared.request import ImageRequest
from tests.unit.engine.jobs import make_job

SQUARE = np.zeros((128, 128, 3), np.uint8)
SOMEWHERE = "gs://bucket/image.png"


def key(**parameters: Any) -> object:
    return company_key(SHAPES, make_job(**parameters))


def painted(**parameters: Any) -> EngineJob:
    return make_job(image=SQUARE, image_url=SOMEWHERE, **parameters)


def test_what_each_row_has_for_itself_keeps_nobody_apart() -> None:
    usual = key()
    assert usual is not None
    for own in (
        {"prompt": "another"},
        {"negative_prompt": "blue"},
        {"seed": 5},
        {"num_images": 2},
        {"output_format": "jpeg"},
        {"user_id": "ann", "file_uid": "one"},
        # The embedded model draws both at 128 × 128.
        {"width": 256, "height": 256},
    ):
        assert key(**own) == usual, own


@pytest.mark.parametrize(
    "other",
    [
        {"num_inference_steps": 26},
        {"scheduler": "Heun"},
        {"guidance_scale": 7.0},
        {"refiner_inference_steps": 0},
        {"strength": 0.5},
        {"high_noise_frac": 0.8},
        {"speed_tier": "fast"},
        {"width": 192},
    ],
)
def test_whatever_is_of_the_whole_batch_keeps_jobs_apart(other: dict[str, Any]) -> None:
    assert key(**other) != key()


def test_few_steps_of_one_kind_go_together() -> None:
    job = make_job(speed_tier="fast")
    lora = LoraFile(name="ink", weight=1, file=Path("/models/ink"), sha256="0" * 64)
    four = FewSteps(lora=lora, steps=4, guidance_scale=1, sampler=Sampler.LCM)
    keys = [
        company_key(SHAPES, replace(job, few_steps=it))
        for it in (None, four, replace(four), replace(four, steps=8))
    ]
    assert keys[1] == keys[2]
    assert len(set(keys)) == 3


def test_a_field_that_is_new_keeps_jobs_apart_until_somebody_says_otherwise() -> None:
    fields = ImageRequest.model_fields.keys() | {"prompt", "image_url"}
    assert fields >= OWN_FIELDS


def test_a_model_that_draws_any_size_draws_one_size_at_a_time() -> None:
    small, usual = (company_key(SDXL, make_job(width=it)) for it in (512, 1024))
    assert small != usual
    assert usual == company_key(SDXL, make_job())


def test_an_image_without_any_text_has_no_guidance_and_so_other_company() -> None:
    silent = company_key(SHAPES, painted(prompt=None))
    assert silent is not None
    assert silent != company_key(SHAPES, painted())
    assert company_key(SHAPES, painted()) == company_key(SHAPES, painted(prompt="another"))
    assert company_key(SHAPES, painted()) != key()


def test_masks_weights_and_films_go_alone() -> None:
    mask = np.zeros((128, 128), np.uint8)
    inpaint = make_job(image=SQUARE, mask=mask, image_url=SOMEWHERE, mask_url=SOMEWHERE)
    assert company_key(SHAPES, inpaint) is None
    assert key(prompt_weighting=True) is None
    assert key(task_type="text2video") is None


def waiting(*jobs: tuple[str, int, str | None]) -> list[Waiting]:
    return [
        Waiting(job_id=name, rows=rows, key=None if key is None else (key,))
        for name, rows, key in jobs
    ]


def test_the_oldest_goes_and_takes_along_who_fits_oldest_first() -> None:
    line = waiting(("a", 1, "x"), ("b", 1, "y"), ("c", 2, "x"), ("d", 2, "x"), ("e", 1, "x"))
    assert choose_company(line, 4) == [0, 2, 4]
    assert choose_company(line, 1) == [0]


def test_who_goes_alone_takes_nobody_along_and_is_not_taken() -> None:
    line = waiting(("a", 1, None), ("b", 1, "x"), ("c", 1, None))
    assert choose_company(line, 4) == [0]
    assert choose_company(line[1:], 4) == [0]


def test_a_job_with_more_rows_than_a_batch_has_goes_alone() -> None:
    assert choose_company(waiting(("a", 6, "x"), ("b", 1, "x")), 4) == [0]


def test_two_of_one_name_do_not_meet_in_a_batch() -> None:
    assert choose_company(waiting(("a", 1, "x"), ("a", 1, "x"), ("b", 1, "x")), 4) == [0, 2]
