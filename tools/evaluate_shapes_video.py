"""Judges a film model by its films: `python -m tools.evaluate_shapes_video FOLDER --guidance 5`.

Films come from diffusers' own WanPipeline, loaded from the folder as the engine loads it; with
`--request '{"num_frames": 17}'` from the worker's engine and encoder, read off the mp4. Written
beside each other: figures as JSON and a contact sheet a guidance, five frames a film.
"""

import argparse
import atexit
import json
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from diffusers.pipelines.wan.pipeline_wan import WanPipeline
from PIL import Image

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import NO_MODEL, SHAPES_FILM
from tools.shapes.contact_sheet import contact_sheet
from tools.shapes.judge import Pixels
from tools.shapes_video.clip import FRAMES, Motion
from tools.shapes_video.exam import GOALS, Question, mark, set_exam, shares
from tools.shapes_video.judge import read_film
from tools.shapes_video.worker_exam import draw_through_worker

#: Questions, guidance → a film of (frames, height, width, 3) each, seconds that one took.
DrawAll: TypeAlias = Callable[[Sequence[Question], float], tuple[list[Pixels], float]]
#: The seed of question i is this plus i.
FIRST_SEED = 1000
MISSES_SHOWN = 15
#: Frames of a film on the contact sheet.
SHOWN = 5
#: Films beside each other there; one whose colour or motion is wrong has a red frame.
SHEET_COLUMNS = 4


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.evaluate_shapes_video", description=__doc__
    )
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--guidance", type=float, nargs="+", default=[5.0])
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--questions", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/shapes-film/evaluation"))
    parser.add_argument(
        "--request", type=json.loads, help="JSON: ask the worker for this, with a prompt and sides"
    )
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    for library in ("diffusers", "transformers"):
        logging.getLogger(library).setLevel(logging.ERROR)
    chosen.out.mkdir(parents=True, exist_ok=True)
    draw_all = _through_worker(chosen) if chosen.request is not None else _directly(chosen)
    questions = set_exam(chosen.questions)
    figures: dict[str, Any] = {"questions": len(questions), "steps": chosen.steps, "guidance": {}}
    for guidance in chosen.guidance:
        films, seconds = draw_all(questions, guidance)
        seen = [read_film(list(film)) for film in films]
        marks = [mark(*pair) for pair in zip(questions, seen, strict=True)]
        by_motion = {
            motion.value: shares(
                [
                    it
                    for it, asked in zip(marks, questions, strict=True)
                    if asked.clip.motion is motion
                ]
            )["motion"]
            for motion in Motion
        }
        figures["guidance"][f"{guidance:g}"] = {
            "right": shares(marks),
            "motion": by_motion,
            "seconds": round(seconds, 3),
        }
        print(f"guidance {guidance:g}: {_line(shares(marks))}, {seconds:.2f} s a film")
        print(f"  motion: {_line(by_motion)}")
        missed = [it for it in zip(questions, seen, marks, strict=True) if not it[2]["all"]]
        for question, saw, _ in missed[:MISSES_SHOWN]:
            print(
                f"  miss: {question.prompt!r} shows {saw.colour} {saw.shape} {saw.motion} "
                f"on {saw.background}"
            )
        right = [all(it[criterion] for criterion in GOALS) for it in marks]
        sheet = contact_sheet([_strip(film) for film in films], right, SHEET_COLUMNS)
        sheet.save(chosen.out / f"guidance-{guidance:g}.png")
    (chosen.out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")


def _directly(chosen: argparse.Namespace) -> DrawAll:
    pipeline = load(chosen.checkpoint)

    def draw_all(questions: Sequence[Question], guidance: float) -> tuple[list[Pixels], float]:
        started = time.monotonic()
        films = [
            draw(pipeline, question, FIRST_SEED + index, guidance=guidance, steps=chosen.steps)
            for index, question in enumerate(questions)
        ]
        return films, (time.monotonic() - started) / len(questions)

    return draw_all


def _through_worker(chosen: argparse.Namespace) -> DrawAll:
    engine = EngineProcess(NO_MODEL, film_model=SHAPES_FILM.name, film_model_dir=chosen.checkpoint)
    engine.start()
    atexit.register(engine.close)

    def draw_all(questions: Sequence[Question], guidance: float) -> tuple[list[Pixels], float]:
        request = {
            "num_inference_steps": chosen.steps,
            **chosen.request,
            "video_guidance_scale": guidance,
        }
        return draw_through_worker(engine, questions, request=request, first_seed=FIRST_SEED)

    return draw_all


def load(folder: Path) -> Any:
    """The checkpoint in 32-bit floats, which are the fast ones on a CPU."""
    pipeline: Any = WanPipeline.from_pretrained(
        folder, dtype=torch.float32, variant="fp16", use_safetensors=True
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(pipeline: Any, question: Question, seed: int, *, guidance: float, steps: int) -> Pixels:
    """(FRAMES, height, width, 3)"""
    width, height = question.clip.size
    film: Any = pipeline(
        question.prompt,
        width=width,
        height=height,
        num_frames=FRAMES,
        num_inference_steps=steps,
        guidance_scale=guidance,
        max_sequence_length=pipeline.tokenizer.model_max_length,
        generator=torch.Generator().manual_seed(seed),
        output_type="np",
    ).frames[0]
    pixels: Pixels = (film * 255).round().astype(np.uint8)
    return pixels


def _strip(film: Pixels) -> Image.Image:
    shown = film[np.linspace(0, len(film) - 1, SHOWN).round().astype(int)]
    return Image.fromarray(np.concatenate(list(shown), axis=1))


def _line(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in values.items())


if __name__ == "__main__":
    main()
