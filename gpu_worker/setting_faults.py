"""What is wrong with settings, in a sentence each: variable, value and what is allowed."""

import sys

from pydantic import ValidationError
from pydantic_core import ErrorDetails


def tell_faults(error: ValidationError) -> None:
    """A line a fault, on stderr."""
    for fault in error.errors(include_url=False):
        print(_sentence(fault), file=sys.stderr)


def _sentence(fault: ErrorDetails) -> str:
    allowed = fault["msg"].removeprefix("Value error, ")
    if not fault["loc"]:
        return allowed  # about several variables, which it names itself
    name = str(fault["loc"][0])
    variable = name if name.isupper() else f"EMBERFRAME_{name.upper()}"
    # The input of what is missing would be all the other settings.
    wrong = "is not set" if fault["type"] == "missing" else f"is {fault['input']!r}"
    return f"{variable} {wrong}: {allowed}"
