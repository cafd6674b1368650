"""The jobs at an engine process: who waits, who is at work, and who goes next, with whom.

The oldest goes first, and takes along those that already wait and may share its batch. What fails
in company, and may succeed alone, goes again by itself. Not thread-safe: `EngineProcess` guards it
with its own condition.
"""

import logging

from gpu_worker.adapters.engine_child import EngineChild
from gpu_worker.adapters.engine_turn import Turn, crashed
from gpu_worker.engine.company import CompanyKey, Waiting, choose_company, company_key, rows_of
from gpu_worker.engine.protocol import Done, Failed, Stopped
from gpu_worker.engine.specs import PictureSpec
from shared.errors import ErrorCode

LOG = logging.getLogger(__name__)


class EngineLine:
    def __init__(self, spec: PictureSpec | None) -> None:
        """`spec` of the model for pictures; None where there is none."""
        self._spec = spec
        self._turns: list[Turn] = []
        #: The most rows of a batch: what the engine said that pays.
        self.limit = 1
        #: Where fewer fitted into memory.
        self._limits: dict[CompanyKey, int] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def join(self, turn: Turn) -> None:
        self._turns.append(turn)

    def leave(self, turn: Turn) -> None:
        self._turns.remove(turn)

    def named(self, job_id: str) -> list[Turn]:
        return [turn for turn in self._turns if turn.job.job_id == job_id]

    @property
    def at_work(self) -> list[Turn]:
        """Those that were sent and have no outcome."""
        return [turn for turn in self._turns if turn.sent and turn.outcome is None]

    def working(self, job_id: str) -> Turn | None:
        return next((turn for turn in self.at_work if turn.job.job_id == job_id), None)

    def is_next(self, turn: Turn) -> bool:
        """Nobody is at work and `turn` has waited longest."""
        return not self.at_work and self._waiting[0] is turn

    def send_next(self) -> list[Turn]:
        """Who is next and those that go along, at least one; from now on they are at work."""
        waiting = self._waiting
        candidates = [self._candidate(turn) for turn in waiting]
        key = candidates[0].key
        limit = self.limit if key is None else self._limits.get(key, self.limit)
        batch = [waiting[index] for index in choose_company(candidates, limit)]
        if len(batch) > 1:
            LOG.info("drawn together: %s", ", ".join(turn.job.job_id for turn in batch))
        for turn in batch:
            turn.sent, turn.company = True, batch
        return batch

    def announce(self, child: EngineChild | None) -> None:
        """Tell `child` who waits behind those at work, each once. Does not wait for it."""
        if child is None or not self.at_work:
            return
        for turn in self._waiting:
            announcement = None if turn.announced else turn.announcement()
            turn.announced = True
            if announcement is not None:
                child.send_apart(announcement)

    def answer(
        self, message: Done | Failed | Stopped, frames: list[bytes], *, closed: bool
    ) -> None:
        """What the process says of one that is at work."""
        turn = self.working(message.job_id)
        if turn is None:
            return
        if isinstance(message, Failed) and message.in_company and turn.wanted and not closed:
            LOG.warning("job %s failed in company and goes again alone", message.job_id)
            if message.code is ErrorCode.OUT_OF_MEMORY:
                self._remember_size(turn)
            turn.go_again()
        else:
            turn.end(message, frames)

    def lose(self, how: str, *, closed: bool, stuck: bool) -> None:
        """The process ended under those at work. See `Turn.lose`."""
        at_work = self.at_work
        for turn in at_work:
            # Of several nobody knows whose fault it was: alone it shows.
            if len(at_work) > 1 and turn.wanted and not closed:
                turn.crash = crashed(how)
                turn.go_again()
            else:
                turn.lose(how, closed=closed, stuck=stuck)

    @property
    def _waiting(self) -> list[Turn]:
        """Oldest first; who is cancelled does not go."""
        return [turn for turn in self._turns if not turn.sent and not turn.cancelled]

    def _candidate(self, turn: Turn) -> Waiting:
        key = None
        if self.limit > 1 and self._spec is not None and not turn.alone:
            key = company_key(self._spec, turn.job)
        return Waiting(job_id=turn.job.job_id, rows=rows_of(turn.job), key=key)

    def _remember_size(self, turn: Turn) -> None:
        rows = sum(rows_of(it.job) for it in turn.company)
        if self._spec is None or rows <= 1:
            return
        key = company_key(self._spec, turn.job)
        if key is not None:
            self._limits[key] = min(self._limits.get(key, self.limit), rows - 1)
