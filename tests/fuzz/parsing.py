"""Malformed requests through the parser: each is a request, or a refusal in a whole sentence.

Bound: MOST_CPU_SECONDS of this thread's own for one, which no machine's load can stretch.
"""

import re
import time
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings

from shared.errors import ErrorCode, InvalidInput
from shared.parse import MAX_SENTENCES, parse_request
from tests.fuzz.malformed import requests

#: Far more than any takes; a parser whose time grows with the square of a text needs minutes.
MOST_CPU_SECONDS = 5.0
#: What is wrong, and what would be right or what to write instead.
SENTENCE = re.compile(
    r"(input|[\w\[\].]+|.{1,64} is not a parameter) "
    r"(is|was|has|holds|takes|of|gives)\b.*?(must be|must have|must take|did you mean|known are:"
    r"|; write )",
    re.DOTALL,
)
#: A sentence for each of five fields, each of which may list all names of its kind.
LONGEST_REFUSAL = 6000


def refusal(raw: Any) -> InvalidInput | None:
    """None for a good request. Any other exception is a fault of ours."""
    try:
        parse_request(raw)
    except InvalidInput as error:
        return error
    return None


def assert_answered(raw: Any) -> bool:
    """Refused in a sentence (True) or taken, the same each time, soon."""
    began = time.thread_time()
    refused = refusal(raw)
    assert time.thread_time() - began < MOST_CPU_SECONDS
    again = refusal(raw)
    if refused is None or again is None:
        assert refused is again
        return False
    assert refused.message == again.message
    assert refused.code is ErrorCode.INVALID_INPUT
    assert not refused.retryable
    assert_sentence(refused.message)
    return True


def assert_sentence(said: str) -> None:
    """It names the field, its value and what is allowed, and can be stored and logged."""
    assert SENTENCE.match(said), said
    assert said[-1] in ".?", said
    assert len(said) <= LONGEST_REFUSAL, len(said)
    assert said.count("it must") <= MAX_SENTENCES + 1, said
    said.encode()


def parse_malformed(count: int) -> Counter[str]:
    """`count` of them; how many were refused and how many happened to be good."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests)
    def run(raw: Any) -> None:
        seen["refused" if assert_answered(raw) else "good by chance"] += 1

    run()
    return seen
