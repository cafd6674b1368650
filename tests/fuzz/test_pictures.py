"""A few hundred damaged pictures in every run of the tests; `make fuzz` tries 10 000."""

from collections import Counter
from random import Random

import pytest

from gpu_worker.media.input_picture import decode_image, decode_mask
from tests.fuzz import pictures
from tests.fuzz.picture_seeds import SIZE, picture_seeds, png_with_right_checksums
from tests.fuzz.pictures import FIELD, Broken, Tally, damaged_pictures, main, try_picture

COUNT = 300


def test_a_damaged_picture_is_read_or_refused_and_nothing_else() -> None:
    tally = Tally()
    for _, _, data in damaged_pictures(seed=1, first=0, count=COUNT):
        try_picture(data, tally)
    assert tally.tried == COUNT
    assert tally.read > COUNT / 20, "some damage is deeper than the header"
    assert tally.refused > COUNT / 2


def test_the_run_counts_what_it_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "20", "--seed", "3"]) == 0
    (tried, *_) = capsys.readouterr().out.splitlines()
    assert tried.split() == ["damaged", "pictures", "tried", "20"]


@pytest.mark.parametrize("name", picture_seeds())
def test_what_is_damaged_was_whole(name: str) -> None:
    data = picture_seeds()[name]
    sides = SIZE if "tagged" in name else SIZE[::-1]  # its orientation lies it on its side
    assert decode_image(data, FIELD).shape == (*sides, 3)
    assert decode_mask(data, FIELD).shape == sides
    if name.startswith("png"):
        assert png_with_right_checksums(data) == data


def test_the_same_seed_does_the_same_damage_and_another_one_does_not() -> None:
    def files(seed: int) -> list[bytes]:
        return [data for _, _, data in damaged_pictures(seed, first=5, count=20)]

    assert files(1) == files(1)
    assert files(1) != files(2)
    later = [data for _, _, data in damaged_pictures(1, first=15, count=10)]
    assert files(1)[10:] == later, "a picture follows from its number alone"


def test_every_form_of_picture_is_damaged() -> None:
    named = Counter(name for _, name, _ in damaged_pictures(seed=1, first=0, count=COUNT))
    assert set(named) == set(picture_seeds())


@pytest.mark.parametrize("fault", [KeyError("IHDR"), RecursionError(), MemoryError()])
def test_any_other_exception_breaks_the_run(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def decode(data: bytes, field: str) -> None:
        raise fault

    monkeypatch.setattr(pictures, "decode_image", decode)
    with pytest.raises(Broken, match=type(fault).__name__):
        try_picture(Random(1).randbytes(100), Tally())
