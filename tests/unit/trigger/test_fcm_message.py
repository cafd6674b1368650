"""What a device gets of FCM: one message for all platforms, that fits and says no more."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.fcm_service import MAX_MESSAGE_BYTES, FcmService, running_fcm
from tests.contract.test_push_service import READY
from trigger.adapters.fcm import FcmPush
from trigger.adapters.fcm_access import fcm_access
from trigger.news import MAX_IMAGE_URL

TOKEN = "ann-phone:APA91b"


@pytest.fixture
def service() -> Iterator[FcmService]:
    with running_fcm(TOKEN) as service:
        yield service


def sent(service: FcmService, **changed: Any) -> dict[str, Any]:
    """The message of `READY` as the service took it."""
    push = FcmPush(lambda: fcm_access(service.address, service.project))
    push.send(TOKEN, replace(READY, **changed), within=5)
    (message,) = service.shown[TOKEN]
    return message


def test_plain_texts_stand_once_for_all_and_say_nothing_of_keys(
    service: FcmService,
) -> None:
    message = sent(service)
    assert message["notification"] == {"title": "Your picture is ready", "body": "Tap to see it."}
    assert message["android"] == {
        "priority": "HIGH",
        "ttl": "3600s",
        "notification": {"tag": "g1"},
    }
    assert message["apns"]["payload"] == {"aps": {"sound": "default"}}
    expires = str(int(READY.expires_at.timestamp()))
    assert message["apns"]["headers"].items() >= {"apns-expiration": expires}.items()
    assert message["webpush"]["headers"].items() >= {"TTL": "3600", "Urgency": "high"}.items()


def test_keys_are_given_where_a_device_can_look_them_up_and_a_browser_is_told_plainly(
    service: FcmService,
) -> None:
    message = sent(service, by_key=True)
    assert "notification" not in message
    assert message["android"]["notification"] == {
        "tag": "g1",
        "title_loc_key": "t",
        "body_loc_key": "b",
    }
    alert = message["apns"]["payload"]["aps"]["alert"]
    assert alert == {"title-loc-key": "t", "loc-key": "b"}
    shown = message["webpush"]["notification"]
    assert shown == {"title": "Your picture is ready", "body": "Tap to see it.", "tag": "g1"}


@pytest.mark.parametrize("by_key", [True, False])
def test_a_picture_is_shown_everywhere_and_the_longest_message_fits(
    service: FcmService, by_key: bool
) -> None:
    url = "https://storage.example/".ljust(MAX_IMAGE_URL, "x")
    data = {"generation": "g" * 128, "status": "completed", "kind": "image"}
    message = sent(service, by_key=by_key, image_url=url, tag="g" * 128, data=data)
    android = {**message.get("notification", {}), **message["android"]["notification"]}
    assert android["image"] == url
    assert message["apns"]["fcm_options"] == {"image": url}
    assert message["apns"]["payload"]["aps"]["mutable-content"] == 1
    assert message["webpush"]["notification"]["image"] == url
    assert len(json.dumps(message)) < MAX_MESSAGE_BYTES
