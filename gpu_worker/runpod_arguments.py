"""The options of RunPod's library that `runpod` takes: checked here, and then read there.

Not all of them: its debugger breaks the answers of failed jobs, and its local server cannot run in
several processes.
"""

import argparse
import json

#: The library logs prompts and URLs below.
LOG_LEVELS = ("INFO", "WARN", "ERROR")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--test_input", type=_job, help='one job, {"input": {…}}: print what comes of it, and end'
    )
    parser.add_argument(
        "--rp_serve_api", action="store_true", help="serve /run and /runsync here, to try it"
    )
    parser.add_argument("--rp_api_port", type=int, help="where (default: 8000)")
    parser.add_argument("--rp_api_host", help="on which address (default: localhost)")
    parser.add_argument("--rp_log_level", choices=LOG_LEVELS, help="of RunPod's library")


def _job(text: str) -> object:
    try:
        job = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"it is not JSON: {error}") from None
    if not isinstance(job, dict) or job.get("input") is None:
        raise argparse.ArgumentTypeError('it must be an object of the form {"input": {…}}')
    return job
