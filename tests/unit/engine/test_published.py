"""The process of the published libraries: scripts in it neither see nor spoil each other."""

from pathlib import Path

import pytest

from tests.unit.engine.published import PublishedLibraries


def test_a_script_gets_its_arguments_and_no_other_s_names(
    published: PublishedLibraries, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        published.run(
            "import sys, pathlib\n"
            "assert 'seen' not in globals()\n"
            "seen = pathlib.Path(sys.argv[1]).write_text(sys.argv[2])",
            tmp_path / name,
            name,
        )
    assert [(tmp_path / name).read_text() for name in ("one", "two")] == ["one", "two"]


def test_a_script_that_fails_is_told_with_its_place_and_the_next_one_runs(
    published: PublishedLibraries,
) -> None:
    with pytest.raises(RuntimeError, match=r"line 2[\s\S]*ZeroDivisionError"):
        published.run("one = 1\none / 0")
    published.run("import torch; assert torch.get_num_threads() == 1")
