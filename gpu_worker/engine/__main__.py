"""Entry of the engine process. Started by its supervisor only, with one end of a socket."""

import argparse
import faulthandler
import logging
import os
import signal
import sys
import time

from gpu_worker.engine.link import SupervisorLink, leave
from gpu_worker.engine.options import EngineOptions
from gpu_worker.engine.serving import serve
from shared.json_log import log_json, log_lines


def main(arguments: list[str]) -> int:
    started = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m gpu_worker.engine", description=__doc__)
    parser.add_argument("--channel", type=int, required=True, help="file descriptor of the socket")
    EngineOptions.add_arguments(parser)
    parsed = parser.parse_args(arguments)
    options = EngineOptions.of(parsed)
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
    os.set_inheritable(parsed.channel, False)
    return serve(SupervisorLink(parsed.channel), options, started)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    leave(code)
