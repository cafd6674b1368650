"""The exam through the worker's own engine process: what a request gets, refiner and all."""

import time
from collections.abc import Mapping
from typing import Any

from PIL import Image

from gpu_worker.ports import Engine, EngineJob
from shared.parse import parse_request
from tools.shapes.exam import Question
from tools.shapes.marking import Mark, mark


def examine_engine(
    engine: Engine, questions: list[Question], *, request: Mapping[str, Any], first_seed: int
) -> tuple[list[Mark], list[Image.Image], float]:
    """Marks, pictures and the seconds that one took.

    `request` is what each asks for beside its prompt, as a client writes it. Raises `InvalidInput`
    for one that the contract refuses.
    """
    pictures = []
    started = time.monotonic()
    for index, question in enumerate(questions):
        job = EngineJob(
            job_id=f"question-{index}",
            request=parse_request({**request, "prompt": question.prompt}),
            seed=first_seed + index,
        )
        pictures.append(engine.run(job, lambda _: None).pictures[0].pixels)
    seconds = (time.monotonic() - started) / len(questions)
    marks = [mark(*pair) for pair in zip(questions, pictures, strict=True)]
    return marks, [Image.fromarray(it) for it in pictures], seconds
