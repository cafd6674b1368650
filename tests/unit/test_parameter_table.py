"""The table of parameters in the docs: every parameter has a row, and every test named there is."""

import re
from pathlib import Path

from shared.request import ImageRequest, InpaintRequest, Request

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "parameters.md").read_text()
#: Of those parameters that say whose the request is, not what is drawn.
OTHERS = {"user_id", "file_uid", "use_cloud_storage", "task_type"}


def test_every_parameter_of_a_picture_has_a_row() -> None:
    rows = {
        name
        for line in TEXT.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    fields = {*Request.model_fields, *ImageRequest.model_fields, *InpaintRequest.model_fields}
    assert rows == fields - OTHERS


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
