"""RunPod's handler: asynchronous, so that the loop stays free for stops, pings and other jobs.

The lifecycle runs on threads, one a slot. A stop of RunPod's arrives as the cancellation of the
task that waits here; the generation then stops at its next step, while the slot stays taken.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

from gpu_worker.intake.runpod.answer import Answer
from gpu_worker.intake.runpod.office import Job, Office
from gpu_worker.intake.runpod.progress import ProgressPosts

#: Tells RunPod of a job's progress.
PostProgress = Callable[[Mapping[str, Any], Mapping[str, Any]], Awaitable[None]]


class Handler:
    def __init__(self, office: Office, *, slots: int, post_progress: PostProgress | None) -> None:
        """`post_progress` gets the job and its progress; None where nobody takes it."""
        self._office = office
        self._threads = ThreadPoolExecutor(slots, "job")
        self._post_progress = post_progress

    async def __call__(self, given: Mapping[str, Any]) -> Answer:
        """The answer; `CancelledError` where there is to be none, which RunPod's loop takes for a
        stopped job and posts nothing."""
        post = self._post_progress
        async with AsyncExitStack() as parts:
            tell: Callable[[Mapping[str, Any]], None] = lambda _: None  # noqa: E731
            if post is not None:
                posts = ProgressPosts(lambda progress: post(given, progress))
                tell = (await parts.enter_async_context(posts)).tell
            job = Job(given.get("id"), given.get("input"), tell)
            loop = asyncio.get_running_loop()
            try:
                answer = await loop.run_in_executor(self._threads, self._office.run, job)
            except asyncio.CancelledError:
                self._office.stop(job)
                raise
        if answer is None:
            raise asyncio.CancelledError
        return answer
