"""Posts the newest progress of one job: in order, at most once a second, and none after the end.

RunPod's own `progress_update` posts from a thread of its own each time; one that arrives after the
result puts a finished job back in progress (runpod-python, issue 250). Here the end waits for a
post under way, LAST_POST_SECONDS at most.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Self

log = logging.getLogger(__name__)

POST_INTERVAL_SECONDS = 1.0
LAST_POST_SECONDS = 3.0

Post = Callable[[Mapping[str, Any]], Awaitable[None]]


class ProgressPosts:
    """An asynchronous context manager; `tell` is its only other door."""

    def __init__(
        self,
        post: Post,
        *,
        interval_seconds: float = POST_INTERVAL_SECONDS,
        last_post_seconds: float = LAST_POST_SECONDS,
    ) -> None:
        self._post = post
        self._interval = interval_seconds
        self._last_post = last_post_seconds
        self._newest: Mapping[str, Any] | None = None
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def tell(self, progress: Mapping[str, Any]) -> None:
        """Take over new progress; from any thread, returns at once."""
        with suppress(RuntimeError):  # the loop is closed: the process is leaving under a job
            self._loop.call_soon_threadsafe(self._take, progress)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over = True
        if kind is None:
            try:
                await asyncio.wait_for(self._quiet.wait(), self._last_post)
            except TimeoutError:
                log.warning("a post of progress hangs; it is broken off")
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _take(self, progress: Mapping[str, Any]) -> None:
        if progress != self._newest:
            self._newest = progress
            self._news.set()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._over or self._newest is None:
                return
            self._quiet.clear()
            try:
                await self._post(self._newest)
            except Exception as error:  # noqa: BLE001 (progress is only a courtesy)
                log.info("progress could not be posted: %s", type(error).__name__)
            finally:
                self._quiet.set()
            await asyncio.sleep(self._interval)
