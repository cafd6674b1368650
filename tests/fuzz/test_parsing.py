"""A little of what `make fuzz` does with the parser."""

from tests.fuzz.parsing import parse_malformed

COUNT = 300


def test_every_malformed_request_is_refused_in_a_sentence() -> None:
    seen = parse_malformed(COUNT)
    assert seen["refused"] > COUNT / 2
