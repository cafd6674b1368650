"""The document of a generation that came as a RunPod job: accepted by the server, and nobody's yet.

It has no charge, since who may send jobs is the operator's own program: quotas are for clients that
create documents.
"""

from collections.abc import Mapping
from typing import Any

from shared.document import Generation
from shared.kinds import Kind
from shared.lease import FREE
from shared.paths import GenerationPath
from shared.ports import SERVER_TIME, Changes
from shared.status import Status


def fresh_document(path: GenerationPath, given: Mapping[str, Any], kind: Kind) -> Changes:
    """`given`, of that `kind`, is its input. Raises `InvalidInput` when it would leave a document
    of Firestore's no room."""
    generation = Generation(
        path=path,
        status=Status.PENDING,
        input=given,
        cancel_requested=False,
        attempt=0,
        lease=FREE,
        error=None,
    )
    generation.check_input()
    return {"input": dict(given), "created_at": SERVER_TIME, **generation.to_queued(kind)}
