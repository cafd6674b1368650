"""What is deployed where: a project, an environment's variables, an image.

Of the file of variables only plain lines (`name = "value"`) are looked at; all else is Terraform's.
"""

import re
from dataclasses import dataclass
from pathlib import Path

#: As `infra/variables.tf` has it.
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,30}")
IMAGE = re.compile(r"[a-z0-9./_-]+@sha256:[0-9a-f]{64}")
#: Of the examples.
NO_DIGEST = "sha256:" + 64 * "0"
MODELS = ("none", "image", "video", "all")


class WrongTarget(Exception):
    """A sentence that names what was given, its value and what is allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    project: str
    environment: str
    #: The bucket of pictures and films, which outlives everything else.
    bucket: str
    #: By digest: nothing is built then.
    image: str | None
    #: What is baked into an image that is built.
    models: str
    #: Terraform is not to ask.
    approved: bool


def read_target(
    root: Path, *, project: str, environment: str, image: str, models: str, approved: bool
) -> Target:
    """The target, from what was typed and `infra/{environment}.tfvars` below `root`.

    Raises `WrongTarget`.
    """
    _expect("PROJECT", project, PROJECT, "the id of a Google Cloud project, like my-project")
    _expect("ENV", environment, ENVIRONMENT, "the name of a file infra/ENV.tfvars, like production")
    if models not in MODELS:
        raise WrongTarget(f"MODELS is {models!r}; it must be one of {', '.join(MODELS)}.")
    file = root / "infra" / f"{environment}.tfvars"
    if not file.is_file():
        raise WrongTarget(
            f"ENV is {environment!r}, but there is no infra/{file.name}; begin with "
            f"`cp infra/examples/small.tfvars infra/{file.name}` and change it."
        )
    written = dict(re.findall(r'^\s*(\w+)\s*=\s*"([^"]*)"', file.read_text("utf-8"), re.MULTILINE))
    if written.get("project") != project:
        raise WrongTarget(
            f"PROJECT is {project!r}, and infra/{file.name} is for "
            f"{written.get('project', 'no project')!r}; they must be the same."
        )
    image = image or written.get("image", "")
    if image:
        _expect("image", image, IMAGE, "a repository with a digest, …/worker@sha256:…")
    if image.endswith(NO_DIGEST):
        raise WrongTarget(
            f"image in infra/{file.name} is still the example's; remove the line, and one is built."
        )
    return Target(
        project=project,
        environment=environment,
        bucket=written.get("bucket", f"{project}-emberframe"),
        image=image or None,
        models=models,
        approved=approved,
    )


def _expect(name: str, value: str, form: re.Pattern[str], allowed: str) -> None:
    if not form.fullmatch(value):
        raise WrongTarget(f"{name} is {value!r}; it must be {allowed}.")
