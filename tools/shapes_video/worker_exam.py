"""The exam through the worker: its engine process draws, its encoder writes, the mp4 is read.

What the judge sees is what a player shows, brought back to the model's own size.
"""

import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpu_worker.media.film_codec import FilmOptions, ffmpeg_program
from gpu_worker.media.film_writer import FilmWriter
from gpu_worker.ports import Engine, EngineJob
from shared.parse import parse_request
from shared.request import Text2VideoRequest
from tools.shapes.judge import Pixels
from tools.shapes.scene import Size
from tools.shapes_video.clip import SIZES
from tools.shapes_video.exam import Question

DECODE_SECONDS = 120.0
LANDSCAPE = SIZES[0]


def draw_through_worker(
    engine: Engine, questions: Sequence[Question], *, request: Mapping[str, Any], first_seed: int
) -> tuple[list[Pixels], float]:
    """Films of (frames, height, width, 3) at each question's own size, and seconds that one took.

    `request` is what each asks for beside prompt and sides, as a client writes it. Raises
    `InvalidInput` for one that the contract refuses.
    """
    films = []
    started = time.monotonic()
    for index, question in enumerate(questions):
        width, height = (832, 480) if question.clip.size == LANDSCAPE else (480, 832)
        asked = {
            "task_type": "text2video",
            "prompt": question.prompt,
            "video_width": width,
            "video_height": height,
            **request,
        }
        data = film_file(engine, asked, seed=first_seed + index)
        films.append(as_played(data, question.clip.size))
    return films, (time.monotonic() - started) / max(1, len(questions))


def film_file(engine: Engine, request: Mapping[str, Any], *, seed: int) -> bytes:
    """The mp4 that a client gets for `request`."""
    parsed = parse_request(dict(request))
    if not isinstance(parsed, Text2VideoRequest):
        raise TypeError(f"{parsed.task_type} makes no film")
    job = EngineJob(job_id=f"film-{seed}", request=parsed, seed=seed)
    with FilmWriter(fps=parsed.fps, options=FilmOptions()) as writer:
        engine.run(job, lambda _: None, writer.add)
        return writer.finish()


def as_played(data: bytes, size: Size) -> Pixels:
    """(frames, height, width, 3): every frame that ffmpeg decodes, brought to `size`."""
    width, height = size
    done = subprocess.run(
        [
            *(ffmpeg_program(), "-loglevel", "error", "-i", "pipe:0"),
            *("-vf", f"scale={width}:{height}:flags=area", "-fps_mode", "passthrough"),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
        ],
        input=data,
        capture_output=True,
        check=True,
        timeout=DECODE_SECONDS,
    )
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)
