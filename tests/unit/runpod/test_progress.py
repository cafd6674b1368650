"""Progress posts: the newest, in order, rarely, and never after the end."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from gpu_worker.intake.runpod.progress import ProgressPosts

TIMEOUT_SECONDS = 10.0
#: Of the loop: more than anything here needs that nothing holds up.
TURNS = 20


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await main()

    asyncio.run(bounded())


async def all_else_has_its_turn() -> None:
    """What is still to come after this waits for something."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


class Posts:
    """Where progress is posted to; `gate` holds a post up."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.done: list[Mapping[str, Any]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault: Exception | None = None

    async def __call__(self, progress: Mapping[str, Any]) -> None:
        self.begun.put_nowait(progress)
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.done.append(progress)


def test_what_is_told_in_between_is_passed_over_for_the_newest() -> None:
    async def main() -> None:
        posts = Posts()
        posts.gate.clear()
        async with ProgressPosts(posts, interval_seconds=0) as progress:
            await asyncio.to_thread(progress.tell, {"step": 1})
            await posts.begun.get()
            for step in (2, 3, 4):
                await asyncio.to_thread(progress.tell, {"step": step})
            posts.gate.set()
            await posts.begun.get()
        assert posts.done == [{"step": 1}, {"step": 4}]

    run(main)


def test_the_end_waits_for_a_post_under_way_and_lets_none_follow() -> None:
    async def main() -> None:
        posts = Posts()
        posts.gate.clear()
        ended = asyncio.Event()

        async def job() -> None:
            async with ProgressPosts(posts, interval_seconds=0) as progress:
                progress.tell({"step": 1})
                await posts.begun.get()
                progress.tell({"step": 2})
            ended.set()

        running = asyncio.create_task(job())
        await all_else_has_its_turn()
        assert not ended.is_set()
        posts.gate.set()
        await running
        assert posts.done == [{"step": 1}]

    run(main)


def test_a_post_that_hangs_is_broken_off() -> None:
    async def main() -> None:
        posts = Posts()
        posts.gate.clear()
        async with ProgressPosts(posts, last_post_seconds=0.01) as progress:
            progress.tell({"step": 1})
            await posts.begun.get()
        posts.gate.set()
        await all_else_has_its_turn()
        assert posts.done == []

    run(main)


def test_a_second_post_waits_for_its_time() -> None:
    async def main() -> None:
        posts = Posts()
        async with ProgressPosts(posts, interval_seconds=3600) as progress:
            progress.tell({"step": 1})
            await posts.begun.get()
            progress.tell({"step": 2})
            await all_else_has_its_turn()
        assert posts.done == [{"step": 1}]

    run(main)


def test_a_post_that_fails_is_followed_by_the_next() -> None:
    async def main() -> None:
        posts = Posts()
        posts.fault = OSError("no route")
        async with ProgressPosts(posts, interval_seconds=0) as progress:
            progress.tell({"step": 1})
            await posts.begun.get()
            posts.fault = None
            progress.tell({"step": 2})
            await posts.begun.get()
        assert {"step": 2} in posts.done

    run(main)


def test_progress_that_comes_after_the_loop_has_ended_is_dropped() -> None:
    told: list[ProgressPosts] = []

    async def main() -> None:
        async with ProgressPosts(Posts()) as progress:
            told.append(progress)

    run(main)
    told[0].tell({"step": 1})
