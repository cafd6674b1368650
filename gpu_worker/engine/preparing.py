"""Reads the texts of jobs that wait, in the steps of the one that is drawn.

In the drawing thread, once the UNet's kernels are queued on a GPU: a text encoder's many small ones
are started while those run, where at the job's own turn the GPU would wait for each. So its turn
begins with denoising. Bound: one text that is new in each evaluation of the UNet. What fails here
is left to the job's own turn.
"""

import logging
from collections.abc import Callable, Hashable
from typing import TypeAlias

from gpu_worker.engine.text_cache import Embedding, Remember, TextCache, Texts
from gpu_worker.engine.upcoming import Upcoming
from shared.request import GenerationRequest, ImageRequest

LOG = logging.getLogger(__name__)


class OneIsEnough(Exception):
    """A second text would have to be read."""


class OneText:
    """A text cache for which one text is read at the most."""

    def __init__(self, texts: TextCache) -> None:
        self._texts = texts
        #: The key of that text; None while all were known.
        self.read: Hashable = None

    def under(self, *state: Hashable) -> Remember:
        """As `TextCache.under`; what it returns raises `OneIsEnough`."""
        remember = self._texts.under(*state)

        def remember_or_stop(key: Hashable, make: Callable[[], Embedding]) -> Embedding:
            def make_one() -> Embedding:
                if self.read is not None:
                    raise OneIsEnough
                self.read = (state, key)
                return make()

            return remember(key, make_one)

        return remember_or_stop


#: Reads all texts of a request, each by way of the cache. False where it cannot be done just now.
ReadTexts: TypeAlias = Callable[[ImageRequest, Texts], bool]


class Preparing:
    """Used by the drawing thread only."""

    def __init__(self, upcoming: Upcoming, texts: TextCache, read_texts: ReadTexts) -> None:
        self._upcoming = upcoming
        self._texts = texts
        self._read_texts = read_texts
        #: The job at hand here, and what was read for it.
        self._job_id = ""
        self._read: set[Hashable] = set()

    def read_one(self) -> None:
        """Nearly free when nobody waits whose texts are not known."""
        first = self._upcoming.first()
        if first is None:
            return
        job_id, request = first
        if job_id != self._job_id:
            self._job_id, self._read = job_id, set()
        if not self._has_more(job_id, request):
            self._upcoming.remove(job_id)

    def _has_more(self, job_id: str, request: GenerationRequest) -> bool:
        if not isinstance(request, ImageRequest):
            return False
        texts = OneText(self._texts)
        try:
            return not self._read_texts(request, texts)
        except OneIsEnough:
            # The second time in vain: it is too large for the cache, or was pushed out already.
            if texts.read in self._read:
                return False
            self._read.add(texts.read)
            return True
        except Exception as error:  # noqa: BLE001 - it would cost the job at hand its picture
            LOG.warning("job %s is read on its turn: %s", job_id, type(error).__name__)
            error.__traceback__ = None  # its frames may hold what did not fit into memory
            return False
