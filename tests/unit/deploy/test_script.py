"""The scripts themselves, run by bash; the tools that they call only note how they were called."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tools.deploy.script import IMAGE_FILE, deployment, destruction
from tools.deploy.target import Target
from tools.stack.names import REPOSITORY

OLD = "repository/worker@sha256:" + 64 * "a"
DATABASE = "projects/my-project/databases/(default)"
KEPT = (
    "google_firebase_storage_bucket.files",
    "google_storage_bucket.files",
    "google_firestore_database.this",
)
NEW = "repository/worker@sha256:" + 64 * "b"
TARGET = Target(
    project="my-project",
    environment="production",
    bucket="my-files",
    image=None,
    models="all",
    approved=True,
)

#: Notes a call and the image that Terraform would see, and answers from a file of the call's name.
TOOL = """\
#!/usr/bin/env bash
name=$(basename "$0")
said="$name $*"
echo "$said" >> calls
[[ $said != *" apply "* ]] || cat {image} >> images
for answer in answers/*; do
  if [ -e "$answer/call" ] && [[ $said == *"$(cat "$answer/call")"* ]]; then
    cat "$answer/stdout"
    exit "$(cat "$answer/code")"
  fi
done
"""


class Machine:
    """A folder with tools, and what was called there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._answers = 0
        (folder / "bin").mkdir()
        (folder / "answers").mkdir()
        (folder / "tools").symlink_to(REPOSITORY / "tools")
        for name in ("gcloud", "terraform", "docker", "git", "make"):
            tool = folder / "bin" / name
            tool.write_text(TOOL.format(image=IMAGE_FILE))
            tool.chmod(0o755)
        self.answer("output -raw image_repository", "repository")
        self.answer("git describe", "v1")
        # Pushed to another project before.
        self.answer("docker inspect", f"another/{NEW}\n{NEW}\n\n")
        self.answer("output -json secrets", "[]")

    def answer(self, call: str, stdout: str = "", code: int = 0) -> None:
        self._answers += 1
        # The last one said comes first.
        folder = self.folder / "answers" / f"{100 - self._answers:03}"
        folder.mkdir()
        (folder / "call").write_text(call)
        (folder / "stdout").write_text(stdout)
        (folder / "code").write_text(str(code))

    def runs(self, image: str) -> None:
        """Workers of that image, and all that is kept, are in Terraform's state."""
        template = [{"containers": [{"image": image}]}]
        workers = {
            "type": "google_cloud_run_v2_worker_pool",
            "name": "pull",
            "instances": [{"attributes": {"template": template}}],
        }
        self.answer("state pull", json.dumps({"resources": [workers]}))
        self.answer("state list", "\n".join(KEPT))

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "calls").write_text("")
        (self.folder / "images").write_text("")
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def images(self) -> list[dict[str, str | None]]:
        """What Terraform was told of the image, each time that it applied."""
        return [json.loads(line) for line in (self.folder / "images").read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def order(calls: list[str], *parts: str) -> list[int]:
    return [next(i for i, call in enumerate(calls) if part in call) for part in parts]


def test_a_first_deployment_makes_everything_and_then_the_workers(machine: Machine) -> None:
    done = machine.run(deployment(TARGET))
    assert done.returncode == 0, done.stderr
    calls = machine.calls()
    places = order(
        calls,
        "make --no-print-directory bundle",
        "buckets create gs://my-project-terraform",
        "terraform -chdir=infra init",
        "-target=google_secret_manager_secret.all",
        "docker build --platform linux/amd64 --tag repository/worker:v1 --build-arg MODELS=all .",
        "docker push repository/worker:v1",
    )
    assert places == sorted(places)
    assert machine.images() == [{"image": None, "push": None}] * 2 + [{"image": NEW}]
    assert not any(" import " in call for call in calls)
    assert all("-auto-approve" in call for call in calls if " apply " in call)


def test_the_next_one_keeps_the_running_image_until_the_new_one_is_there(machine: Machine) -> None:
    machine.runs(OLD)
    machine.answer("buckets list", "my-project-terraform\nmy-files")
    done = machine.run(deployment(TARGET))
    assert done.returncode == 0, done.stderr
    assert machine.images() == [{"image": OLD}] * 2 + [{"image": NEW}]
    assert not any(" create " in call or " import " in call for call in machine.calls())


def test_files_and_documents_that_an_earlier_deployment_kept_are_taken_up_again(
    machine: Machine,
) -> None:
    machine.answer("buckets list", "my-project-terraform\nmy-files")
    machine.answer("databases list", DATABASE)
    done = machine.run(deployment(TARGET))
    assert done.returncode == 0, done.stderr
    imported = [call.rpartition("tfvars.json ")[2] for call in machine.calls() if "import" in call]
    assert imported == [
        "google_storage_bucket.files my-project/my-files",
        "google_firebase_storage_bucket.files projects/my-project/buckets/my-files",
        f"google_firestore_database.this {DATABASE}",
    ]


def test_somebody_else_s_bucket_never_holds_the_state(machine: Machine) -> None:
    machine.answer("buckets list", "my-project-terraform-2\nnot-my-project-terraform")
    machine.answer("buckets create gs://my-project-terraform ", "", 1)
    done = machine.run(deployment(TARGET))
    assert done.returncode == 1
    assert "buckets create gs://my-project-terraform" in machine.calls()[-1]


def test_a_given_image_is_deployed_and_none_is_built(machine: Machine) -> None:
    given = Target(
        project="my-project",
        environment="production",
        bucket="my-files",
        image=OLD,
        models="none",
        approved=False,
    )
    done = machine.run(deployment(given))
    assert done.returncode == 0, done.stderr
    assert machine.images() == [{"image": OLD}] * 2
    assert not any(call.startswith("docker") for call in machine.calls())
    assert not any("-auto-approve" in call for call in machine.calls())


def test_a_secret_without_a_value_ends_it_before_anything_reads_it(machine: Machine) -> None:
    machine.answer("output -json secrets", '["RUNPOD_API_KEY","OTHER"]')
    done = machine.run(deployment(TARGET))
    assert done.returncode == 1
    assert "The secret RUNPOD_API_KEY has no value." in done.stderr
    assert "gcloud secrets versions add RUNPOD_API_KEY --project my-project" in done.stderr
    assert len(machine.images()) == 1
    machine.answer("secrets versions list", "1")
    assert machine.run(deployment(TARGET)).returncode == 0


@pytest.mark.parametrize("tool", ["terraform -chdir=infra init", "docker push", "-target="])
def test_a_step_that_fails_is_the_last(machine: Machine, tool: str) -> None:
    machine.answer(tool, "", 3)
    done = machine.run(deployment(TARGET))
    assert done.returncode == 3
    assert tool in machine.calls()[-1]


def test_a_tool_that_is_not_installed_is_named_before_anything_is_done(machine: Machine) -> None:
    script = deployment(TARGET).replace(
        "gcloud terraform docker git python3;", "gcloud no-such-tool;"
    )
    done = machine.run(script)
    assert (done.returncode, machine.calls()) == (1, [])
    assert "no-such-tool is needed, and is not installed." in done.stderr


def test_an_end_takes_files_and_documents_out_of_terraform_s_hands_first(machine: Machine) -> None:
    machine.runs(OLD)
    assert machine.run(destruction(TARGET, with_data=False)).returncode == 0
    calls = machine.calls()
    places = order(calls, *(f"state rm {kept}" for kept in KEPT), " destroy ")
    assert places == sorted(places)
    assert not any("deletion_protection" in call for call in calls)


@pytest.mark.parametrize("call", ["state pull", "state list", "state rm"])
def test_nothing_is_destroyed_where_it_is_not_known_what_terraform_holds(
    machine: Machine, call: str
) -> None:
    machine.runs(OLD)
    machine.answer(call, "", 1)
    assert machine.run(destruction(TARGET, with_data=False)).returncode != 0
    assert not any(" destroy " in it for it in machine.calls())


def test_data_that_were_kept_are_deleted_when_that_is_said(machine: Machine) -> None:
    machine.answer("buckets list", "my-project-terraform\nmy-files")
    machine.answer("databases list", DATABASE)
    assert machine.run(destruction(TARGET, with_data=True)).returncode == 0
    calls = machine.calls()
    places = order(calls, "import", "apply", " destroy ")
    assert places == sorted(places)
    assert all("-var=deletion_protection=false" in call for call in calls[-2:])
