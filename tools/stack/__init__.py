"""All of Firebase on one machine: emulators, topics, a worker, and a summary of where they are.

    with running_stack(Path("build/some-stack"), worker=False) as stack:
        subprocess.run(command, env={**os.environ, **stack.env()})

`python -m tools.stack up | down | status` does the same from a shell.
"""

from tools.stack.failure import StackError
from tools.stack.lifecycle import bring_up, running_stack, take_down
from tools.stack.summary import Stack

__all__ = ["Stack", "StackError", "bring_up", "running_stack", "take_down"]
