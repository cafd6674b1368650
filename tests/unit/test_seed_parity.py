"""docs/seed-parity.md: every parameter of the original worker has a row, every test exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "seed-parity.md").read_text()
E2E = ROOT / "tests" / "e2e" / "runpod"

#: Of the original worker's README: parameter, type and default.
PICTURES = {
    "prompt": ("str", "None"),
    "negative_prompt": ("str", "None"),
    "height": ("int", "1024"),
    "width": ("int", "1024"),
    "seed": ("int", "None"),
    "scheduler": ("str", "'DDIM'"),
    "num_inference_steps": ("int", "25"),
    "refiner_inference_steps": ("int", "50"),
    "guidance_scale": ("float", "7.5"),
    "strength": ("float", "0.3"),
    "image_url": ("str", "None"),
    "num_images": ("int", "1"),
    "high_noise_frac": ("float", "None"),
}
FILMS = {
    "task_type": ("str", "None"),
    "prompt": ("str", "None"),
    "negative_prompt": ("str", "None"),
    "video_height": ("int", "480"),
    "video_width": ("int", "832"),
    "num_frames": ("int", "81"),
    "video_guidance_scale": ("float", "5.0"),
    "fps": ("int", "15"),
    "num_inference_steps": ("int", "25"),
    "seed": ("int", "None"),
}
VARIABLES = ("DOWNLOAD_WAN2_MODEL", "HF_HOME", "TRANSFORMERS_CACHE")


def rows(heading: str) -> dict[str, tuple[str, str]]:
    section = TEXT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    cells = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    return {it[1].strip(" `"): (it[2].strip(" `"), it[3].strip(" `")) for it in cells}


@pytest.mark.parametrize(("heading", "table"), [("Pictures", PICTURES), ("Films", FILMS)])
def test_every_row_of_the_original_tables_is_there(
    heading: str, table: dict[str, tuple[str, str]]
) -> None:
    assert rows(heading) == table
    assert rows("Variables").keys() == set(VARIABLES)


def test_every_row_names_a_test_and_every_test_named_exists() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("| ")]
    for line in lines:
        head = line.split("|")[1].strip()
        if head not in ("parameter", "row"):
            assert "::test_" in line, line
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", TEXT)
    assert len(named) > 40
    for file, test in named:
        path = ROOT / file if "/" in file else E2E / file
        assert test in re.findall(r"def (test_\w+)\(", path.read_text()), (file, test)
