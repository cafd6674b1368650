"""Whether a stored file is left over: no document refers to it, and none ever will.

Files lie under the fencing token of the attempt that made them, and an attempt writes its document
before its first file and after its last. So a document read *after* its files were listed tells
which attempt's files count: that of the token which holds it or which completed it. A smaller token
has lost for good. `GRACE_SECONDS` is not needed for that; it bounds what a fault of ours may cost.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from shared.lease import Lease
from shared.paths import ObjectName
from shared.ports import ListedObject
from shared.status import Status

#: No file younger than this is removed by the sweep.
GRACE_SECONDS = 3600.0

#: What of a document is looked at.
STATE_FIELDS = ("status", "lease", "output")


def is_left_over(
    listed: ListedObject,
    name: ObjectName,
    document: Mapping[str, Any] | None,
    *,
    now: datetime,
    grace_seconds: float = GRACE_SECONDS,
) -> bool:
    """`document`: STATE_FIELDS of the generation that `name` belongs to; None when it is gone."""
    if now - listed.created_at < timedelta(seconds=grace_seconds):
        return False
    return document is None or not _may_refer(document, name.token)


def _may_refer(document: Mapping[str, Any], token: int) -> bool:
    """Whether the document refers to files of `token`, or its worker still may make it do so."""
    status, lease = document.get("status"), Lease.from_document(document.get("lease"))
    if status == Status.COMPLETED:
        # Without a token to go by (an import, say) everything is kept.
        return lease.token in (0, token) or token in _tokens_of(document.get("output"))
    if status == Status.PROCESSING:
        return lease.token in (0, token)
    return status not in list(Status)


def _tokens_of(output: object) -> set[int]:
    files = output.get("files") if isinstance(output, Mapping) else None
    listed = files if isinstance(files, list) else []
    paths = [file.get("storage_path") for file in listed if isinstance(file, Mapping)]
    names = [ObjectName.parse(path) for path in paths if isinstance(path, str)]
    return {name.token for name in names if name is not None}
