"""Generations as the deny matrix meets them: their fields, as new and as the server leaves them."""

from collections.abc import Mapping
from typing import Any

from tests.rules.firestore_rest import REQUEST_TIME

OPEN = ("pending", "queued", "processing")
FINISHED = ("completed", "failed", "cancelled")
NEW: Mapping[str, Any] = {
    "input": {"prompt": "a red circle on a blue background"},
    "status": "pending",
    "created_at": REQUEST_TIME,
}
#: Fields that only the server writes.
SERVER_FIELDS: Mapping[str, Any] = {
    "kind": "image",
    "queue": {"ahead": 0, "eta_seconds": 0},
    "progress": {"fraction": 1.0},
    "output": {"image_url": "https://example.com/not-ours.png"},
    "error": {"code": "internal", "message": "no", "retryable": False},
    "attempt": 0,
    "lease": {"token": 99, "worker_id": "me", "expires_at": None},
    "queued_at": REQUEST_TIME,
    "started_at": REQUEST_TIME,
    "completed_at": REQUEST_TIME,
    "updated_at": REQUEST_TIME,
    "timings": {"total": 0.0},
    "cost": {"gpu_seconds": 0.0},
    "charge": {"credits": 1, "day": "2026-11-23", "state": "refunded"},
    "dispatch": {"endpoint": "theirs", "job_id": "j1", "token": 0},
    "notify": True,
    "expire_at": REQUEST_TIME,
    "anything_else": True,
}
