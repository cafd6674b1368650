"""The document of a claimed generation: every write is a compare-and-set under the lease's token.

A write that meets another version reads back. Our own ending is there: only the reply was lost. Our
lease is there: the client asked to cancel, or a reply was lost, and the write is repeated. Else the
lease is lost and this object never writes again. Only `renew` moves the lease's end, whose index
takes some 500 new values a second of all workers together; progress written between leaves it.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Never

from gpu_worker.lifecycle.server_clock import ServerClock
from shared.clock import Clock
from shared.document import Generation
from shared.errors import InvalidInput
from shared.lease import LEASE_SECONDS, Lease, TrustWindow
from shared.paths import GenerationPath
from shared.ports import Changes, Conflict, DocumentStore, Missing, Snapshot
from shared.status import Status

#: Each round means that another writer got in between; only the client's one cancellation may.
MAX_CONFLICTS = 8


class LeaseLost(Exception):
    """The lease is another's, has lapsed, or its document is gone: nothing more may be written."""


class LeasedDocument:
    """Thread-safe: the heartbeat and the job's own thread write through one lock."""

    def __init__(
        self,
        store: DocumentStore,
        clock: Clock,
        *,
        generation: Generation,
        version: Any,
        server_clock: ServerClock,
        window: TrustWindow,
        on_cancel_requested: Callable[[], None],
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._generation = generation
        self._version = version
        self._server_clock = server_clock
        self._window = window
        self._on_cancel_requested = on_cancel_requested
        self._lease = timedelta(seconds=lease_seconds)
        self._lock = threading.Lock()
        self._over = False

    @property
    def path(self) -> GenerationPath:
        return self._generation.path

    @property
    def generation(self) -> Generation:
        """As of the claim, or of the last read-back; its lease as of the last renewal."""
        return self._generation

    @property
    def lease(self) -> Lease:
        return self._generation.lease

    def trusted(self) -> bool:
        """True while the lease may be acted on without asking the server."""
        return not self._over and self.trusted_seconds() > 0

    def trusted_seconds(self) -> float:
        """Seconds until the trust window closes; 0 or less when it has."""
        return self._window.ends - self._clock.monotonic()

    @property
    def renewed_at(self) -> float:
        """Monotonic seconds: when the claim or the last renewal that came through was begun."""
        return self._window.counted_from

    def server_now(self) -> datetime:
        """The server's time; only for what `end` calls to make its changes."""
        return self._server_clock.now()

    def renew(self, **fields: Any) -> None:
        """Heartbeat, with `fields` (progress) in the same write. Raises `LeaseLost`, `Unavailable`.

        Does nothing once the generation has ended: a late heartbeat is no fault.
        """
        with self._lock:
            if self._over:
                return
            self._write(lambda renewed: {**fields, "lease": renewed.to_document()}, renews=True)

    def tell(self, **fields: Any) -> None:
        """`fields` (progress) alone: lease and trust window end as they did. Else as `renew`."""
        with self._lock:
            if self._over:
                return
            # With the token all the same, and the end that the document has.
            self._write(lambda _renewed: {**fields, "lease": self.lease.to_document()})

    def end(self, changes: Callable[[Generation], Changes]) -> None:
        """The last write: a terminal status or back to the queue. Raises like `renew`."""
        with self._lock:
            try:
                self._write(lambda _renewed: changes(self._generation))
            finally:
                # Whatever came of it: a late heartbeat must not keep the lease from others.
                self._over = True

    def _write(self, changes: Callable[[Lease], Changes], *, renews: bool = False) -> None:
        for _ in range(MAX_CONFLICTS):
            if not self.trusted():
                self._lose("its trust window has closed")
            started = self._clock.monotonic()
            renewed = self.lease.renewed(self._server_clock.now() + self._lease)
            wanted = changes(renewed)
            beside = self._generation.beside(wanted)
            try:
                written = self._store.update(
                    str(self.path), wanted, expected=self._version, beside=beside
                )
            except Conflict:
                if self._read_back(wanted):
                    return
                continue
            except Missing:
                self._lose("its document was deleted")
            self._version = written.version
            self._server_clock.anchor(written.commit_time, started)
            if renews:
                self._generation = replace(self._generation, lease=renewed)
                self._window = TrustWindow.after(started, self._lease)
            return
        self._lose(f"its document changed {MAX_CONFLICTS} times under one write")

    def _read_back(self, wanted: Changes) -> bool:
        """True when `wanted` was our ending and is written; False to write again."""
        snapshot: Snapshot | None = self._store.read(str(self.path))
        if snapshot is None:
            self._lose("its document was deleted")
        try:
            generation = Generation.from_document(self.path, snapshot.data)
        except InvalidInput:
            self._lose("its document has no status of the contract any more")
        there, ours = generation.lease, self.lease
        # A worker that takes over takes the next token first. Under ours the sweep may have ended a
        # lapsed lease, or sent it back; where that is the very end that we want, let it stand.
        released = (there.token, there.worker_id) == (ours.token, None)
        if released and wanted.get("status") == generation.status.value:
            return True
        held = (there.token, there.worker_id) == (ours.token, ours.worker_id)
        if not held or generation.status is not Status.PROCESSING:
            self._lose(f"it is {generation.status} with token {there.token} of {there.worker_id}")
        self._generation = generation
        self._version = snapshot.version
        if generation.cancel_requested:
            self._on_cancel_requested()
        return False

    def _lose(self, why: str) -> Never:
        self._over = True
        raise LeaseLost(f"the lease of {self.path} (token {self.lease.token}) is lost: {why}")
