"""Films small enough to compare whole, made in this process; and what stops one."""

from dataclasses import replace
from typing import Any

import numpy as np

from gpu_worker.engine.filming import Filming
from gpu_worker.engine.specs import SHAPES_FILM, Size
from gpu_worker.ports import EngineJob, Film, Frames, JobCancelled
from shared.request import Text2VideoRequest

#: Small enough to compare whole films, and not a request's: no such film can be asked for.
SMALL: Size = (96, 64)
ANY_SIZE = replace(SHAPES_FILM, draws_any_size=True, native_frames=None)


def wish(**parameters: Any) -> Text2VideoRequest:
    width, height = SMALL
    asked = {
        "prompt": "a red circle moving right",
        "num_frames": 17,
        "num_inference_steps": 3,
        **parameters,
    }
    return Text2VideoRequest.model_construct(video_width=width, video_height=height, **asked)


def job_for(**parameters: Any) -> EngineJob:
    return EngineJob(job_id="film", request=wish(**parameters), seed=7)


def shoot(filming: Filming, job: EngineJob) -> Frames:
    chunks: list[Frames] = []
    result = filming(job, lambda _: None, lambda: None, chunks.append)
    film = np.concatenate(chunks)
    count, height, width, _ = film.shape
    assert result.film == Film(frames=count, size=(width, height), seed=job.seed)
    return film


class Stop:
    """Asks for a stop from the moment it is told to."""

    asked = False

    def __call__(self) -> None:
        if self.asked:
            raise JobCancelled
