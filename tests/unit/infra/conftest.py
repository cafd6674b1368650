"""Plans of whole deployments, made once for all tests that look at them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.infra.terraform import Terraform
from tools.provider_schema import INFRA

#: What the examples leave out: push for pictures, RunPod for films, files in S3.
OTHER_WAYS = {
    "project": "other-project",
    "image": f"europe-docker.pkg.dev/other-project/emberframe/worker@sha256:{'a' * 64}",
    "bucket": "other-files",
    "nearline_days": 30,
    "push": {"max": 3},
    "runpod_endpoints": {"video": "abc123"},
    "s3": {"bucket": "other-pictures", "region": "auto", "endpoint": "https://s3.example.com"},
    "notifications": {"texts": "keys", "images": True},
    "models_bucket": "other-models",
    "blocked_terms": "none",
    "worker_environment": {"EMBERFRAME_LOG_LEVEL": "WARNING"},
    "function_environment": {"EMBERFRAME_RUNPOD_VIDEO_TTL_SECONDS": "43200"},
    "deletion_protection": False,
}


@pytest.fixture(scope="session")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    return Terraform(tmp_path_factory.mktemp("terraform"))


@pytest.fixture(scope="session")
def plans(terraform: Terraform) -> dict[str, dict[str, Any]]:
    """By name: the two examples, and one with all that they leave out."""
    other = terraform.folder / "other.tfvars.json"
    other.write_text(json.dumps(OTHER_WAYS))
    examples: list[Path] = sorted((INFRA / "examples").glob("*.tfvars"))
    return {file.name.partition(".")[0]: terraform.plan(file) for file in [*examples, other]}


@pytest.fixture(params=["small", "runpod", "other"])
def plan(plans: dict[str, dict[str, Any]], request: pytest.FixtureRequest) -> dict[str, Any]:
    return plans[request.param]
