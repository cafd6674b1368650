"""Films for tests: frames made on the fly, written by the real encoder, read back by ffmpeg."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from gpu_worker.media.film_codec import FilmOptions, ffmpeg_program
from gpu_worker.media.film_writer import FilmWriter
from gpu_worker.ports import EngineResult, Film, Frames
from shared.request import Text2VideoRequest

#: As the engine hands them over.
FRAMES_AT_ONCE = 4
PATIENCE_SECONDS = 60


def moving(count: int, size: tuple[int, int] = (128, 96)) -> Iterator[Frames]:
    """A red square that moves right on blue, a chunk at a time."""
    width, height = size
    for first in range(0, count, FRAMES_AT_ONCE):
        numbers = range(first, min(first + FRAMES_AT_ONCE, count))
        frames = np.empty((len(numbers), height, width, 3), np.uint8)
        frames[:] = (42, 88, 218)
        for index, number in enumerate(numbers):
            left = number * (width // 2) // count
            frames[index, height // 4 : height // 2, left : left + height // 4] = (230, 40, 40)
        yield frames


def write_film(
    chunks: Iterator[Frames], *, fps: int = 15, options: FilmOptions | None = None
) -> tuple[bytes, FilmWriter]:
    """The encoder's file, and the writer with its stills."""
    with FilmWriter(fps=fps, options=options or FilmOptions()) as writer:
        for frames in chunks:
            writer.add(frames)
        return writer.finish(), writer


def made_by(request: Text2VideoRequest, *, frames: int, size: tuple[int, int]) -> EngineResult:
    """What an engine says that made a film of `request`."""
    film = Film(frames=frames, size=size, seed=request.seed or 0)
    return EngineResult(film=film, model="shapes-film", native_size=(112, 64), native_frames=17)


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What ffmpeg says of a file: it reads it with a code of its own, and decodes every frame."""

    #: The line about the pictures: codec, tag, pixel format and colours, size.
    stream: str
    tags: dict[str, str]
    #: Seconds at which each frame is shown.
    times: list[float]
    #: Seconds that each frame is shown.
    durations: list[float]


def told_by_ffmpeg(data: bytes, folder: Path) -> Told:
    path = folder / "told.mp4"
    path.write_bytes(data)
    done = subprocess.run(
        [ffmpeg_program(), "-hide_banner", "-i", path, "-f", "framecrc", "-"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    _, _, below = done.stdout.partition("#tb 0: ")
    ticks = [line.split(",") for line in below.splitlines() if line.startswith("0,")]
    number, _, base = below.splitlines()[0].partition("/")
    unit = int(number) / int(base)
    head = done.stderr.partition("Stream mapping")[0]
    return Told(
        stream=next(line for line in head.splitlines() if "Video:" in line).partition("Video: ")[2],
        tags=_tags(path),
        times=[int(it[2]) * unit for it in ticks],
        durations=[int(it[3]) * unit for it in ticks],
    )


def _tags(path: Path) -> dict[str, str]:
    """What ffmpeg would copy into another file; it escapes with backslashes."""
    done = subprocess.run(
        [ffmpeg_program(), "-loglevel", "error", "-i", path, "-f", "ffmetadata", "-"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    found = re.findall(
        r"^(title|comment)=((?:[^\\\n]|\\.)*)$", done.stdout, re.MULTILINE | re.DOTALL
    )
    return {name: re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL) for name, value in found}


def decoded(data: bytes, size: tuple[int, int], folder: Path) -> Frames:
    """The film's frames as a player shows them that honours the file's tags."""
    path = folder / "decoded.mp4"
    path.write_bytes(data)
    done = subprocess.run(
        [
            *(ffmpeg_program(), "-loglevel", "error", "-i", path),
            *("-f", "rawvideo", "-pix_fmt", "rgb24", "-"),
        ],
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, size[1], size[0], 3)


def encoders() -> list[psutil.Process]:
    """The ffmpeg processes of this one, which may have others, such as a stack's."""
    return [it for it in psutil.Process().children() if it.name().startswith("ffmpeg")]
