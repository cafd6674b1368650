"""Entry of the engine process. Started by its supervisor only, with one end of a socket."""

import argparse
import faulthandler
import logging
import os
import signal
import sys
import time

from gpu_worker.engine.checking_spec import CheckChoice
from gpu_worker.engine.choice import ModelChoice
from gpu_worker.engine.link import SupervisorLink, leave
from gpu_worker.engine.precision import Precision
from gpu_worker.engine.serving import serve
from shared.json_log import log_json, log_lines


def main(arguments: list[str]) -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m gpu_worker.engine", description=__doc__)
    parser.add_argument("--channel", type=int, required=True, help="file descriptor of the socket")
    ModelChoice.add_arguments(parser)
    CheckChoice.add_arguments(parser)
    parser.add_argument("--json-log", action="store_true", help="log as JSON, not for a terminal")
    parser.add_argument("--precision", type=Precision, default=Precision.AUTO, choices=Precision)
    parser.add_argument("--deterministic", action="store_true", help="same request, same bytes")
    options = parser.parse_args(arguments)
    # Ctrl-C and a group's SIGTERM reach this process too; what to do about them is up to the
    # supervisor, whose end this process notices.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    faulthandler.enable()
    if options.json_log:
        log_json()
    else:
        log_lines(logging.Formatter("%(asctime)s %(levelname)s engine %(process)d: %(message)s"))
    # A program that the libraries start must not keep the socket open.
    os.set_inheritable(options.channel, False)
    return serve(
        SupervisorLink(options.channel),
        ModelChoice.of(options),
        CheckChoice.of(options),
        started,
        precision=options.precision,
        deterministic=options.deterministic,
    )


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    leave(code)
