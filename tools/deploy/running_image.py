"""`python -m tools.deploy.running_image`: the image that workers run, out of Terraform's state.

The state comes on standard input, empty where there is none yet; where no worker runs nothing is
printed. Out of the workers themselves and not of an output: that names what was asked for last,
which may never have run.
"""

import json
import sys
from typing import Any

#: (type, name) of what runs the worker at Google's.
WORKERS = (("google_cloud_run_v2_worker_pool", "pull"), ("google_cloud_run_v2_service", "push"))


def running_image(state: str) -> str:
    """Empty where there is none. Raises `ValueError` for what is no state."""
    if not state.strip():
        return ""
    resources: list[dict[str, Any]] = json.loads(state).get("resources", [])
    for resource in resources:
        if (resource.get("type"), resource.get("name")) not in WORKERS:
            continue
        for instance in resource["instances"]:
            image: str = instance["attributes"]["template"][0]["containers"][0]["image"]
            return image
    return ""


if __name__ == "__main__":
    print(running_image(sys.stdin.read()))
