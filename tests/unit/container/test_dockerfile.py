"""The Dockerfile keeps its promises, as far as they can be read: no container engine is here."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

from gpu_worker.__main__ import SERVICES
from gpu_worker.engine.baking.rows import read_models
from gpu_worker.engine.checking_spec import NSFW
from gpu_worker.engine.specs import SDXL, WAN
from gpu_worker.settings import Settings
from tools.lock import IMAGE_PYTHON_VERSION, PYTHON_VERSION

REPOSITORY = Path(__file__).resolve().parents[3]
TEXT = (REPOSITORY / "Dockerfile").read_text()
LINES = re.sub(r"\\\n\s*", " ", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
INSTRUCTIONS = [tuple(line.split(maxsplit=1)) for line in LINES if line.strip()]
KINDS = ("none", "image", "video", "all")


def stages() -> dict[str, list[tuple[str, ...]]]:
    """Name of a stage → its instructions, FROM first."""
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    name = ""
    for instruction in INSTRUCTIONS:
        if instruction[0] == "FROM":
            name = instruction[1].rpartition(" AS ")[2]
        found[name].append(instruction)
    return found


STAGES = stages()


def test_types_are_checked_for_the_image_s_python_and_all_else_for_the_functions() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]
    scripts = REPOSITORY / "tools/container"
    for script in ("install_system.sh", "install_packages.sh"):
        found = set(re.findall(r"python(3\.\d+)", (scripts / script).read_text()))
        assert found == {IMAGE_PYTHON_VERSION} == {settings["mypy"]["python_version"]}, script
    firebase = json.loads((REPOSITORY / "firebase.json").read_text())
    (runtime,) = {it["runtime"] for it in firebase["functions"]}
    plain = PYTHON_VERSION.replace(".", "")
    assert (runtime, settings["ruff"]["target-version"]) == (f"python{plain}", f"py{plain}")


def of(stage: str, keyword: str) -> list[str]:
    return [text for word, text in STAGES[stage] if word == keyword]


def environment(stage: str) -> dict[str, str]:
    pairs = (pair.partition("=") for text in of(stage, "ENV") for pair in text.split())
    return {name: value for name, _, value in pairs}


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("hadolint")),
            "--no-color",
            str(REPOSITORY / "Dockerfile"),
            str(REPOSITORY / ".runpod/Dockerfile"),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_base_is_pinned_by_a_digest_that_an_argument_may_change() -> None:
    arguments = dict(text.split("=", 1) for word, text in STAGES[""] if word == "ARG")
    assert re.fullmatch("sha256:[0-9a-f]{64}", arguments["CUDA_DIGEST"])
    outside = [text for stage in STAGES for text in of(stage, "FROM") if ":" in text]
    assert outside == []
    assert of("system", "FROM") == ["${CUDA_IMAGE}@${CUDA_DIGEST} AS system"]
    assert arguments["MODELS"] == "none"


def test_what_run_does_stands_in_scripts_that_tests_run() -> None:
    allowed = re.compile(
        r"/container/install_(system|packages)\.sh\b[^;&|]*( && /venv/bin/pip check)?"
        r"|python -m gpu_worker\.engine\.baking (image|video) --out /baked"
    )
    runs = [text for stage in STAGES for text in of(stage, "RUN")]
    assert len(runs) == 6
    assert [text for text in runs if not allowed.fullmatch(text)] == []


def test_there_is_a_stage_for_each_choice_of_models_and_it_has_those() -> None:
    assert {name for name in STAGES if name.startswith("models-")} == {
        f"models-{kind}" for kind in KINDS
    }
    for kind in KINDS:
        wanted = {part for part in ("image", "video") if kind in (part, "all")}
        copied = of(f"models-{kind}", "COPY")
        assert set(re.findall(r"--from=baking-(\w+)", " ".join(copied))) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_the_worker_finds_the_models_of_an_image_and_takes_only_what_they_do(kind: str) -> None:
    variables = environment(f"models-{kind}")
    fields = {f"EMBERFRAME_{name.upper()}" for name in Settings.model_fields}
    assert set(variables) <= fields
    # A folder each, called as the worker's tables call the model.
    tops = {model.top for part in ("image", "video") for model in read_models(part)}
    assert tops == {SDXL.name, WAN.name, NSFW.name}
    assert environment("worker")["EMBERFRAME_BAKED_DIR"] == "/baked"
    runs = of(f"baking-{kind}", "RUN") if f"baking-{kind}" in STAGES else []
    assert all(run.endswith("--out /baked") for run in runs)
    assert variables.get("EMBERFRAME_TASKS") == {
        "none": None, "image": "image", "video": "video", "all": "both",
    }[kind]  # fmt: skip


def test_code_comes_last_so_that_a_change_moves_nothing_else() -> None:
    words = [f"{word} {text}" for word, text in STAGES["worker"]]
    lines = [n for n, it in enumerate(words) if it.startswith(("COPY shared", "COPY gpu_worker"))]
    heavy = [n for n, it in enumerate(words) if it.startswith(("FROM", "RUN", "COPY require"))]
    assert len(lines) == 2
    assert max(heavy) < min(lines)
    # And no stage that fetches models or packages sees any code but that which fetches them.
    baking = "gpu_worker/engine/baking /container/gpu_worker/engine/baking"
    for stage in STAGES:
        if stage != "worker":
            code = [it for it in of(stage, "COPY") if "gpu_worker" in it or "shared" in it]
            assert code == ([baking] if stage == "baking" else [])


def test_it_runs_as_a_numbered_user_who_is_not_root_under_an_init() -> None:
    assert of("worker", "USER") == ["10001"]
    assert '["tini", "--", "python", "-m", "gpu_worker"]' in of("worker", "ENTRYPOINT")
    assert of("worker", "CMD") == ['["pull"]']
    assert set(SERVICES) == {"pull", "push", "runpod"}
    install = (REPOSITORY / "tools/container/install_system.sh").read_text()
    assert "--uid 10001" in install
    assert " tini" in install


def test_it_has_a_health_check_that_reads_the_file_which_the_worker_writes() -> None:
    assert environment("worker")["EMBERFRAME_HEALTH_FILE"].startswith("/tmp/")
    assert '["/container/healthcheck.sh"]' in of("worker", "HEALTHCHECK")[0]
    assert any("healthcheck.sh" in it for it in of("worker", "COPY"))


def test_no_secret_is_an_argument_or_a_variable_of_the_image() -> None:
    secret = re.compile("TOKEN|KEY|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
    named = [text for word, text in INSTRUCTIONS if word in ("ARG", "ENV")]
    assert len(named) >= 6
    assert [it for it in named if secret.search(it)] == []


def test_the_build_sees_what_it_copies_and_nothing_else(tmp_path: Path) -> None:
    """The context that .dockerignore leaves; every COPY of it finds something, and the worker's
    own files alone are a worker that starts."""
    context = allowed_files()
    top = {path.parts[0] for path in context}
    assert top == {"gpu_worker", "shared", "tools", "requirements"}
    sources = [
        source
        for stage in STAGES
        for it in of(stage, "COPY")
        if "--from" not in it
        for source in it.split()[:-1]
    ]
    for source in sources:
        found = [path for path in context if path == Path(source) or Path(source) in path.parents]
        assert found, f"COPY {source} finds nothing"
    for path in context:
        if path.parts[0] in ("gpu_worker", "shared") and path.suffix == ".py":
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / path, tmp_path / path)
    for service in ("--help", "pull"):
        done = subprocess.run(
            [sys.executable, "-m", "gpu_worker", service],
            check=False,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": "/usr/bin:/bin"},
        )
        # Not told its project, the worker says so in its own words: everything was imported.
        expected = (2, "GOOGLE_CLOUD_PROJECT is not set") if service == "pull" else (0, "")
        assert (done.returncode, done.stderr.partition(":")[0]) == expected


def allowed_files() -> list[Path]:
    """Tracked files that .dockerignore lets through: its `*`, and the `!` lines after it."""
    rules = (REPOSITORY / ".dockerignore").read_text().split()
    assert rules[0] == "*"
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [
        path
        for path in map(Path, tracked)
        if any(path.match(rule) or Path(rule) in path.parents for rule in let_in)
    ]


def test_torch_of_the_image_is_the_one_that_the_tests_use() -> None:
    def versions(file: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        lines = (REPOSITORY / file).read_text()
        for name, version in re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lines, re.MULTILINE):
            found[name].add(version)
        return found

    torch = versions("tools/container/torch.lock")
    makefile = (REPOSITORY / "Makefile").read_text()
    assert f"TORCH := torch=={next(iter(torch['torch']))}\n" in makefile
    assert {name for name in torch if name.startswith("nvidia-")} >= {"nvidia-cublas"}
    worker = versions("requirements/worker.lock")
    # What both name must be one version, or the second layer replaces a part of the first.
    for lock in (torch, versions("tools/container/baking.lock")):
        both = set(lock) & set(worker)
        assert both
        assert {name: lock[name] - worker[name] for name in both} == {name: set() for name in both}
