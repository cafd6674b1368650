"""What a full-sized film takes, measured in a process of its own; docs/figures.md has the bound."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.unit.media.films import PATIENCE_SECONDS

FIGURES = Path(__file__).parents[3] / "docs" / "figures.md"
MIB = 1024**2

#: Prints the peak memory of encoder and writer over 81 frames, of the writer what was added.
FILMING = """
import json, sys
from pathlib import Path
from bench.film_frames import textured
from gpu_worker.media.film_codec import FilmOptions
from gpu_worker.media.film_writer import FilmWriter

def memory(pid, kind):
    line = next(it for it in Path(f"/proc/{pid}/status").read_text().splitlines() if kind in it)
    return int(line.split()[1]) * 1024

with FilmWriter(fps=15, options=FilmOptions(preview=True)) as writer:
    chunks = textured(81, (832, 480))
    writer.add(next(chunks))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here on
    before = memory("self", "VmRSS")
    for frames in chunks:
        writer.add(frames)
    encoder = memory(writer._encoder.pid, "VmHWM")
    film = writer.finish()
added = memory("self", "VmHWM") - before
print(json.dumps({"encoder": encoder, "writer": added, "film": len(film)}))
"""


def test_81_frames_at_832x480_stay_within_the_memory_that_the_docs_state() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILMING],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    peaks = json.loads(done.stdout)
    stated = re.search(r"at most (\d+) MiB in the encoder and (\d+) MiB in", FIGURES.read_text())
    assert stated is not None
    assert peaks["encoder"] < int(stated[1]) * MIB, peaks
    assert peaks["writer"] < int(stated[2]) * MIB, peaks
    assert peaks["film"] > 100_000, "a film that is hard to compress, so that the bound means much"
