"""Which faults of Google's services pass by themselves, and how long they are waited for.

Bounds: ATTEMPT_TIMEOUT_SECONDS for one call, RETRY_SECONDS for all attempts of it. Both stay far
below the function's own time limit, so that the reason is logged rather than cut off.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.api_core.timeout import ConstantTimeout

from shared.ports import Unavailable

#: A warm call takes 5–30 ms, the first one of an instance up to a second.
ATTEMPT_TIMEOUT_SECONDS = 5.0
#: Two timed-out attempts and a quick third.
RETRY_SECONDS = 12.0

TRANSIENT = (
    exceptions.ServiceUnavailable,
    exceptions.DeadlineExceeded,
    # Firestore: another write holds the document for a moment.
    exceptions.Aborted,
    # Quota for this second is used up.
    exceptions.ResourceExhausted,
    exceptions.InternalServerError,
)
#: What a call raises once its retries are over.
GAVE_UP = (exceptions.RetryError, *TRANSIENT)

RETRY = Retry(
    predicate=if_exception_type(*TRANSIENT),
    initial=0.1,
    maximum=1.0,
    multiplier=2.0,
    timeout=RETRY_SECONDS,
)
#: For every attempt anew; a bare number would be shared by all attempts of a call.
ATTEMPT_TIMEOUT = ConstantTimeout(ATTEMPT_TIMEOUT_SECONDS)


@contextmanager
def answered(what: str) -> Iterator[None]:
    """Around a read of Firestore for `what`: `Unavailable` once its retries are over."""
    try:
        yield
    except GAVE_UP as error:
        raise Unavailable(f"Firestore did not answer for {what}") from error
