"""`python -m tests.fuzz.pictures --count 10000 --seed 1`: damaged pictures, the real decoder.

Each is read or refused with its sentence; any other exception, a crash of the process, more than
MAX_SECONDS of one picture or more memory than MAX_MEMORY_BYTES ends the run with 1 and the number
of the picture, which `--first` takes. `--figures` writes the outcome into docs/figures.md.
"""

import argparse
import multiprocessing
import resource
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from random import Random
from types import NoneType

from gpu_worker.media.input_picture import decode_image, decode_mask
from shared.errors import InvalidInput
from tests.fuzz.picture_mutations import mutated
from tests.fuzz.picture_seeds import picture_seeds

FIELD = "image_url"
#: What Pillow's documents and long use let one expect; others are the file's fault all the same.
EXPECTED = (OSError, ValueError, SyntaxError, EOFError, struct.error)
#: CPU seconds of one picture: 16 million pixels of the slowest format take a tenth of that here.
MAX_SECONDS = 20.0
#: Of addresses, libraries' own included: a picture of 16 million pixels is held a few times over.
MAX_MEMORY_BYTES = 4 * 2**30


class Broken(Exception):
    """The decoder did what it must not."""


@dataclass(kw_only=True, slots=True)
class Tally:
    read: int = 0
    refused: int = 0
    #: Of the refused ones: because a reader raised what is not EXPECTED.
    surprising: int = 0
    #: CPU seconds.
    slowest: float = 0.0

    @property
    def tried(self) -> int:
        return self.read + self.refused


def damaged_pictures(seed: int, first: int, count: int) -> Iterator[tuple[int, str, bytes]]:
    """Number, the name of what it was made of, and the file; each follows from seed and number."""
    seeds = picture_seeds()
    names, files = list(seeds), list(seeds.values())
    for number in range(first, first + count):
        random = Random(f"{seed}:{number}")
        name = names[number % len(names)]
        yield number, name, mutated(seeds[name], random, files)


def try_picture(data: bytes, tally: Tally) -> None:
    """Raises `Broken`."""
    began = time.process_time()
    try:
        shape = decode_image(data, FIELD).shape
        if shape[:2] == decode_mask(data, FIELD).shape:
            tally.read += 1
    except InvalidInput as refusal:
        if not refusal.message.startswith(f"{FIELD} is ") or "it must" not in refusal.message:
            raise Broken(f"it is refused with {refusal.message!r}") from None
        tally.refused += 1
        tally.surprising += not isinstance(refusal.__cause__, (*EXPECTED, NoneType))
    except Exception as error:
        raise Broken(f"{type(error).__name__}: {error}") from error
    else:
        if shape[2:] != (3,):
            raise Broken(f"it is read as something of the shape {shape}")
    seconds = time.process_time() - began
    tally.slowest = max(tally.slowest, seconds)
    if seconds > MAX_SECONDS:
        raise Broken(f"it took {seconds:.1f} s")


def _run(seed: int, first: int, count: int, at: "Synchronized[int]", answer: Connection) -> None:
    """In a process of its own, whose end by a signal is one of the outcomes."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    tally = Tally()
    try:
        for number, _, data in damaged_pictures(seed, first, count):
            at.value = number
            try_picture(data, tally)
    except Broken as fault:
        answer.send(str(fault))
    else:
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        answer.send((tally, peak_mib))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.pictures", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first picture")
    parser.add_argument("--figures", action="store_true", help="write docs/figures.md")
    options = parser.parse_args(arguments)
    context = multiprocessing.get_context("spawn")
    at: Synchronized[int] = context.Value("q", -1)
    ours, theirs = context.Pipe(duplex=False)
    began = time.monotonic()
    child = context.Process(
        target=_run, args=(options.seed, options.first, options.count, at, theirs)
    )
    child.start()
    theirs.close()
    try:
        outcome = ours.recv()
    except EOFError:
        child.join()
        outcome = f"the process ended with {child.exitcode}"
    child.join()
    if isinstance(outcome, str):
        print(f"picture {at.value} of seed {options.seed}: {outcome}", file=sys.stderr)
        return 1
    tally, peak_mib = outcome
    rows = [
        ["damaged pictures tried", f"{tally.tried}"],
        ["– refused with a sentence", f"{tally.refused}"],
        ["– – over an exception that none would expect", f"{tally.surprising}"],
        ["– read all the same", f"{tally.read}"],
        ["– anything else", "0"],
        ["slowest one, CPU", f"{tally.slowest * 1000:.0f} ms"],
        ["memory of the process, at most", f"{peak_mib} MiB"],
        ["all of it", f"{time.monotonic() - began:.0f} s"],
    ]
    for name, value in rows:
        print(f"{name:46} {value}")
    if options.figures:
        from bench.report import write_section  # noqa: PLC0415 - only where it is asked for

        write_section("damaged-pictures", [f"seed {options.seed}", ""], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
