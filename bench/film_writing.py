"""`python -m bench.film_writing`: B4, 81 frames of 832 × 480 to an mp4, wall seconds.

Through the worker's own writer, as the engine hands frames over, at its defaults (B4a) and at the
preset and CRF that come to the peer's PSNR (B4b). The floor is ffmpeg alone with the same preset
and CRF, reading a file of raw frames; the peer is what diffusers' `export_to_video` does. In turn.
Bound: a minute and a half.
"""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
from PIL import Image

from bench.film_encoding import COUNT, FPS, SIZE, psnr
from bench.film_frames import textured
from bench.outcome import Outcome
from bench.reporting import main
from gpu_worker.media.film_codec import FilmOptions, ffmpeg_program
from gpu_worker.media.film_writer import FilmWriter

DEFAULTS = FilmOptions()
#: No worse than the peer by PSNR, which is looked at in each run.
EQUAL = FilmOptions(preset="veryfast", crf=23)
ROUNDS = 4
OF_FLOOR, FASTER_THAN_PEER = 1.05, 1.7


def measure() -> Sequence[Outcome]:
    chunks = list(textured(COUNT, SIZE))
    images = [Image.fromarray(frame) for frames in chunks for frame in frames]
    with tempfile.TemporaryDirectory() as folder:
        raw, theirs = Path(folder) / "frames.rgb", Path(folder) / "theirs.mp4"
        raw.write_bytes(b"".join(frames.tobytes() for frames in chunks))

        def ours(options: FilmOptions) -> bytes:
            with FilmWriter(fps=FPS, options=options) as writer:
                for frames in chunks:
                    writer.add(frames)
                return writer.finish()

        ways: dict[str, Callable[[], Any]] = {
            "defaults": lambda: ours(DEFAULTS),
            "defaults, floor": lambda: _bare(raw, Path(folder) / "a.mp4", DEFAULTS),
            "equal": lambda: ours(EQUAL),
            "equal, floor": lambda: _bare(raw, Path(folder) / "b.mp4", EQUAL),
            "peer": lambda: _exported(images, theirs),
        }
        quality = psnr(ours(EQUAL), textured)  # ffmpeg is in the page cache after it
        samples: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, work in ways.items():
                began = time.monotonic()
                work()
                samples[name].append(time.monotonic() - began)
        peers = psnr(theirs.read_bytes(), textured)
    middle = {name: statistics.median(values) for name, values in samples.items()}
    faster = middle["peer"] / middle["equal"]
    return [
        Outcome(
            name="B4a",
            timed=f"{COUNT} frames 832×480 → mp4, {DEFAULTS.pace}, CRF {DEFAULTS.quality}",
            value=middle["defaults"],
            floor=middle["defaults, floor"],
            peer=middle["peer"],
            unit="s",
            goal=f"≤ {OF_FLOOR:g} × floor",
            met=middle["defaults"] <= OF_FLOOR * middle["defaults, floor"],
            samples={
                "ours": samples["defaults"],
                "floor": samples["defaults, floor"],
                "peer": samples["peer"],
            },
        ),
        Outcome(
            name="B4b",
            timed=f"the same at the peer's PSNR: {EQUAL.pace}, CRF {EQUAL.quality}",
            value=middle["equal"],
            floor=middle["equal, floor"],
            peer=middle["peer"],
            unit="s",
            goal=f"≤ {OF_FLOOR:g} × floor, ≥ {FASTER_THAN_PEER:g} × faster than peer",
            met=middle["equal"] <= OF_FLOOR * middle["equal, floor"]
            and faster >= FASTER_THAN_PEER
            and quality >= peers,
            samples={
                "ours": samples["equal"],
                "floor": samples["equal, floor"],
                "peer": samples["peer"],
            },
            more={"faster": faster, "psnr": quality, "peer_psnr": peers},
        ),
    ]


def _exported(images: Sequence[Image.Image], film: Path) -> None:
    """diffusers 0.42's `export_to_video` without imageio, which hands on to this writer with these
    arguments, and which nothing else here needs."""
    writer = imageio_ffmpeg.write_frames(
        str(film), SIZE, fps=FPS, quality=5.0, bitrate=None, macro_block_size=16
    )
    writer.send(None)
    for image in images:
        writer.send(np.ascontiguousarray(np.array(image)))
    writer.close()


def _bare(raw: Path, film: Path, options: FilmOptions) -> None:
    """ffmpeg as one calls it by hand."""
    subprocess.run(
        [
            *(ffmpeg_program(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"),
            *("-video_size", f"{SIZE[0]}x{SIZE[1]}", "-framerate", str(FPS), "-i", str(raw)),
            *("-c:v", "libx264", "-preset", options.pace, "-crf", str(options.quality)),
            *("-pix_fmt", "yuv420p", "-movflags", "+faststart", "-y", str(film)),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main(measure)
