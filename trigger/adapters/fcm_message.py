"""A notification as FCM's v1 API takes it, for Android, Apple's devices and browsers at once.

Which device a token belongs to FCM knows; each takes its own part. All are told at once and loudly
enough to be seen, since a person waits; a second message of the same tag takes the first's place.
"""

import hashlib
from typing import Any

from shared.notifying import Notification

#: Of `apns-collapse-id` 64 bytes are allowed, of a browser's `Topic` 32 characters of base64url.
SHORT_TAG = 32


def fcm_message(token: str, notification: Notification) -> dict[str, Any]:
    """The body of `messages:send`."""
    image, seconds = notification.image_url, notification.seconds
    plain = {"title": notification.title.plain, "body": notification.body.plain}
    shown = {**plain, **({"image": image} if image else {})}
    short_tag = hashlib.sha256(notification.tag.encode()).hexdigest()[:SHORT_TAG]
    message = {
        "token": token,
        "data": dict(notification.data),
        "android": {
            "priority": "HIGH",
            "ttl": f"{seconds}s",
            "notification": {
                "tag": notification.tag,
                # Else it is taken from what stands there for all: there is room for so much only.
                **({"image": image} if image and notification.by_key else {}),
                **_looked_up(notification, "title_loc_key", "body_loc_key"),
            },
        },
        "apns": {
            "headers": {
                "apns-priority": "10",
                "apns-expiration": str(int(notification.expires_at.timestamp())),
                "apns-collapse-id": short_tag,
            },
            "payload": {"aps": _aps(notification)},
            **({"fcm_options": {"image": image}} if image else {}),
        },
        "webpush": {
            "headers": {"TTL": str(seconds), "Urgency": "high", "Topic": short_tag},
            # A browser has no texts of an app's to look up.
            "notification": {**shown, "tag": notification.tag},
        },
    }
    # Android takes a text from here before it looks one up.
    return {"message": message if notification.by_key else {**message, "notification": shown}}


def _aps(notification: Notification) -> dict[str, Any]:
    alert = _looked_up(notification, "title-loc-key", "loc-key")
    return {
        "sound": "default",
        **({"alert": alert} if alert else {}),
        # Lets an extension of the app's fetch the picture before it is shown.
        **({"mutable-content": 1} if notification.image_url else {}),
    }


def _looked_up(notification: Notification, title: str, body: str) -> dict[str, str]:
    if not notification.by_key:
        return {}
    return {title: notification.title.key, body: notification.body.key}
