"""What an operator sets: described, in the examples, and refused in a sentence when it is wrong."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.infra.terraform import Terraform
from tools.provider_schema import INFRA, REPOSITORY

VARIABLES = re.findall(r'^variable "(\w+)" \{\n  description = "(.+)"$',
                       (INFRA / "variables.tf").read_text(), re.MULTILINE)  # fmt: skip


def test_every_variable_is_described_and_on_the_page() -> None:
    text = (INFRA / "variables.tf").read_text()
    assert len(VARIABLES) == len(re.findall(r"^variable ", text, re.MULTILINE)) > 15
    page = (REPOSITORY / "docs/infra.md").read_text()
    assert [name for name, _ in VARIABLES if f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("example", sorted((INFRA / "examples").glob("*")), ids=lambda it: it.name)
def test_examples_set_only_variables_that_there_are(example: Path) -> None:
    named = re.findall(r"^(\w+)\s+=", example.read_text(), re.MULTILINE)
    assert "project" in named
    assert set(named) <= {name for name, _ in VARIABLES}


@pytest.mark.parametrize(
    ("values", "sentences"),
    [
        # Nobody looks at push then, which is held against the image, nor at the pools.
        (
            {"project": "a-project", "image": "worker:latest", "push": {}},
            ("must be named by its digest",),
        ),
        (
            {
                "project": "My_Project",
                "image": f"worker@sha256:{'a' * 64}",
                "pools": {"a": {"tasks": "music"}, "b": {"min": 2, "max": 1}},
                "push": {},
                "runpod_endpoints": {"video": "abc123"},
            },
            (
                "A project id has 6 to 30 lower-case letters",
                "tasks must be image video or both",
                "max must be at least 1",
                "With push pictures are pushed and not pulled",
                "What runpod_endpoints names is handed to RunPod and not pulled",
            ),
        ),
        # Nobody looks at the pools then, which are held against these two.
        (
            {"project": "a-project", "push": {}, "runpod_endpoints": {"image": "abc123"}},
            (
                "Pictures are either pushed push or handed to RunPod",
                "With push there must be an image to run image",
            ),
        ),
    ],
)
def test_wrong_values_are_each_refused_in_a_sentence(
    terraform: Terraform, tmp_path: Path, values: dict[str, Any], sentences: tuple[str, ...]
) -> None:
    wrong = tmp_path / "wrong.tfvars.json"
    wrong.write_text(json.dumps(values))
    with pytest.raises(AssertionError) as refused:
        terraform.plan(wrong)
    # Terraform breaks lines and draws a frame.
    said = " ".join(re.findall(r"[\w.:…@-]+", str(refused.value)))
    assert [sentence for sentence in sentences if sentence not in said] == [], said
