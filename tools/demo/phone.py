"""Drives `phone.mjs`, a real Firebase client SDK in Node, and reads what it sees.

One process a phone. Events arrive in order; waiting has a deadline.
"""

import contextlib
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from tools.stack import Stack

SCRIPT = Path(__file__).with_name("phone.mjs")
NODE_PACKAGE = Path(__file__).resolve().parents[2] / "build/node/package.json"

#: Statuses after which nothing comes any more.
FINAL = ("completed", "failed", "cancelled")
#: One JSON object as `phone.mjs` documents it.
Event = dict[str, Any]


class PhoneError(Exception):
    """The SDK refused or failed; `code` is Firebase's (`permission-denied`, say)."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Phone:
    """A context manager around one Node process; not thread-safe."""

    def __init__(self, stack: Stack, *, log_file: Path | None = None) -> None:
        self._log = (log_file or stack.state_dir / "phone.log").open("ab")
        environment = {
            **os.environ,
            **stack.env(),
            "EMBERFRAME_NODE_PACKAGE": str(NODE_PACKAGE),
        }
        self._process = subprocess.Popen(
            ["node", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment,
        )
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="phone", daemon=True)
        self._reader.start()
        self.uid = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._log.close()

    def sign_in(self, timeout_seconds: float = 30.0) -> str:
        """Anonymous sign-in; returns the uid."""
        self._send({"op": "sign_in"})
        self.uid = self.wait_for("signed_in", timeout_seconds)["uid"]
        return self.uid

    def create(self, generation_id: str, request: dict[str, Any]) -> None:
        """Create the document and listen to it. Events follow; see `events`."""
        self._send({"op": "generate", "id": generation_id, "input": request})

    def listen(self, generation_id: str) -> None:
        """Listen to a generation of one's own, there or not yet."""
        self._send({"op": "listen", "id": generation_id})

    def cancel(self, generation_id: str) -> None:
        self._send({"op": "cancel", "id": generation_id})

    def events(self, timeout_seconds: float) -> Iterator[Event]:
        """Events as they come. Raises `TimeoutError` at the deadline, `PhoneError` on an error."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"the phone saw nothing within {timeout_seconds:g} s") from None
            if event is None:
                raise PhoneError("phone-ended", f"the phone's process ended; see {self._log.name}")
            if event["event"] == "error":
                raise PhoneError(event["code"], event["message"])
            yield event

    def wait_for(self, name: str, timeout_seconds: float = 30.0) -> Event:
        """The next event called `name`; others before it are passed over."""
        return next(event for event in self.events(timeout_seconds) if event["event"] == name)

    def documents(self, generation_id: str, timeout_seconds: float) -> Iterator[Event]:
        """The document's states as the listener saw them, up to a terminal one."""
        for event in self.events(timeout_seconds):
            if event["event"] == "document" and event["id"] == generation_id:
                yield event
                if event["data"]["status"] in FINAL:
                    return

    def _send(self, command: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)
