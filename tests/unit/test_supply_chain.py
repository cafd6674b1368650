"""What is installed and loaded is what was meant: pinned, hashed, and no file that runs code."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpu_worker.engine import checking_spec, specs
from gpu_worker.engine.specs import HubSource

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = sorted((REPOSITORY / "requirements").glob("*.lock"))
ROOMS = ("shared", "trigger", "gpu_worker")
#: Formats of weights that are pickles, or may be.
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".npy")


def hub_sources() -> Iterator[HubSource]:
    tables = (*specs.PICTURE_SPECS.values(), *specs.FILM_SPECS.values())
    for spec in (*tables, *checking_spec.IMAGE_CHECKS.values()):
        for name in dir(spec):
            value = getattr(spec, name)
            if isinstance(value, HubSource):
                yield value


def calls() -> Iterator[tuple[Path, ast.Call, str]]:
    """Every call in what is deployed, with the name of what is called."""
    for room in ROOMS:
        for path in (REPOSITORY / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call):
                    yield path, node, ast.unparse(node.func)


def test_every_model_of_the_hub_is_pinned_to_a_full_commit() -> None:
    sources = list(hub_sources())
    assert len({it.repository for it in sources}) >= 5
    assert [it for it in sources if not re.fullmatch("[0-9a-f]{40}", it.revision)] == []


def test_nothing_that_is_deployed_trusts_remote_code_or_unpickles() -> None:
    forbidden = re.compile(
        r"(^|\.)(pickle|dill|cloudpickle|torch)\.(loads?|Unpickler)$|^(eval|exec)$"
    )
    seen = 0
    for path, call, name in calls():
        seen += 1
        assert not forbidden.search(name), f"{path}: {name}"
        for word in call.keywords:
            assert word.arg != "trust_remote_code", f"{path}: {ast.unparse(call)[:80]}"
    assert seen > 1000


def test_every_loading_of_weights_asks_for_safetensors() -> None:
    loading = [
        (path, call)
        for path, call, name in calls()
        if name.endswith(".from_pretrained") and "processor" not in name.lower()
    ]
    assert len(loading) >= 4
    for path, call in loading:
        text = ast.unparse(call)
        assert "use_safetensors" in text or "**options" in text, f"{path}: {text[:80]}"


def test_no_committed_file_holds_a_pickle() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    assert any(name.endswith(".safetensors") for name in listed)
    assert [name for name in listed if name.endswith(PICKLES)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_locked_package_has_a_version_and_hashes(lock: Path) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", lock.read_text().strip(), flags=re.IGNORECASE)
    packages = [it for it in entries if not it.startswith("#")]
    assert packages
    assert [
        it.partition(" ")[0] for it in packages if "==" not in it or "--hash=sha256:" not in it
    ] == []
