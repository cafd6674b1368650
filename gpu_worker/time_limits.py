"""How long the engine may work on one generation: the operator's hard limit for each kind of task.

Counted on a monotonic clock from the moment when the engine begins, not while a job waits in line.
Past it the job is told to stop, and the generation fails as `timed_out`. It is not tried again: the
engine was moving all the time, so another try would take as long again. An engine that did not move
any more, and so does not stop, is a crash instead, whatever the limit: it is killed and replaced,
and the generation tried again. A limit may therefore be shorter than `engine_stall_timeout`.
"""

from dataclasses import dataclass

from shared.request import GenerationRequest, ImageRequest

#: Ten times what two pictures of 2048² in 150 steps take on a slow GPU of today.
IMAGE_SECONDS = 600.0
#: The longest film in 150 steps takes about that long on a consumer's GPU.
FILM_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimits:
    image_seconds: float = IMAGE_SECONDS
    film_seconds: float = FILM_SECONDS

    def of(self, request: GenerationRequest) -> float:
        return self.image_seconds if isinstance(request, ImageRequest) else self.film_seconds
