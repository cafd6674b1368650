"""`python -m gpu_worker bake KIND --out FOLDER`, and the same without the rest of the worker, in
the image's build: `python -m gpu_worker.engine.baking KIND --out FOLDER`.

Each model becomes a folder that the worker finds by EMBERFRAME_BAKED_DIR, at the pinned commit,
with safetensors only. What is published in fp32 and marked so in models.toml is kept in two bytes a
number. Base and refiner of SDXL share what they have in common.
"""

import argparse
import importlib
import sys

from gpu_worker.engine.baking.arguments import add_arguments
from gpu_worker.engine.baking.baking import bake
from gpu_worker.engine.baking.manifest import Manifest, ManifestFault
from gpu_worker.engine.baking.rows import by_top, read_models


def run_bake(arguments: argparse.Namespace) -> int:
    """The command's exit code: 0, or 1 after a sentence on stderr."""
    baked = by_top(read_models(arguments.kind, arguments.models))
    for name, rows in baked.items():
        folder = arguments.out / name
        try:
            if arguments.verify:
                manifest = Manifest.read(folder)
                manifest.check_hashes(folder)
                print(f"{folder}: {len(manifest.files)} files are what the manifest says")
                continue
            folder, made = bake(rows, arguments.out)
        except (ManifestFault, OSError, ValueError) as error:
            print(f"{folder} is not baked: {error}", file=sys.stderr)
            return 1
        size = sum(it.size_bytes for it in Manifest.read(folder).files.values())
        how = f"of {rows[0].repository} at {rows[0].revision}"
        print(f"{folder}: {size / 1e9:.2f} GB {how}{'' if made else ', there already'}")
    if arguments.compile:
        # The worker's own code, which the image's build has not got.
        compiling = importlib.import_module("gpu_worker.engine.compiling.baked")
        print(compiling.compile_baked(arguments.out, list(baked)))
    return 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m gpu_worker bake", description=__doc__)
    add_arguments(parser)
    return run_bake(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
