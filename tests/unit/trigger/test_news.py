"""What a device is told of an end: its kind and how it ended, and nothing that the person wrote."""

from typing import Any

import pytest

from shared.kinds import Kind
from shared.notice import Notice
from shared.notifying import Notification
from shared.status import Status
from tests.unit.lifecycle.world import START
from tests.unit.trigger.notifying import PATH, SECRET, URL
from trigger.news import MAX_IMAGE_URL, PLAIN, news_of
from trigger.notification_settings import Wording

NOTICE = Notice(at=START, again_after=START, told=frozenset())


def news(wording: Wording | None = None, **generation: Any) -> Notification | None:
    wording = wording or Wording(by_key=False, images=True)
    document = {"input": {"prompt": SECRET}, **generation}
    return news_of(PATH, document, NOTICE, seconds=60, wording=wording)


def output(url: object) -> dict[str, Any]:
    return {"files": [{"thumbnail_url": url, "url": "https://storage.example/whole.png"}]}


@pytest.mark.parametrize(("status", "kind"), PLAIN)
def test_every_end_has_its_texts_and_keys_of_their_own(status: Status, kind: Kind | None) -> None:
    told = news(status=status.value, kind=kind.value if kind else None)
    assert told is not None
    assert (told.title.plain, told.body.plain) == PLAIN[status, kind]
    what = kind.value if kind else "request"
    assert told.title.key == f"emberframe_{what}_{status.value}_title"
    assert told.body.key == f"emberframe_{what}_{status.value}_body"
    assert told.data["status"] == status.value
    assert told.data.get("kind") == (kind.value if kind else None)
    assert (told.tag, told.seconds) == (PATH.generation_id, 60)


@pytest.mark.parametrize("status", ["pending", "queued", "processing", "cancelled", None, 7, []])
def test_what_has_not_ended_or_was_cancelled_is_no_news(status: object) -> None:
    assert news(status=status, kind="image") is None


@pytest.mark.parametrize("kind", [None, 7, "sound", []])
def test_a_completed_one_whose_kind_was_spoilt_is_told_as_a_picture(kind: object) -> None:
    told = news(status="completed", kind=kind)
    assert told is not None
    assert told.title.plain == "Your picture is ready"


def test_neither_prompt_nor_reason_nor_the_picture_itself_is_in_it() -> None:
    error = {"code": "content_rejected", "message": f"The prompt says {SECRET}."}
    for fields in ({"status": "failed", "error": error}, {"status": "completed"}):
        told = news(Wording(by_key=True, images=True), kind="image", output=output(URL), **fields)
        assert told is not None
        assert SECRET not in repr(told)
        assert "whole.png" not in repr(told)


def test_a_thumbnail_is_in_it_only_where_the_operator_wants_that() -> None:
    for images, expected in ((True, URL), (False, None)):
        wording = Wording(by_key=False, images=images)
        told = news(wording, status="completed", kind="image", output=output(URL))
        assert told is not None
        assert told.image_url == expected


@pytest.mark.parametrize(
    "spoilt",
    [
        None, {}, {"files": []}, {"files": [None]}, {"files": [{}]}, output(None), output(7),
        output("http://localhost:9199/a.webp"), output("data:image/webp;base64,AAAA"),
        output("https://storage.example/".ljust(MAX_IMAGE_URL + 1, "x")),
    ],
)  # fmt: skip
def test_what_no_phone_could_fetch_is_left_out(spoilt: object) -> None:
    told = news(status="completed", kind="image", output=spoilt)
    assert told is not None
    assert told.image_url is None


def test_a_device_that_is_off_is_told_for_a_day_from_the_end_on() -> None:
    told = news(status="completed", kind="video")
    assert told is not None
    assert (told.expires_at - START).total_seconds() == 24 * 3600
