"""`python -m tools.demo`: a document becomes a picture or a film, watched live on the local stack.

Exit code 0, or 1 and one plain sentence with the paths of the logs. Uses the stack of `make up`
when that is running, else one of its own, which is gone afterwards.
"""

import argparse
import contextlib
import json
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from tools.demo.following import follow, log_files
from tools.demo.offering import offer_app
from tools.demo.phone import Phone, PhoneError
from tools.demo.picture import save_files
from tools.demo.show import ProgressBar, print_timings
from tools.stack import Stack, StackError, running_stack
from tools.stack.names import DEFAULT_STATE_DIR, DEMO_STATE_DIR


class DemoFailed(Exception):
    """Says in one sentence what went wrong."""


def main() -> int:
    arguments = _parse()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    console = Console(highlight=False, soft_wrap=True)
    where_to_look = ""
    try:
        request = _request(arguments)
        with _stack(console) as stack:
            where_to_look = f"\n{log_files(stack.log_files)}"
            _generate(stack, request, arguments, console)
            offer_app(stack, console)
    except (StackError, PhoneError, TimeoutError, httpx.HTTPError, DemoFailed) as failure:
        print(f"The demo failed: {failure}{where_to_look}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; nothing was left running.", file=sys.stderr)
        return 130
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument("--prompt", default="a red circle on a blue background")
    parser.add_argument("--task", default="text2img")
    parser.add_argument("--input", default="{}", help="more request parameters, as JSON")
    parser.add_argument("--out", type=Path, default=Path("demo-output"))
    parser.add_argument("--timings", type=Path, help="write the seconds to this file, as JSON")
    return parser.parse_args()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _stack(console: Console) -> Iterator[Stack]:
    up = Stack.read(DEFAULT_STATE_DIR)
    if up is not None and up.is_alive() and up.has_worker:
        console.print("Using the stack that `make up` started.")
        yield up
        return
    console.print("Starting the Firebase emulators and a worker …")
    started = time.monotonic()
    # Only a person can open it, and only while the demo waits for one.
    web = sys.stdin.isatty() and console.is_terminal
    with running_stack(DEMO_STATE_DIR, worker=True, web=web) as stack:
        console.print(f"Ready after {time.monotonic() - started:.1f} s.")
        yield stack


def _generate(
    stack: Stack, request: dict[str, Any], arguments: argparse.Namespace, console: Console
) -> None:
    generation_id = f"demo-{secrets.token_hex(4)}"
    moments: dict[str, float] = {"start": time.time()}
    with Phone(stack) as phone:
        uid = phone.sign_in()
        moments["signed_in"] = time.time()
        console.print(f"Signed in as {uid}; creating users/{uid}/generations/{generation_id}")
        console.print(f"  {json.dumps(request, ensure_ascii=False)}", markup=False)
        phone.create(generation_id, request)
        moments["created"] = phone.wait_for("creating")["at"] / 1000
        document: dict[str, Any] = {}
        with ProgressBar(console) as bar:
            for seen in follow(
                phone,
                generation_id,
                logs=stack.log_files,
                notice=lambda sentence: console.print(sentence, markup=False),
            ):
                document = seen["data"]
                moments.setdefault(document["status"], seen["at"] / 1000)
                bar.show(document)
    if document["status"] != "completed":
        error = document.get("error") or {"message": "it was cancelled"}
        raise DemoFailed(f"the generation {document['status']}: {error['message']}")
    saved = save_files(document["output"], arguments.out, generation_id)
    moments["saved"] = time.time()
    for path in saved:
        console.print(f"Saved [bold]{path}[/bold]")
    print_timings(console, moments, document["timings"])
    if arguments.timings:
        report = {
            "stack": stack.ready_after_seconds,
            "moments": moments,
            "worker": document["timings"],
        }
        arguments.timings.write_text(json.dumps(report))


def _request(arguments: argparse.Namespace) -> dict[str, Any]:
    try:
        more = json.loads(arguments.input)
    except ValueError as error:
        raise DemoFailed(f"INPUT is not JSON: {error}.") from None
    if not isinstance(more, dict):
        raise DemoFailed('INPUT must be a JSON object, {"seed": 42} for example.')
    return {"task_type": arguments.task, "prompt": arguments.prompt, **more}


if __name__ == "__main__":
    sys.exit(main())
