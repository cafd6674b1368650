"""What a device is told of a generation that has ended: pure, and without a word of its prompt.

The text fits on a lock screen that others see, so why something failed is not in it. Its thumbnail
is, where the operator wants that.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.kinds import Kind
from shared.notice import NEWS_SECONDS, Notice, is_news
from shared.notifying import Notification, Text
from shared.paths import GenerationPath
from shared.status import Status
from trigger.notification_settings import Wording

#: Of the generation, what `news_of` looks at.
FIELDS = ("status", "kind", "output")
#: Longer addresses are left out: a message has 4096 bytes for everything, and this thrice.
MAX_IMAGE_URL = 800

#: By status and kind; without a kind it was refused before anybody knew which.
PLAIN: Mapping[tuple[Status, Kind | None], tuple[str, str]] = {
    (Status.COMPLETED, Kind.IMAGE): ("Your picture is ready", "Tap to see it."),
    (Status.COMPLETED, Kind.VIDEO): ("Your film is ready", "Tap to watch it."),
    (Status.FAILED, Kind.IMAGE): ("Your picture could not be made", "Tap to see why."),
    (Status.FAILED, Kind.VIDEO): ("Your film could not be made", "Tap to see why."),
    (Status.FAILED, None): ("Your request was not taken", "Tap to see why."),
}


def news_of(
    path: GenerationPath,
    generation: Mapping[str, Any],
    notice: Notice,
    *,
    seconds: int,
    wording: Wording,
) -> Notification | None:
    """None when `generation`, FIELDS of the document at `path` or {}, is no end that is told.
    `seconds` ≥ 1 are those for which it still is news."""
    if not is_news(generation.get("status")):
        return None
    status, kind = Status(generation["status"]), _kind(generation)
    # A completed one has its kind; one that an admin took it from is a picture.
    kind = kind if (status, kind) in PLAIN else Kind.IMAGE
    title, body = PLAIN[status, kind]
    name = f"emberframe_{kind.value if kind else 'request'}_{status.value}"
    data = {"generation": path.generation_id, "status": status.value}
    return Notification(
        tag=path.generation_id,
        title=Text(plain=title, key=f"{name}_title"),
        body=Text(plain=body, key=f"{name}_body"),
        data={**data, **({"kind": kind.value} if kind else {})},
        image_url=_thumbnail(generation) if wording.images else None,
        by_key=wording.by_key,
        seconds=seconds,
        expires_at=notice.at + timedelta(seconds=NEWS_SECONDS),
    )


def _kind(generation: Mapping[str, Any]) -> Kind | None:
    kind = generation.get("kind")
    return Kind(kind) if kind in list(Kind) else None


def _thumbnail(generation: Mapping[str, Any]) -> str | None:
    """Of the first file; None where there is none that a phone could fetch."""
    try:
        url = generation["output"]["files"][0]["thumbnail_url"]
    except (LookupError, TypeError):
        return None
    is_one = isinstance(url, str) and url.startswith("https://") and len(url) <= MAX_IMAGE_URL
    return url if is_one else None
