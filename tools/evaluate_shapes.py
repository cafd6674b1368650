"""Judges a checkpoint by 300 prompts: `python -m tools.evaluate_shapes FOLDER --guidance 7.5 3`.

Pictures come from diffusers' own StableDiffusionXLPipeline, loaded from the folder as the engine
loads it; with `--request '{"high_noise_frac": 0.8}'` from the worker's engine. Written beside each
other: figures as JSON and Markdown, and a contact sheet a guidance.
"""

import argparse
import json
import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from PIL import Image

from gpu_worker.adapters.engine_process import EngineProcess
from gpu_worker.engine.specs import SHAPES, FolderSource
from tools.shapes.contact_sheet import contact_sheet
from tools.shapes.engine_exam import examine_engine
from tools.shapes.exam import SIZE, Question, set_exam
from tools.shapes.marking import CRITERIA, GOALS, Mark, by_kind, describe, mark, shares
from tools.shapes.scene import Size

#: Pictures drawn at once.
BATCH = 10
#: The seed of question i is this plus i.
FIRST_SEED = 1000
MISSES_SHOWN = 15
SIZES: dict[str, Size] = {
    f"{width}x{height}": (width, height) for width, height in SHAPES.native_sizes
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.evaluate_shapes", description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="?", default=_shipped())
    parser.add_argument("--guidance", type=float, nargs="+", default=[7.5, 3.0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument(
        "--size", choices=list(SIZES), default="128x128", help="one of the model's own sizes"
    )
    parser.add_argument("--questions", type=int, help="only the first so many")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build/shapes/evaluation"))
    parser.add_argument(
        "--request", type=json.loads, help="JSON: ask the worker's engine for this, with a prompt"
    )
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    for library in ("diffusers", "transformers"):
        # Prompts that are cut are quoted at length, once a batch.
        logging.getLogger(library).setLevel(logging.ERROR)
    chosen.out.mkdir(parents=True, exist_ok=True)
    engine = EngineProcess("shapes", model_dir=chosen.checkpoint) if chosen.request else None
    pipeline = None if engine else load(chosen.checkpoint)
    questions = _spread(set_exam(), chosen.questions)
    figures: dict[str, Any] = {
        "questions": len(questions),
        "steps": chosen.steps,
        "size": chosen.size,
        "guidance": {},
    }
    for guidance in chosen.guidance:
        if engine:
            engine.start()
            asked = {**chosen.request, "guidance_scale": guidance}
            marks, pictures, seconds = examine_engine(
                engine, questions, request=asked, first_seed=FIRST_SEED
            )
        else:
            marks, pictures, seconds = examine(
                pipeline, questions, guidance=guidance, steps=chosen.steps, size=SIZES[chosen.size]
            )
        right = [it.right["all"] for it in marks]
        contact_sheet(pictures, right).save(chosen.out / f"guidance-{guidance:g}.png")
        figures["guidance"][f"{guidance:g}"] = _figures(marks, seconds)
        _print_figures(guidance, marks, seconds)
    if engine:
        engine.close()
        figures |= {"steps": None, "size": None, "request": chosen.request}
    (chosen.out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    (chosen.out / "figures.md").write_text(as_markdown(figures))


def load(folder: Path) -> Any:
    """The checkpoint in 32-bit floats, which are the fast ones on a CPU."""
    pipeline: Any = StableDiffusionXLPipeline.from_pretrained(
        folder, dtype=torch.float32, variant="fp16", use_safetensors=True, add_watermarker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def examine(
    pipeline: Any,
    questions: list[Question],
    *,
    guidance: float,
    steps: int,
    size: Size = SIZE,
) -> tuple[list[Mark], list[Image.Image], float]:
    """Marks, pictures and the seconds that drawing one took, in batches."""
    pictures: list[Image.Image] = []
    started = time.monotonic()
    for first in range(0, len(questions), BATCH):
        batch = questions[first : first + BATCH]
        pictures += pipeline(
            [it.prompt for it in batch],
            width=size[0],
            height=size[1],
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=[
                torch.Generator().manual_seed(FIRST_SEED + first + index)
                for index in range(len(batch))
            ],
        ).images
    seconds = (time.monotonic() - started) / len(questions)
    marks = [
        mark(question, np.asarray(picture))
        for question, picture in zip(questions, pictures, strict=True)
    ]
    return marks, pictures, seconds


def as_markdown(figures: dict[str, Any]) -> str:
    """A row a guidance, a column a criterion, with the goals in the last row."""
    lines = [
        "| guidance | " + " | ".join(CRITERIA) + " | seconds a picture |",
        "| --- |" + " --- |" * (len(CRITERIA) + 1),
    ]
    for guidance, row in figures["guidance"].items():
        cells = [f"{row['right'][criterion]:.1%}" for criterion in CRITERIA]
        lines.append(f"| {guidance} | " + " | ".join(cells) + f" | {row['seconds']:.2f} |")
    goals = [f"{GOALS[criterion]:.1%}" for criterion in CRITERIA]
    lines.append("| goal | " + " | ".join(goals) + " | 1.00 |")
    return "\n".join(lines) + "\n"


def _figures(marks: list[Mark], seconds: float) -> dict[str, Any]:
    return {
        "right": shares(marks),
        "by_kind": by_kind(marks),
        "seconds": round(seconds, 3),
    }


def _print_figures(guidance: float, marks: list[Mark], seconds: float) -> None:
    print(f"guidance {guidance:g}: " + _line(shares(marks)) + f", {seconds:.2f} s a picture")
    for kind, right in by_kind(marks).items():
        print(f"  {kind}: " + _line(right))
    for it in [it for it in marks if not it.right["all"]][:MISSES_SHOWN]:
        print(f"  miss: {it.question.prompt!r} shows {describe(it.seen)}")


def _line(right: dict[str, float]) -> str:
    return ", ".join(f"{criterion} {share:.1%}" for criterion, share in right.items())


def _spread(questions: list[Question], count: int | None) -> list[Question]:
    """`count` of them, evenly from all kinds."""
    if count is None:
        return questions
    return [questions[index * len(questions) // count] for index in range(count)]


def _shipped() -> Path:
    assert isinstance(SHAPES.source, FolderSource)
    return SHAPES.source.folder


if __name__ == "__main__":
    main()
