"""The table of parameters in the docs: every parameter has a row, and every test named there is."""

import re
from pathlib import Path

from shared.request import ImageRequest, InpaintRequest, Request, Text2VideoRequest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "parameters.md").read_text()
#: Of those parameters that say whose the request is, not what is drawn.
OTHERS = {"user_id", "file_uid", "use_cloud_storage", "task_type"}


def rows_of(text: str) -> set[str]:
    return {
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }


def test_every_parameter_of_a_picture_or_a_film_has_a_row() -> None:
    pictures, _, films = TEXT.partition("## Films")
    fields = {*Request.model_fields, *ImageRequest.model_fields, *InpaintRequest.model_fields}
    assert rows_of(pictures) == fields - OTHERS
    assert rows_of(films) == {*Text2VideoRequest.model_fields} - OTHERS


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)(?:::(test_\w+))?`", TEXT)
    assert len(named) > 20
    for file, test in named:
        if file.startswith("shared/"):
            assert (ROOT / file).is_file()
            continue
        path = ROOT / file if "/" in file else ROOT / "tests" / "unit" / "engine" / file
        tests = re.findall(r"def (test_\w+)\(", path.read_text())
        assert test in tests if test else tests, (file, test)
