"""Takes a film's frames as the engine hands them over, and has its file at the end.

Frames go straight into an encoder that runs beside: while the next ones are decoded, these are
compressed. Only the frames in hand and a few stills are in memory. A fault is kept until the end,
since the thread that hands frames over must not meet it.
"""

import logging
import threading
from typing import Self

from gpu_worker.media.ffmpeg import EncoderFault, FfmpegEncoder
from gpu_worker.media.film_codec import FilmOptions
from gpu_worker.media.film_stills import FilmStills
from gpu_worker.ports import Frames, JobCancelled
from shared.errors import ErrorCode, GenerationError
from shared.json_log import trace_of

log = logging.getLogger(__name__)


class FilmWriter:
    """A context manager, used once; at its end neither process nor file is left."""

    def __init__(self, *, fps: int, options: FilmOptions) -> None:
        self._fps = fps
        self._options = options
        self._lock = threading.Lock()
        #: Held while frames are handed over: the encoder's pipe is not closed under them.
        self._writing = threading.Lock()
        self._encoder: FfmpegEncoder | None = None
        self._shape: tuple[int, ...] | None = None
        self._fault: Exception | None = None
        self._aborted = False
        self.stills = FilmStills(preview=options.preview)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()
        with self._writing:  # which ends soon, with the process
            if self._encoder is not None:
                self._encoder.close()

    def add(self, frames: Frames) -> None:
        """The next frames, in order; blocks until the encoder has taken them. Never raises.

        Frames that cannot be had any more are dropped; `finish` says why.
        """
        if self._fault is not None or self._aborted or not len(frames):
            return
        with self._writing:
            try:
                encoder = self._started(frames.shape[1:])
                if encoder is not None:
                    encoder.write(frames)
                    self.stills.add(frames)
            except Exception as error:  # noqa: BLE001 (raised by `finish`)
                self._fault = error

    def abort(self) -> None:
        """Let the encoder go, from any thread: `add` returns at once from now on."""
        with self._lock:
            self._aborted = True
            if self._encoder is not None:
                self._encoder.abort()

    def finish(self) -> bytes:
        """The film's mp4. Raises `GenerationError`, or `JobCancelled` after `abort`."""
        try:
            return self._finished()
        except Exception as error:
            if self._aborted:
                raise JobCancelled from error
            # The encoder's and the machine's words quote nothing: they know no prompt.
            why = error if isinstance(error, EncoderFault | OSError) else type(error).__name__
            fields = trace_of(error)
            log.error("the film could not be encoded: %s", why, extra={"fields": fields})  # noqa: TRY400
            raise GenerationError(
                ErrorCode.INTERNAL, "The film's file could not be made: its encoder failed."
            ) from error

    def _finished(self) -> bytes:
        if self._fault is not None:
            raise self._fault
        if self._encoder is None:
            raise EncoderFault("there was no frame")
        return self._encoder.finish()

    def _started(self, shape: tuple[int, ...]) -> FfmpegEncoder | None:
        """The encoder, started at the first frames; None when the film is given up."""
        with self._lock:
            if self._aborted:
                return None
            if self._encoder is None:
                height, width, _ = self._shape = shape
                self._encoder = FfmpegEncoder(
                    size=(width, height), fps=self._fps, options=self._options
                )
            if shape != self._shape:
                raise EncoderFault(f"a frame of {shape} follows one of {self._shape}")
            return self._encoder
