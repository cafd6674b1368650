"""What the demo offers at its end: the web app, for as long as the person likes."""

from collections.abc import Callable

from rich.console import Console

from tools.stack import Stack
from tools.stack.names import DEMO_STATE_DIR


def offer_app(stack: Stack, console: Console, wait: Callable[[str], object] = input) -> None:
    """`wait` prints its argument and returns when the person has pressed Enter.

    Waits for nobody where the stack stays up anyway, or without a terminal.
    """
    if stack.web is None:
        console.print("`make up` offers all of this as a page in your browser.", markup=False)
        return
    console.print(f"Make your own in a browser: http://{stack.web}/")
    if stack.state_dir != DEMO_STATE_DIR:
        return
    try:
        wait("Enter ends the demo. ")
    except EOFError:
        console.print()
