"""Use case: a document was deleted; its files go too.

Removed is what lies under the tokens that the document ever had, and nothing else: tokens go on
growing over a deletion, so the files of a new document of the same id are never touched, however
late the event comes. What a worker still uploads is left to `trigger.collect`; so is everything if
the event is lost.
"""

from shared.errors import InvalidInput
from shared.paths import GenerationPath, ObjectName
from shared.ports import ObjectListing

#: A generation has at most some 30 files an attempt, so one page is nearly always all.
PAGE_OBJECTS = 500


def clean_up(path: str, last_token: int, *, files: ObjectListing) -> int:
    """How many files were removed. `last_token` is of the document as it was when it was deleted.

    Raises `Unavailable`; what was removed by then stays removed.
    """
    if last_token == 0:
        return 0  # nobody ever claimed it
    try:
        prefix = GenerationPath.parse(path).object_prefix
    except InvalidInput:
        return 0  # no file has such a name
    removed = 0
    page: str | None = None
    while True:
        listed = files.page(prefix, limit=PAGE_OBJECTS, page=page)
        for one in listed.objects:
            name = ObjectName.parse(one.name)
            if name is not None and name.token <= last_token:
                files.delete(one.name, generation=one.generation)
                removed += 1
        page = listed.next_page
        if page is None:
            return removed
