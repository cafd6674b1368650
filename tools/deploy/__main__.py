"""`python -m tools.deploy deploy|destroy --project … --env …`: writes and runs a script.

It lies in build/deploy. With --dry-run it is printed, and nothing is written, asked or run.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from tools.deploy.script import deployment, destruction
from tools.deploy.target import WrongTarget, read_target
from tools.stack.names import REPOSITORY

SCRIPTS = REPOSITORY / "build/deploy"
WRONG = 2
BASH = "bash"


def main(arguments: Sequence[str] | None = None) -> int:
    """The script's exit code; 2 where nothing was run because something typed is wrong."""
    wanted = _parse(arguments)
    try:
        target = read_target(
            REPOSITORY,
            project=wanted.project,
            environment=wanted.env,
            image=wanted.image,
            models=wanted.models,
            approved=wanted.approve,
        )
        if wanted.what == "deploy":
            script = deployment(target)
        else:
            script = destruction(target, with_data=_with_data(wanted))
    except WrongTarget as wrong:
        print(wrong, file=sys.stderr)
        return WRONG
    if wanted.dry_run:
        print(script, end="")
        return 0
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    file = SCRIPTS / f"{wanted.what}-{target.environment}.sh"
    file.write_text(script)
    # No time limit: Terraform asks a person, and images take as long as they take.
    return subprocess.run([BASH, str(file)], cwd=REPOSITORY, check=False).returncode


def _with_data(wanted: argparse.Namespace) -> bool:
    """Raises `WrongTarget` unless the project's id was typed once more."""
    if wanted.confirm != wanted.project and not wanted.dry_run:
        raise WrongTarget(
            f"CONFIRM is {wanted.confirm!r}; it must be {wanted.project!r}: this ends it."
        )
    if wanted.data not in ("keep", "delete"):
        raise WrongTarget(f"DATA is {wanted.data!r}; it must be keep or delete.")
    return bool(wanted.data == "delete")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.deploy", description=__doc__)
    parser.add_argument("what", choices=("deploy", "destroy"))
    parser.add_argument("--project", required=True)
    parser.add_argument("--env", required=True)
    parser.add_argument("--image", default="", help="by digest, in place of building one")
    parser.add_argument("--models", default="none", help="baked into an image that is built")
    parser.add_argument("--approve", action="store_true", help="Terraform does not ask")
    parser.add_argument("--confirm", default="", help="the project's id, once more, to destroy it")
    parser.add_argument("--data", default="keep", help="keep or delete, to destroy")
    parser.add_argument("--dry-run", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
