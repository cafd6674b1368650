"""Asks the machine's own resolver for a host's addresses, for no longer than one waits.

`getaddrinfo` cannot be given a time: it runs in a thread of its own, which is left to itself when
the answer comes too late; the resolver's own time-outs end it within a minute or so.
"""

import socket
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Thread

from gpu_worker.ports import Unresolved


class SystemResolver:
    """A `Resolver`."""

    def resolve(self, host: str, *, timeout_seconds: float) -> Sequence[str]:
        answer: Future[Sequence[str]] = Future()
        Thread(target=_ask, args=(host, answer), name="resolver", daemon=True).start()
        try:
            return answer.result(timeout_seconds)
        except TimeoutError:
            raise Unresolved(host) from None


def _ask(host: str, answer: "Future[Sequence[str]]") -> None:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # a label that is empty or too long is a UnicodeError
        answer.set_exception(Unresolved(host))
    else:
        answer.set_result(list(dict.fromkeys(str(address[0]) for *_, address in found)))
