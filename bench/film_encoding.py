"""`python -m bench.film_encoding`: what presets, CRFs and codecs of films cost, for the docs.

81 frames at 832×480 through the worker's own writer: processor seconds (wall seconds depend on who
else is at work), the file's size, and PSNR of the brightness after decoding (of colours, 4:2:0 has
thinned out most before any codec comes in).
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from bench.film_frames import flat, textured
from bench.report import write_section
from gpu_worker.media.film_codec import FilmCodec, FilmOptions, ffmpeg_program
from gpu_worker.media.film_stills import make_animation
from gpu_worker.media.film_writer import FilmWriter
from gpu_worker.ports import Frames

SIZE = (832, 480)
COUNT = 81
FPS = 15
#: Preset and CRF of H.264.
TRIED = [
    *(("veryfast", 18), ("fast", 18), ("medium", 18), ("slow", 18)),
    *(("medium", 14), ("medium", 23), ("medium", 28)),
]
#: Weights of red, green and blue in BT.709's brightness.
BRIGHTNESS = np.array([0.2126, 0.7152, 0.0722])
Source = Callable[[int, tuple[int, int]], Iterator[Frames]]


def main() -> None:
    default = FilmOptions()
    rows = []
    for preset, crf in TRIED:
        film = FilmOptions(crf=crf, preset=preset)
        ours = (film.pace, film.quality) == (default.pace, default.quality)
        name = f"{preset}, CRF {crf}"
        rows.append([f"**{name}**" if ours else name, *measured(film)])
    header = ["x264", *(f"{kind}: {it}" for kind in ("textured", "flat") for it in MEASURED)]
    write_section("film-presets", header, rows)
    rows = [[codec.value, *measured(FilmOptions(codec=codec))] for codec in FilmCodec]
    write_section("film-codecs", ["codec, its default", *header[1:]], rows)
    write_section("film-preview", ["animated preview", "seconds", "kB"], previews())


MEASURED = ("CPU s", "kB", "dB")


def measured(options: FilmOptions) -> list[str]:
    """Cells for both kinds of film."""
    cells = []
    for source in (textured, flat):
        with FilmWriter(fps=FPS, options=options) as writer:
            for frames in source(COUNT, SIZE):
                writer.add(frames)
            (encoder,) = psutil.Process().children()
            # What is left after the last frame is little; a process that has ended tells nothing.
            seconds = sum(encoder.cpu_times()[:2])
            data = writer.finish()
        cells += [f"{seconds:.1f}", f"{len(data) / 1000:.0f}", f"{psnr(data, source):.1f}"]
    return cells


def psnr(data: bytes, source: Source) -> float:
    """dB of the brightness of the decoded film against what went in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        path.write_bytes(data)
        shown = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        with subprocess.Popen(
            [ffmpeg_program(), "-loglevel", "error", "-i", path, *shown], stdout=subprocess.PIPE
        ) as decoder:
            assert decoder.stdout is not None
            errors = []
            for frames in source(COUNT, SIZE):
                seen = np.frombuffer(decoder.stdout.read(frames.nbytes), np.uint8)
                off = (seen.reshape(frames.shape).astype(float) - frames) @ BRIGHTNESS
                errors.append((off**2).mean())
    return float(10 * np.log10(255**2 / np.mean(errors)))


def previews() -> list[list[str]]:
    rows = []
    for source in (textured, flat):
        with FilmWriter(fps=FPS, options=FilmOptions(preview=True)) as writer:
            for frames in source(COUNT, SIZE):
                writer.add(frames)
        small: list[Image.Image] = writer.stills.small
        began = time.process_time()
        file = make_animation(small, frame_seconds=writer.stills.stride / FPS)
        spent = time.process_time() - began
        rows.append([source.__name__, f"{spent:.2f}", f"{len(file.data) / 1000:.0f}"])
    return rows


if __name__ == "__main__":
    main()
