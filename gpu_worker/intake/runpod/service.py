"""The endpoint as the worker's service knows it: an intake beside which RunPod's loop runs."""

import threading

from gpu_worker.intake.runpod.office import Office
from gpu_worker.intake.runpod.sdk import Sdk

#: Of the time that a worker has to leave: for the library to post the answers of its last jobs.
POST_SECONDS = 1.5
#: Between two looks whether the last job has its answer.
LOOK_SECONDS = 0.02


class RunPodIntake:
    """See `gpu_worker.service.Intake`."""

    def __init__(self, office: Office, sdk: Sdk) -> None:
        self._office = office
        self._sdk = sdk
        self._stopping = threading.Event()

    def run(self) -> None:
        self._stopping.wait()
        waiting = threading.Event()
        while not self._office.idle:
            waiting.wait(LOOK_SECONDS)
        self._sdk.settle(POST_SECONDS)

    def stop(self) -> None:
        self._sdk.stop()
        self._stopping.set()
