"""What is deployed where: a project, an environment's variables, an image.

Of the file of variables only lines like `name = "value"` that stand in no block are looked at; all
else is Terraform's.
"""

import re
from dataclasses import dataclass
from pathlib import Path

#: As `infra/variables.tf` has it.
PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,30}")
BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
IMAGE = re.compile(r"[a-z0-9./_-]+@sha256:[0-9a-f]{64}")
#: Comments and other strings are there to be passed over.
TOKENS = re.compile(
    r"""(?P<comment>\#.*|//.*|/\*[\s\S]*?\*/)
    |(?P<name>\b\w+)[ \t]*=[ \t]*"(?P<value>(?:[^"\\]|\\.)*)"
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<opening>[\[{])|(?P<closing>[\]}])""",
    re.VERBOSE,
)
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
    written = _top_level(file.read_text("utf-8"))
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
    bucket = written.get("bucket", f"{project}-emberframe")
    _expect("bucket", bucket, BUCKET, "a bucket's name: lower-case letters, digits, - _ .")
    return Target(
        project=project,
        environment=environment,
        bucket=bucket,
        image=image or None,
        models=models,
        approved=approved,
    )


def _top_level(text: str) -> dict[str, str]:
    """The strings among a file's variables, by name; what stands in braces, brackets or comments
    is passed over."""
    found: dict[str, str] = {}
    depth = 0
    for token in TOKENS.finditer(text):
        match token.lastgroup:
            case "opening":
                depth += 1
            case "closing":
                depth -= 1
            case "value" if depth == 0:
                found[token["name"]] = token["value"]
    return found


def _expect(name: str, value: str, form: re.Pattern[str], allowed: str) -> None:
    if not form.fullmatch(value):
        raise WrongTarget(f"{name} is {value!r}; it must be {allowed}.")
