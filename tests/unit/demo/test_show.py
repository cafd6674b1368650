"""What the demo prints of a finished generation."""

import io

from rich.console import Console

from tools.demo.show import print_timings


def test_the_stages_stand_in_the_order_of_the_work() -> None:
    printed = io.StringIO()
    timings = {"decode": 0.3, "refine": 0.2, "upload": 0.5, "denoise": 0.1, "compress": 0.4}
    timings["encode_film"] = 0.6
    print_timings(Console(file=printed, width=100), {}, timings)
    lines = [line for line in printed.getvalue().splitlines() if "worker:" in line]
    assert [line.split("worker: ")[1].split()[0] for line in lines] == [
        "denoise",
        "refine",
        "decode",
        "encode_film",
        "compress",
        "upload",
    ]
