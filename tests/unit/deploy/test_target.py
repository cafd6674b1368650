"""What somebody types to deploy is either whole or refused in a sentence."""

from pathlib import Path

import pytest

from tools.deploy.target import Target, WrongTarget, read_target

DIGEST = "sha256:" + 64 * "a"
IMAGE = f"europe-docker.pkg.dev/my-project/emberframe/worker@{DIGEST}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/production.tfvars").write_text(
        '# project = "other"\nproject   = "my-project"\npools = {\n  a = { tasks = "both" }\n}\n'
    )
    return tmp_path


def read(root: Path, **typed: str) -> Target:
    whole = {"project": "my-project", "environment": "production", "image": "", "models": "none"}
    return read_target(root, approved=False, **{**whole, **typed})


def test_a_project_and_a_file_of_variables_are_enough(root: Path) -> None:
    target = read(root)
    assert (target.bucket, target.image) == ("my-project-emberframe", None)


def test_an_image_comes_from_what_was_typed_or_else_from_the_file(root: Path) -> None:
    with (root / "infra/production.tfvars").open("a") as file:
        file.write(f'image = "{IMAGE}"\nbucket = "other-files"\n')
    assert read(root).image == IMAGE
    assert read(root).bucket == "other-files"
    assert read(root, image=IMAGE.replace("a" * 64, "b" * 64)).image != IMAGE


@pytest.mark.parametrize(
    "block",
    [
        'runpod_endpoints = {\n  image = "abc123"\n}\n',
        's3 = {\n  bucket = "pictures"\n  region = "auto"\n}\n',
        '/*\nbucket = "older"\n*/\n// bucket = "older"\nx = "# { bucket = "\n',
        'pools = { a = { environment = { image = "x", bucket = "y" } } }\n',
    ],
)
def test_what_stands_in_a_block_or_a_comment_is_no_variable_of_the_file(
    root: Path, block: str
) -> None:
    with (root / "infra/production.tfvars").open("a") as file:
        file.write(block)
    assert (read(root).bucket, read(root).image) == ("my-project-emberframe", None)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"project": ""}, "PROJECT is ''; it must be the id of a Google Cloud project"),
        ({"project": "a b; rm -rf /"}, "PROJECT is 'a b; rm -rf /'; it must be"),
        ({"environment": ""}, "ENV is ''; it must be the name of a file infra/ENV.tfvars"),
        ({"environment": "../x"}, "ENV is '../x'; it must be"),
        ({"environment": "staging"}, "there is no infra/staging.tfvars; begin with `cp"),
        (
            {"project": "other-project"},
            "PROJECT is 'other-project', and infra/production.tfvars is for 'my-project'",
        ),
        ({"models": "some"}, "MODELS is 'some'; it must be one of none, image, video, all."),
        ({"image": "worker:latest"}, "image is 'worker:latest'; it must be a repository with a"),
        ({"image": "x@sha256:" + 64 * "0"}, "still the example's; remove the line"),
    ],
)
def test_what_is_wrong_is_named_with_its_value_and_what_is_allowed(
    root: Path, typed: dict[str, str], sentence: str
) -> None:
    with pytest.raises(WrongTarget) as wrong:
        read(root, **typed)
    assert sentence in str(wrong.value)


def test_a_bucket_that_can_have_no_such_name_is_refused(root: Path) -> None:
    with (root / "infra/production.tfvars").open("a") as file:
        file.write('bucket = "$(reboot)"\n')
    with pytest.raises(WrongTarget, match=r"bucket is '\$\(reboot\)'; it must be a bucket's name"):
        read(root)
