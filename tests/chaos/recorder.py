"""Records every version of a project's documents that a real listener sees, in order.

The emulator keeps from a listener what is committed while it is being added, so documents must be
created after the recorder is entered, which waits for the first call-back. On a busy machine it
now and then does not tell a later change either, although the stream lives: `look`. Which of what
it found was never told, and which only late, is known at the end: `untold`.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from google.cloud import firestore

from shared.paths import GenerationPath
from tests.chaos.evidence import State

LISTENING_SECONDS = 60.0


class NotSeen(Exception):
    """A document did not get into the state that was waited for."""


class Recorder:
    """A context manager. Thread-safe."""

    def __init__(self, database: firestore.Client) -> None:
        self._database = database
        self._changed = threading.Condition()
        self._listening = False
        self._states: dict[str, list[State]] = defaultdict(list)
        #: Paths that somebody has waited for.
        self._awaited: set[str] = set()
        #: What `look` found, by path.
        self._found: dict[str, State] = {}
        self._watch: Any = None

    def __enter__(self) -> Self:
        self._watch = self._database.collection_group("generations").on_snapshot(self._see)
        with self._changed:
            if not self._changed.wait_for(lambda: self._listening, LISTENING_SECONDS):
                raise NotSeen(f"the listener did not begin within {LISTENING_SECONDS:g} s")
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.unsubscribe()

    def states(self) -> Mapping[str, Sequence[State]]:
        with self._changed:
            return {path: list(states) for path, states in self._states.items()}

    def wait_for(
        self, path: GenerationPath, reached: Callable[[State], bool], timeout_seconds: float
    ) -> State:
        """The first state of the document that is `reached`, once it is seen. Raises `NotSeen`."""

        def found() -> State | None:
            looked_up = [self._found[str(path)]] if str(path) in self._found else []
            return next((it for it in [*self._told(str(path)), *looked_up] if reached(it)), None)

        with self._changed:
            self._awaited.add(str(path))
            state = self._changed.wait_for(found, timeout_seconds)
            if state is None:
                raise NotSeen(self._unseen(path, timeout_seconds))
            return state

    def look(self) -> None:
        """Read what has not ended as far as the listener told."""
        with self._changed:
            # Of some, the listener may have told nothing at all.
            open_ones = [
                path
                for path in self._awaited | self._states.keys()
                if not any(it.status.terminal for it in self._told(path)[-1:])
            ]
        found = [self._database.document(path).get() for path in open_ones]
        with self._changed:
            for document in found:
                path = document.reference.path
                known = [*self._told(path)[-1:], *filter(None, [self._found.get(path)])]
                if document.exists and all(document.update_time > it.at for it in known):
                    # Apart from what is told: a listener that only lags tells the rest in order.
                    self._found[path] = State.of(document.to_dict() or {}, document.update_time)
            self._changed.notify_all()

    def untold(self) -> int:
        """Documents that were found in a state that the listener has told neither then nor later.

        One that only lags will have told it: ask when all is quiet.
        """
        with self._changed:
            return sum(
                all(told.at < found.at for told in self._told(path)[-1:])
                for path, found in self._found.items()
            )

    def _told(self, path: str) -> Sequence[State]:
        return self._states.get(path, ())

    def _unseen(self, path: GenerationPath, seconds: float) -> str:
        """Also what the document is now: a listener that stalls is no fault of the worker's."""
        seen = [f"{it.status}/{it.token}" for it in self._told(str(path))]
        found = self._database.document(str(path)).get()
        now = State.of(found.to_dict(), found.update_time) if found.exists else None
        listener = "active" if self._watch.is_active else "dead"
        return (
            f"{path} was {seen}, and nothing else in {seconds:g} s; "
            f"it is {now} now, and the listener is {listener}"
        )

    def wait_for_ends(self, timeout_seconds: float) -> bool:
        """Whether every document seen so far has ended by then."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(
                    states[-1].status.terminal
                    or (path in self._found and self._found[path].status.terminal)
                    for path, states in self._states.items()
                ),
                timeout_seconds,
            )

    def _see(self, _documents: object, changes: Sequence[Any], _read_time: object) -> None:
        with self._changed:
            self._listening = True
            for change in changes:
                document = change.document
                state = State.of(document.to_dict() or {}, document.update_time)
                self._states[document.reference.path].append(state)
            self._changed.notify_all()
