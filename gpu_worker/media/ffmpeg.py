"""An ffmpeg process that takes raw RGB frames on its stdin and makes an mp4 of them.

What it cannot take at once makes `write` wait, so that no more than a pipe's buffer lies between
us; one that takes nothing for STALL_SECONDS is ended. Colours are converted to BT.709 in limited
range and said to be that. Neither prompts nor names are handed to it.
"""

import os
import select
import subprocess
import tempfile
from contextlib import ExitStack
from typing import IO

from gpu_worker.media.film_codec import CODECS, FilmOptions, ffmpeg_program
from gpu_worker.media.scratch_file import scratch_file
from gpu_worker.ports import Frames

#: A chunk of four big frames takes a slow machine about a second.
STALL_SECONDS = 60.0
#: From the last frame to the finished file: what x264 still holds back, and `+faststart`.
FINISH_SECONDS = 60.0
#: Key frames: a player jumps to them, and each costs about as much as ten others.
KEY_FRAME_SECONDS = 2
#: Of what ffmpeg said; it begins with the cause, and goes on with what follows from it.
QUOTED_BYTES = 300

#: RGB has no other matrix than its own; YUV without a tag is taken for BT.601 by some players and
#: for BT.709 by others. `setparams` writes the tags that `scale` leaves unknown.
COLOURS = (
    "scale=in_range=full:out_range=limited:out_color_matrix=bt709"
    ":flags=bicubic+accurate_rnd+full_chroma_inp,"
    "format=yuv420p,"
    "setparams=range=limited:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)


class EncoderFault(Exception):
    """ffmpeg did not make a film of the frames; the text is the operator's."""


class FfmpegEncoder:
    """One film. `write` and `finish` from one thread at a time; `abort` from any, at any time."""

    def __init__(self, *, size: tuple[int, int], fps: int, options: FilmOptions) -> None:
        """`size` is width, height in pixels, both even. Raises `OSError`, `NoEncoder`."""
        if size[0] % 2 or size[1] % 2:
            raise EncoderFault(f"a film's sides must be even, and these are {size}")
        with ExitStack() as resources:
            self._file = resources.enter_context(scratch_file())
            self._said: IO[bytes] = resources.enter_context(tempfile.TemporaryFile())
            self._process = subprocess.Popen(
                [ffmpeg_program(), *_arguments(size, fps, options), str(self._file.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                pass_fds=self._file.descriptors,
                # Ctrl-C is for us; we tell it.
                process_group=0,
                env={**os.environ, "SVT_LOG": "1"},  # errors only
            )
            self._resources = resources.pop_all()
        os.set_blocking(self._pipe.fileno(), False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def write(self, frames: Frames) -> None:
        """Hand over the next frames, of the size given; returns when ffmpeg has taken them.

        Raises `EncoderFault`.
        """
        left = frames.reshape(-1).data
        while left:
            _, ready, _ = select.select([], [self._pipe], [], STALL_SECONDS)
            if not ready:
                self.abort()
                raise EncoderFault(f"ffmpeg took nothing for {STALL_SECONDS:g} s")
            try:
                left = left[os.write(self._pipe.fileno(), left) :]
            except OSError:
                raise self._fault("ffmpeg ended early") from None

    def finish(self) -> bytes:
        """The film's file, after the last frame. Raises `EncoderFault`."""
        self._pipe.close()
        try:
            code = self._process.wait(FINISH_SECONDS)
        except subprocess.TimeoutExpired:
            self.abort()
            raise EncoderFault(f"ffmpeg did not end within {FINISH_SECONDS:g} s") from None
        if code != 0:
            raise self._fault(f"ffmpeg ended with {code}")
        return self._file.read()

    def abort(self) -> None:
        """End the process, if it still runs; the calls of another thread then raise."""
        self._process.kill()

    def close(self) -> None:
        """End what is left: process, pipe, file. Nobody else may be inside."""
        self.abort()
        self._pipe.close()
        self._process.wait()
        self._resources.close()

    @property
    def _pipe(self) -> IO[bytes]:
        if self._process.stdin is None:
            raise AssertionError("stdin is a pipe")
        return self._process.stdin

    def _fault(self, what: str) -> EncoderFault:
        self._said.seek(0)
        said = " ".join(self._said.read(QUOTED_BYTES).decode(errors="replace").split())
        return EncoderFault(f"{what}: {said}" if said else what)


def _arguments(size: tuple[int, int], fps: int, options: FilmOptions) -> list[str]:
    codec = CODECS[options.codec]
    return [
        *("-hide_banner", "-nostats", "-loglevel", "error"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", f"{size[0]}x{size[1]}"),
        *("-framerate", str(fps), "-i", "pipe:0"),
        *("-vf", COLOURS, "-fps_mode", "passthrough"),
        *("-c:v", codec.encoder, "-preset", options.pace),
        *("-crf", str(options.quality), *codec.options),
        *("-g", str(KEY_FRAME_SECONDS * fps)),
        # The index before the pictures, so that a player can begin before it has all of the file.
        *("-movflags", "+faststart"),
        # No version of ffmpeg in the file: what it says of itself is ours (`film_tags`).
        *("-fflags", "+bitexact", "-flags:v", "+bitexact"),
        *("-f", "mp4", "-y"),
    ]
