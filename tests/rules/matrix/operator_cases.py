"""The deny matrix of what workers and the line are like: operators look, only the server writes."""

from collections.abc import Iterator

from tests.rules.firestore_rest import REQUEST_TIME
from tests.rules.matrix.case import Role
from tests.rules.matrix.does import DocumentCase as Cell
from tests.rules.matrix.does import Does

QUEUE = "system/queue"
WORKER = "system/workers/live/{id}"


def operators() -> Iterator[Cell]:
    there = {"updated_at": REQUEST_TIME}
    for role in Role:
        looks, server = role in (Role.ADMIN, Role.SERVER), role is Role.SERVER
        for place in (QUEUE, WORKER):
            yield Cell(role, Does.GET, place, looks, place=place, before=there)
            for does in (Does.UPDATE, Does.REPLACE, Does.DELETE):
                yield Cell(role, does, place, server, place=place, before=there, given=there)
        yield Cell(role, Does.CREATE, WORKER, server, place=WORKER, given=there)
        yield Cell(role, Does.LIST, "workers", looks, place="system/workers/live")
        yield Cell(role, Does.QUERY_GROUP, "workers", server, place="live")
        yield Cell(role, Does.LIST, "system", server, place="system")
        yield Cell(role, Does.GET, "other parts", server, place="system/workers", before=there)
    for place in (
        "elsewhere/queue",
        "system/queue/more/{id}",
        "elsewhere/workers/live/{id}",
        "system/others/live/{id}",
        "system/workers/dead/{id}",
        "system/workers/live/{id}/more/one",
    ):
        yield Cell(Role.ADMIN, Does.GET, place, False, place=place, before=there)
    yield Cell(Role.ADMIN, Does.FIND, QUEUE, False, place=QUEUE, before=there)
    yield Cell(Role.ADMIN, Does.CREATE, QUEUE, False, place=QUEUE, given=there)
