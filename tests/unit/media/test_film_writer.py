"""The encoder's process: what becomes of it, its file and a film's frames when things go wrong."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from gpu_worker.media import ffmpeg
from gpu_worker.media.ffmpeg import EncoderFault, FfmpegEncoder
from gpu_worker.media.film_codec import CODECS, FilmCodec, FilmOptions, NoEncoder, check_encoder
from gpu_worker.media.film_probe import probe_film
from gpu_worker.media.film_writer import FilmWriter
from gpu_worker.media.scratch_file import scratch_file
from gpu_worker.ports import JobCancelled
from shared.errors import ErrorCode, GenerationError
from tests.unit.media.films import PATIENCE_SECONDS, encoders, moving, write_film

SIZE = (128, 96)
#: More than a pipe and an encoder hold together.
MUCH = np.zeros((4, 1024, 1024, 3), np.uint8)


def encoder(size: tuple[int, int] = SIZE) -> FfmpegEncoder:
    return FfmpegEncoder(size=size, fps=15, options=FilmOptions())


def test_a_film_is_finished_and_its_process_gone() -> None:
    made = encoder()
    process = psutil.Process(made.pid)
    for frames in moving(17):
        made.write(frames)
    assert probe_film(made.finish()).frames == 17
    made.close()
    assert not process.is_running()


def test_frames_that_do_not_lie_in_one_piece_are_written_all_the_same() -> None:
    whole = np.concatenate(list(moving(17)))
    padded = np.zeros((17, SIZE[1], SIZE[0] + 8, 3), np.uint8)
    padded[:, :, : SIZE[0]] = whole
    plain, _ = write_film(iter([whole]))
    sliced, _ = write_film(iter([padded[:, :, : SIZE[0]]]))
    assert plain == sliced


def test_odd_sides_are_refused() -> None:
    with pytest.raises(EncoderFault, match="must be even"):
        encoder((128, 97))


def test_an_encoder_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "STALL_SECONDS", 0.05)
    made = encoder((1024, 1024))
    os.kill(made.pid, signal.SIGSTOP)
    with pytest.raises(EncoderFault, match=r"took nothing for 0\.05 s"):
        made.write(MUCH)
    made.close()
    assert not psutil.pid_exists(made.pid)


def test_an_encoder_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "FINISH_SECONDS", 0.05)
    made = encoder()
    os.kill(made.pid, signal.SIGSTOP)
    with pytest.raises(EncoderFault, match=r"did not end within 0\.05 s"):
        made.finish()
    made.close()
    assert not psutil.pid_exists(made.pid)


def test_what_the_encoder_said_is_in_the_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (*CODECS[FilmCodec.H264].options, "-profile:v", "no such profile")
    spec = replace(CODECS[FilmCodec.H264], options=broken)
    monkeypatch.setitem(CODECS, FilmCodec.H264, spec)
    made = encoder()
    try:
        with pytest.raises(EncoderFault, match="no such profile"):  # noqa: PT012
            for frames in moving(81):
                made.write(frames)
            made.finish()
    finally:
        made.close()


def test_a_fault_is_told_at_the_end_and_frames_are_dropped_until_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with FilmWriter(fps=15, options=FilmOptions()) as writer:
        chunks = moving(81)
        writer.add(next(chunks))
        (process,) = encoders()
        process.kill()
        process.wait(PATIENCE_SECONDS)
        for frames in chunks:
            writer.add(frames)
        with pytest.raises(GenerationError) as refused:
            writer.finish()
    assert refused.value.code is ErrorCode.INTERNAL
    assert "ffmpeg ended early" in caplog.text


def test_frames_of_another_size_are_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    with FilmWriter(fps=15, options=FilmOptions()) as writer:
        writer.add(next(moving(17, (128, 96))))
        writer.add(next(moving(17, (96, 128))))
        with pytest.raises(GenerationError):
            writer.finish()
    assert "a frame of (128, 96, 3) follows one of (96, 128, 3)" in caplog.text


def test_a_film_given_up_before_its_first_frame_starts_nothing() -> None:
    with FilmWriter(fps=15, options=FilmOptions()) as writer:
        writer.abort()
        writer.abort()
        writer.add(next(moving(17)))
        assert encoders() == []
        with pytest.raises(JobCancelled):
            writer.finish()


def test_a_writer_is_left_while_another_thread_is_still_handing_frames_over() -> None:
    """As when an engine is closed whose listening thread hangs here."""
    with ThreadPoolExecutor(1) as thread:
        with FilmWriter(fps=15, options=FilmOptions()) as writer:
            writer.add(MUCH[:1])
            (process,) = encoders()
            process.suspend()
            handing_over = thread.submit(writer.add, MUCH)
        handing_over.result(PATIENCE_SECONDS)
    assert not process.is_running()
    writer.add(MUCH)
    assert encoders() == []


def test_a_machine_out_of_processes_is_a_fault_like_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with FilmWriter(fps=15, options=FilmOptions()) as writer:
        writer.add(next(moving(17)))
        with pytest.raises(GenerationError):
            writer.finish()
    assert "Resource temporarily unavailable" in caplog.text


KILLED = """
import sys, time
from gpu_worker.media.film_codec import FilmOptions
from gpu_worker.media.film_writer import FilmWriter
from tests.unit.media.films import moving
writer = FilmWriter(fps=15, options=FilmOptions())
writer.add(next(moving(17, (832, 480))))
print(writer._encoder.pid, flush=True)
sys.stdin.read()
"""


def test_a_worker_killed_with_its_film_leaves_neither_process_nor_file(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as worker:
        assert worker.stdout is not None
        left = psutil.Process(int(worker.stdout.readline()))
        worker.kill()
    psutil.wait_procs([left], timeout=PATIENCE_SECONDS)
    assert not left.is_running()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_scratch_file_is_written_by_another_program_and_gone_afterwards(
    in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_file(in_memory=in_memory) as scratch:
        subprocess.run(
            ["sh", "-c", f"echo one > {scratch.path}; echo two >> {scratch.path}"],
            pass_fds=scratch.descriptors,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
        assert scratch.read() == b"one\ntwo\n"
        assert bool(list(tmp_path.iterdir())) is not in_memory
    assert list(tmp_path.iterdir()) == []


def test_a_film_is_the_same_where_there_are_only_files_with_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected, _ = write_film(moving(17))
    monkeypatch.setattr(ffmpeg, "scratch_file", lambda: scratch_file(in_memory=False))
    named, _ = write_film(moving(17))
    assert named == expected


@pytest.mark.parametrize("codec", FilmCodec)
def test_the_ffmpeg_of_the_wheel_has_every_codec(codec: FilmCodec) -> None:
    check_encoder(codec)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo \"Codec 'libx265' is not recognized by FFmpeg.\" >&2", "has no libx265"),
        (None, "cannot be run: "),
    ],
)
def test_an_ffmpeg_without_the_encoder_is_said_to_be_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, sentence: str
) -> None:
    program = tmp_path / "ffmpeg"
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    with pytest.raises(NoEncoder, match=sentence):
        check_encoder(FilmCodec.H265)
