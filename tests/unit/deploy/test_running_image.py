"""Which image workers run is read out of what Terraform says that they are."""

import json
from typing import Any

import pytest

from tools.deploy.running_image import running_image


def resource(kind: str, name: str, *images: str) -> dict[str, Any]:
    instances = [
        {"attributes": {"template": [{"containers": [{"image": image}]}]}} for image in images
    ]
    return {"mode": "managed", "type": kind, "name": name, "instances": instances}


POOL = "google_cloud_run_v2_worker_pool"
SERVICE = "google_cloud_run_v2_service"


@pytest.mark.parametrize(
    ("resources", "image"),
    [
        ([], ""),
        ([resource(SERVICE, "autoscaler", "google/autoscaler:1")], ""),
        ([resource(SERVICE, "autoscaler", "a"), resource(POOL, "pull", "b", "b")], "b"),
        ([resource(POOL, "pull"), resource(SERVICE, "push", "c")], "c"),
    ],
)
def test_the_image_is_that_of_a_pool_or_of_the_service(
    resources: list[dict[str, Any]], image: str
) -> None:
    assert running_image(json.dumps({"version": 4, "resources": resources})) == image


def test_no_state_is_no_image_and_what_is_none_is_an_error() -> None:
    assert running_image("\n") == ""
    with pytest.raises(ValueError, match="Expecting value"):
        running_image("Error: no access")
