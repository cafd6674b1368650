"""Whether a stored file is left over: no document refers to it, and none ever will.

Files lie under the fencing token of the attempt that made them, and an attempt writes its document
before its first file and after its last. So a document read *after* its files were listed tells
which attempt's files count: that of the token which holds it or which completed it. A smaller token
has lost for good. `GRACE_SECONDS` is not needed for that; it bounds what a fault of ours may cost.
"""

from collections.abc import Mapping
from typing import Any

from shared.lease import Lease
from shared.paths import ObjectName
from shared.status import Status

#: No file younger than this is removed by the sweep.
GRACE_SECONDS = 3600.0

#: What of a document is looked at.
STATE_FIELDS = ("status", "lease", "output")


def is_left_over(token: int, document: Mapping[str, Any] | None) -> bool:
    """Whether a file of `token` is of no use to anybody.

    `document`: STATE_FIELDS of its generation as they were after the file was listed, or None when
    there is no document any more.
    """
    if document is None:
        return True
    status, lease = document.get("status"), Lease.from_document(document.get("lease"))
    if status == Status.COMPLETED:
        # Without a token to go by (an import, say) everything is kept.
        return lease.token not in (0, token) and token not in _tokens_of(document.get("output"))
    if status == Status.PROCESSING:
        return lease.token not in (0, token)
    # What is no status of ours is nothing to go by either.
    return status in list(Status)


def _tokens_of(output: object) -> set[int]:
    files = output.get("files") if isinstance(output, Mapping) else None
    listed = files if isinstance(files, list) else []
    paths = [file.get("storage_path") for file in listed if isinstance(file, Mapping)]
    names = [ObjectName.parse(path) for path in paths if isinstance(path, str)]
    return {name.token for name in names if name is not None}
