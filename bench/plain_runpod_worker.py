"""A RunPod worker as one writes it first: a plain handler under the library's own loop.

Its work is as long as the light endpoint's, so that what differs is what is around it.
"""

import base64
import os
import time

import runpod

from tests.unit.runpod.light_endpoint import SLOW_STEP_SECONDS

#: About that of a picture of 64 × 64.
RESULT_BYTES = 2000


def handler(job: dict[str, dict[str, int]]) -> dict[str, object]:
    for _ in range(job["input"]["num_inference_steps"]):
        time.sleep(SLOW_STEP_SECONDS)
    url = f"data:image/png;base64,{base64.b64encode(os.urandom(RESULT_BYTES)).decode()}"
    return {"image_url": url, "images": [url], "seed": 7}


if __name__ == "__main__":
    runpod.serverless.start({"handler": handler})
