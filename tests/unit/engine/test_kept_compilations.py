"""What was compiled is kept for the next start: ours, whole, and written by nobody else."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.engine.published import PublishedLibraries

#: inductor's own artifacts, of a graph that needs no C++: a product of two matrices.
KEEP = """
import logging, os, shutil, sys
from pathlib import Path
import torch
from torch._dynamo.utils import counters
from torch._inductor.utils import fresh_cache
from gpu_worker.engine.compiling.kept import KeptCompilations

KEY = {"models": "shapes abc", "device": "this", "torch": torch.__version__}
folder = Path(sys.argv[1])

def compile_product():
    torch._dynamo.reset()
    counters.clear()
    weight = torch.ones(8, 8)
    product = torch.compile(lambda x: torch.mm(x, weight), fullgraph=True, dynamic=False)
    with torch.no_grad():
        assert product(torch.ones(4, 8)).tolist() == [[8.0] * 8] * 4
    return counters["inductor"]["fxgraph_cache_hit"] + counters["aot_autograd"][
        "autograd_cache_hit"]

with fresh_cache():
    kept = KeptCompilations(folder, KEY)
    assert not kept.load(), "there is none"
    assert compile_product() == 0
    assert kept.save()
with fresh_cache():
    assert compile_product() == 0, "something else remembers it"
with fresh_cache():
    # A start on an image that was baked with it, and a folder of its own that is empty.
    image = KeptCompilations(folder / "own", KEY, others=(folder,))
    assert image.load()
    assert compile_product() > 0
"""


@pytest.fixture(scope="module")
def kept(published: PublishedLibraries, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that `KeptCompilations` wrote."""
    folder = tmp_path_factory.mktemp("kept")
    published.run(KEEP, folder)
    (file,) = folder.glob("*.compiled")
    return file


def load(published: PublishedLibraries, file: Path, **key: str) -> None:
    """Raises `RuntimeError` with what the log says, or unless it is loaded."""
    script = """
import logging, sys
from pathlib import Path
import torch
from gpu_worker.engine.compiling.kept import KeptCompilations
said = []
class Said(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
log = logging.getLogger("gpu_worker.engine.compiling.kept")
log.handlers = [Said()]
log.setLevel(logging.WARNING)
key = {"models": "shapes abc", "device": "this", "torch": torch.__version__}
for pair in sys.argv[2:]:
    name, _, value = pair.partition("=")
    key[name] = value
kept = KeptCompilations(Path(sys.argv[1]), key)
loaded = kept.load()
if said or not loaded:
    raise RuntimeError(f"loaded: {loaded}; said: {said}")
"""
    published.run(script, file.parent, *(f"{name}={value}" for name, value in key.items()))


def test_it_is_loaded_again(published: PublishedLibraries, kept: Path) -> None:
    load(published, kept)


def test_another_model_or_device_has_a_file_of_its_own(
    published: PublishedLibraries, kept: Path
) -> None:
    for name in ("models", "device", "torch"):
        with pytest.raises(RuntimeError, match=r"loaded: False; said: \[\]"):
            load(published, kept, **{name: "another"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda it: it.write_bytes(it.read_bytes()[:-1]), "it is damaged"),
        (lambda it: it.write_bytes(it.read_bytes() + b"x"), "it is damaged"),
        (lambda it: it.write_bytes(b""), "it was made for something else"),
        (
            lambda it: it.write_bytes(it.read_bytes().replace(b'"this"', b'"that"', 1)),
            "it was made for something else",
        ),
        (lambda it: it.chmod(0o646), "everybody may write to"),
        (lambda it: it.parent.chmod(0o777), "everybody may write to"),
    ],
    ids=["short", "long", "empty", "foreign", "open file", "open folder"],
)
def test_a_file_that_may_not_be_ours_is_ignored_with_a_line(
    spoil: Callable[[Path], object],
    words: str,
    published: PublishedLibraries,
    kept: Path,
    tmp_path: Path,
) -> None:
    file = tmp_path / kept.name
    file.write_bytes(kept.read_bytes())
    spoil(file)
    with pytest.raises(RuntimeError, match=f"loaded: False; said: .*{words}"):
        load(published, file)


def test_a_file_of_another_user_s_is_ignored_with_a_line(
    published: PublishedLibraries, kept: Path, tmp_path: Path
) -> None:
    published.run(
        """
import os, sys
from pathlib import Path
from gpu_worker.engine.compiling.kept import KeptCompilations
file = Path(sys.argv[1])
mine = os.geteuid
if os.geteuid() == 0:
    os.chown(file, 12345, 12345)
else:  # who cannot give files away
    os.geteuid = lambda: 12345
try:
    KeptCompilations(file.parent, {})._read(file)
except ValueError as error:
    assert "who is neither ours nor root" in str(error), error
else:
    raise AssertionError
finally:
    os.geteuid = mine
""",
        shutil.copy(kept, tmp_path),
    )


def test_a_folder_that_cannot_be_written_costs_a_line_and_no_more(
    published: PublishedLibraries, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    # After `kept` there is something to save in that process.
    published.run(
        """
import sys
from pathlib import Path
import torch
assert torch.compiler.save_cache_artifacts() is not None
from gpu_worker.engine.compiling.kept import KeptCompilations
kept = KeptCompilations(Path(sys.argv[1]) / "file", {})
assert not kept.save()
""",
        tmp_path,
    )
