"""Messages and frames between supervisor and engine, over a real socket pair."""

import socket
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from pydantic import ValidationError

from gpu_worker.engine.channel import Channel, ChannelClosed
from gpu_worker.engine.protocol import (
    FROM_ENGINE,
    TO_ENGINE,
    Alive,
    Cancel,
    Done,
    Failed,
    FilmFrames,
    FilmHead,
    LoadFailed,
    Message,
    PictureHead,
    Prepare,
    Progress,
    Ready,
    Run,
    Shutdown,
    Stopped,
)
from shared.errors import ErrorCode
from shared.parse import parse_request
from tests.unit.engine.jobs import make_job

Supervisor = Channel[Alive | Ready | LoadFailed | Progress | FilmFrames | Done | Failed | Stopped]
EngineEnd = Channel[Run | Prepare | Cancel | Shutdown]
#: A sender that is not held back is done in a few milliseconds.
UNREAD_SECONDS = 0.3


@pytest.fixture
def ends() -> Iterator[tuple[Supervisor, EngineEnd]]:
    ours, theirs = socket.socketpair()
    supervisor: Supervisor = Channel(ours.detach(), FROM_ENGINE)
    engine: EngineEnd = Channel(theirs.detach(), TO_ENGINE)
    yield supervisor, engine
    supervisor.close()
    engine.close()


@pytest.mark.parametrize(
    "request_object",
    [
        {"prompt": "a", "scheduler": "KLMS", "seed": 2**53 - 1, "guidance_scale": 0.1},
        {"image_url": "https://example.com/a.png", "strength": 0.5},
        {"prompt": "ünïcode 🙂", "image_url": "gs://b/a", "mask_url": "gs://b/m"},
        {"task_type": "text2video", "prompt": "a", "num_frames": 17},
    ],
)
def test_every_kind_of_request_arrives_as_it_was(
    ends: tuple[Supervisor, EngineEnd], request_object: dict[str, object]
) -> None:
    supervisor, engine = ends
    job = make_job()
    job = type(job)(job_id="j", request=parse_request(request_object), seed=5)
    supervisor.send(Run.of(job))
    received, frames = engine.receive()
    assert isinstance(received, Run)
    assert received.job(frames) == job
    assert frames == []


@pytest.mark.parametrize(
    "message",
    [
        Progress(job_id="j", stage="denoise", step=3, total_steps=25, fraction=0.1),
        FilmFrames(job_id="j", shape=(4, 480, 832, 3)),
        Done(
            job_id="j",
            pictures=(),
            film=FilmHead(frames=81, size=(832, 480), seed=5),
            model="m",
            native_size=(112, 64),
            native_frames=17,
            timings={"denoise": 0.5},
        ),
        Failed(job_id="j", code=ErrorCode.OUT_OF_MEMORY, message="…", in_company=True),
        LoadFailed(code=ErrorCode.INTERNAL, message="…"),
        Stopped(job_id="j"),
        Ready(
            models=("m",),
            device="cpu",
            device_name="d",
            load_seconds=1.5,
            precision="bf16",
            deterministic=True,
            batch_rows=4,
            step_seconds={1: 0.5, 2: 0.6},
            memory={"b": 1},
        ),
    ],
)
def test_every_answer_arrives_as_it_was(
    ends: tuple[Supervisor, EngineEnd], message: Message
) -> None:
    supervisor, engine = ends
    engine.send(message)
    assert supervisor.receive() == (message, [])


def test_pixels_follow_their_message_bit_by_bit(ends: tuple[Supervisor, EngineEnd]) -> None:
    supervisor, engine = ends
    pixels = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    mirrored = pixels[:, ::-1]  # not contiguous
    heads = (PictureHead(width=1024, height=1024, seed=1), PictureHead(width=1, height=1, seed=2))
    done = Done(job_id="j", pictures=heads, model="m", native_size=(1, 1), timings={"encode": 0.5})
    sending = threading.Thread(target=engine.send, args=(done, [pixels, mirrored]))
    sending.start()
    received, frames = supervisor.receive()
    sending.join()
    assert isinstance(received, Done)
    assert received.pictures == heads
    assert frames == [pixels.tobytes(), mirrored.tobytes()]


def test_a_closed_end_is_told_to_reader_and_writer(ends: tuple[Supervisor, EngineEnd]) -> None:
    supervisor, engine = ends
    engine.close()
    with pytest.raises(ChannelClosed):
        supervisor.receive()
    with pytest.raises(ChannelClosed):
        supervisor.send(Shutdown())
    with pytest.raises(ChannelClosed):
        engine.send(Stopped(job_id="j"))


def test_what_the_other_end_may_not_say_is_refused(ends: tuple[Supervisor, EngineEnd]) -> None:
    supervisor, engine = ends
    engine.send(Shutdown())
    with pytest.raises(ValidationError):
        supervisor.receive()


def test_a_film_s_frames_wait_until_the_other_end_reads(ends: tuple[Supervisor, EngineEnd]) -> None:
    """A few of them are more than the socket holds: that is what keeps the decoder back."""
    supervisor, engine = ends
    frames = np.random.default_rng(0).integers(0, 256, (4, 480, 832, 3), np.uint8)
    sending = threading.Thread(
        target=engine.send, args=(FilmFrames(job_id="j", shape=frames.shape), [frames])
    )
    sending.start()
    sending.join(UNREAD_SECONDS)
    assert sending.is_alive()
    message, raw = supervisor.receive()
    sending.join()
    assert isinstance(message, FilmFrames)
    assert np.array_equal(message.film_frames(raw), frames)
