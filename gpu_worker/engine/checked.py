"""Has what a job makes looked at before it leaves the engine: pictures whole, films by samples."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from gpu_worker.engine.seat import Fault, Outcome, Seat
from gpu_worker.ports import EngineResult, Frames, Pixels


class Check(Protocol):
    """Raises `GenerationError` (content_rejected) for `pixels` of a `what` that is not allowed."""

    def __call__(self, pixels: Pixels, what: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Checked:
    #: None lets everything pass.
    check: Check | None

    def pictures(self, result: EngineResult) -> EngineResult:
        """`result`, with the seconds that it took; one picture that is not allowed refuses all."""
        if self.check is None:
            return result
        began = time.monotonic()
        for picture in result.pictures:
            self.check(picture.pixels, "picture")
        return replace(result, timings={**result.timings, "check": time.monotonic() - began})

    def seat(self, seat: Seat) -> Seat:
        """`seat`, whose pictures are looked at before they are its answer."""

        def answer(outcome: Outcome) -> None:
            if isinstance(outcome, EngineResult):
                try:
                    outcome = self.pictures(outcome)
                except Exception as error:  # noqa: BLE001 - its job is told
                    outcome = Fault(error=error)
            seat.answer(outcome)

        return replace(seat, answer=answer)

    def frames(self, send: Callable[[Frames], None]) -> Callable[[Frames], None]:
        """`send`, for a film; of the few frames that come at once the first is looked at."""
        check = self.check
        if check is None:
            return send

        def send_checked(frames: Frames) -> None:
            check(frames[0], "film")
            send(frames)

        return send_checked
