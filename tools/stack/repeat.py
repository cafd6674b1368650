"""Calls a URL again and again: `python -m tools.stack.repeat URL SECONDS`.

Prints which calls failed. Run by `tools.stack.schedule` and imported by nobody.
"""

import sys
import time

import httpx

#: The sweep's own time limit (180 s), and the start of its process.
CALL_TIMEOUT_SECONDS = 210.0


def main() -> None:
    url, pause_seconds = sys.argv[1:]
    with httpx.Client(timeout=CALL_TIMEOUT_SECONDS, trust_env=False) as client:
        while True:
            time.sleep(float(pause_seconds))
            try:
                client.post(url).raise_for_status()
            except httpx.HTTPError as error:
                print(f"{url} failed: {error}", flush=True)


if __name__ == "__main__":
    main()
