"""A registry's LoRA for few steps: which requests are drawn with it, and what is wrong with one."""

from pathlib import Path

import pytest

from gpu_worker.lora_registry import offered_loras
from gpu_worker.ports import FewSteps, LoraFile, Sampler
from shared.parse import parse_request
from tests.unit.worker.test_lora_registry import CONTENT, SHA, entry, faults, no_hub, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the file that `entry` names."""
    (tmp_path / "ink.safetensors").write_bytes(CONTENT)
    return tmp_path


def test_one_for_few_steps_is_found_for_fast_pictures_of_a_text_and_no_others(
    folder: Path,
) -> None:
    text = entry("few_steps = {steps = 4, sampler = 'euler_trailing'}") + entry(name="plain")
    loras = offered_loras(write(folder, text), "sdxl", fetch=no_hub)

    def found(**parameters: object) -> FewSteps | None:
        return loras.few_steps(parse_request({"prompt": "x", "speed_tier": "fast", **parameters}))

    file = LoraFile(name="ink", weight=1, file=folder / "ink.safetensors", sha256=SHA)
    assert found() == FewSteps(lora=file, steps=4, guidance_scale=1, sampler=Sampler.EULER_TRAILING)
    assert found(loras=[{"name": "plain"}]) == found()
    for other in (
        {"speed_tier": "quality"},
        {"image_url": "gs://bucket/image.png"},
        {"task_type": "text2video"},
        # It says how it wants to be drawn.
        {"loras": [{"name": "ink"}], "num_inference_steps": 4, "guidance_scale": 1},
    ):
        assert found(**other) is None
    without = offered_loras(write(folder, entry()), "sdxl", fetch=no_hub)
    assert without.few_steps(parse_request({"prompt": "x", "speed_tier": "fast"})) is None


def test_how_one_for_few_steps_is_used_is_the_operator_s(folder: Path) -> None:
    text = entry("few_steps = {steps = 8, sampler = 'lcm', guidance_scale = 1.5, weight = 0.8}")
    loras = offered_loras(write(folder, text), "sdxl", fetch=no_hub)
    how = loras.few_steps(parse_request({"prompt": "x", "speed_tier": "fast"}))
    assert how is not None
    assert (how.steps, how.sampler, how.guidance_scale) == (8, Sampler.LCM, 1.5)
    assert how.lora.weight == 0.8


def test_of_one_model_one_is_for_few_steps(folder: Path) -> None:
    use = "few_steps = {steps = 4, sampler = 'lcm'}"
    (fault,) = faults(folder, entry(use) + entry(use, name="pen"))
    assert fault == "ink, pen have few_steps; one for sdxl may have."
    other = entry(f'{use}\nmodels = ["shapes"]', name="pen")
    registry = write(folder, entry(f'{use}\nmodels = ["sdxl"]') + other)
    assert offered_loras(registry, "sdxl", fetch=no_hub).names == ["ink"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (entry("few_steps = 4"), "[ink] few_steps is 4; it must be a table of steps (1 to 16),"),
        (entry("few_steps = {steps = 4}"), '[ink] few_steps is {"steps": 4}; it must be a table o'),
        (
            entry("few_steps = {steps = 17, sampler = 'lcm'}"),
            '[ink] few_steps is {"steps": 17, "sampler": "lcm"}; it must be a table of steps (1 to',
        ),
        (entry("few_steps = {steps = true, sampler = 'lcm'}"), "[ink] few_steps is {"),
        (
            entry("few_steps = {steps = 4, sampler = 'DDIM'}"),
            '[ink] few_steps is {"steps": 4, "sampler": "DDIM"}; it must be a table of steps (1 to',
        ),
        (
            entry("few_steps = {steps = 4, sampler = 'lcm', guidance_scale = -1}"),
            "[ink] few_steps is {",
        ),
        (entry("few_steps = {steps = 4, sampler = 'lcm', weight = 3}"), "[ink] few_steps is {"),
        (entry("few_steps = {steps = 4, sampler = 'lcm', cfg = 1}"), "[ink] few_steps is {"),
    ],
)
def test_whatever_is_wrong_with_its_use_is_told_in_one_sentence(
    folder: Path, text: str, said: str
) -> None:
    (fault,) = faults(folder, text)
    assert fault.startswith(said)
    assert fault.endswith(".")
