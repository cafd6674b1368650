"""A wall clock that is set anew neither silences the Pub/Sub client nor makes it drop messages."""

import queue
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from google.cloud.pubsub_v1 import subscriber
from google.cloud.pubsub_v1.subscriber._protocol import helper_threads

from gpu_worker.intake.steady_time import MODULES, use_steady_time

TIMEOUT_SECONDS = 20.0
TWO_HOURS_SECONDS = 7200.0
A_WHILE_SECONDS = 1.0
CLIENT = Path(subscriber.__file__).parent


@pytest.fixture(autouse=True)
def own_time() -> Iterator[None]:
    """The client's modules get their own `time` back."""
    with pytest.MonkeyPatch.context() as patched:
        for module in MODULES:
            patched.setattr(module, "time", time)
        yield


def acknowledgements_wait(for_seconds: float) -> bool:
    """Whether the client, told to wait 10 ms for more of them, waits longer than `for_seconds` when
    the wall clock is set back by two hours meanwhile."""
    waiting: queue.Queue[object] = queue.Queue()
    wall = iter([TWO_HOURS_SECONDS])
    with patch.object(time, "time", lambda: next(wall, 0.0)):
        waiting.put("an acknowledgement")
        thread = threading.Thread(
            target=helper_threads._get_many,
            args=(waiting,),
            kwargs={"max_items": 2, "max_latency": 0.01},
            daemon=True,
        )
        thread.start()
        thread.join(for_seconds)
        stuck = thread.is_alive()
        waiting.put("what ends the wait")
        thread.join(TIMEOUT_SECONDS)
    return stuck


def test_acknowledgements_go_out_when_the_wall_clock_is_set_back() -> None:
    use_steady_time()
    assert not acknowledgements_wait(TIMEOUT_SECONDS)


def test_the_client_by_itself_would_hold_them_as_long_as_the_clock_was_set_back() -> None:
    # If this fails, the client has been mended, and `steady_time` can go.
    assert acknowledgements_wait(A_WHILE_SECONDS)


def test_every_module_of_the_client_that_asks_for_the_wall_clock_is_given_the_steady_one() -> None:
    asking = {
        path.resolve()
        for path in CLIENT.rglob("*.py")
        if re.search(r"\btime\.time\(|\bdatetime\.now\(|utcnow\(", path.read_text())
    }
    assert asking == {Path(str(module.__file__)).resolve() for module in MODULES}


def test_those_modules_want_nothing_else_of_time() -> None:
    for module in MODULES:
        source = Path(str(module.__file__)).read_text()
        assert set(re.findall(r"\btime\.(\w+)", source)) == {"time"}
