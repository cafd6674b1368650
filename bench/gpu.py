"""`python -m bench.gpu [--toy] [--write]`: what a GPU makes of full-size SDXL and Wan2.1 1.3B.

Stock diffusers, then our engine, stage by stage, next to the floor of the same run. Random bf16
weights, no downloads. `--toy` is the same on the CPU at toy sizes, so that the script is known
to work; its figures mean nothing. `--write` puts a GPU's table into docs/figures.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.gpu_models import FULL, TOY
from bench.report import write_section
from gpu_worker.engine.compiling.choice import CompileMode
from gpu_worker.engine.loading import quieten
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.specs import SHAPES
from tools.stack.names import BUILD

RESULT = BUILD / "gpu.json"
BATCHES = (1, 2, 4)
ROUNDS = 3
HEADER = ("", "batch", "stage", "stock", "ours", "floor", "ours, TFLOP/s", "goal on an H100")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.gpu", description=__doc__)
    parser.add_argument("--toy", action="store_true", help="toy sizes, on the CPU")
    parser.add_argument("--write", action="store_true", help="into docs/figures.md; not of a toy")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--batches", type=int, nargs="+", default=BATCHES)
    parser.add_argument(
        "--compile",
        type=CompileMode,
        choices=CompileMode,
        default=CompileMode.AUTO,
        help="our engine's models; auto: on a GPU for which there are compilers",
    )
    parser.add_argument("--backend", help="of torch.compile, in the place of the engine's")
    parser.add_argument("--result", type=Path, default=RESULT, help="a file of JSON")
    asked = parser.parse_args(arguments)
    if asked.toy and asked.write:
        parser.error("a toy's figures are nobody's: --write is for full sizes on a GPU")
    quieten(SHAPES.source)
    # The libraries read their environment once.
    from bench.gpu_engine import EngineWays  # noqa: PLC0415
    from bench.gpu_measuring import measure  # noqa: PLC0415
    from gpu_worker.engine.device import choose_device, limit_threads  # noqa: PLC0415

    if asked.toy:
        # On a busy machine the threads of tiny layers wait for each other.
        limit_threads(1)
    device = choose_device(Precision.AUTO if asked.toy else Precision.BF16)
    if not asked.toy and not device.is_gpu:
        print(f"There is no GPU here, only {device.name}; try --toy.", file=sys.stderr)
        return 1
    ways = EngineWays(compile=asked.compile, cpu_threads=1 if asked.toy else None)
    if asked.backend:
        ways = replace(ways, backend=asked.backend)
    size = TOY if asked.toy else FULL
    result = measure(size, device, ways, rounds=asked.rounds, batches=asked.batches)
    asked.result.parent.mkdir(parents=True, exist_ok=True)
    asked.result.write_text(json.dumps(result, indent=1) + "\n")
    rows = result["cells"]
    if asked.write:
        write_section("gpu", HEADER, rows, how=f"Measured on a {device.name}")
    else:
        for row in (HEADER, *rows):
            print(" | ".join(row))
    for name, error in result["errors"].items():
        print(f"{name}, one step in bf16 against fp32: {error}")
    print(f"peak memory, bytes: {result['peak_memory_bytes']}")
    print(f"compiled graphs: {result['compiled_graphs']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
