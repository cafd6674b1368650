"""Finds the Firestore and Pub/Sub emulators of a Google Cloud SDK, where one is installed."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: gcloud is a Python program that may be slow on a cold disk.
GCLOUD_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class SdkEmulators:
    """Google's own emulator jars."""

    firestore_jar: Path
    pubsub_jar: Path


def find_sdk_emulators() -> SdkEmulators | None:
    """The emulators of the SDK that `gcloud` belongs to, or None if it is absent or lacks them."""
    for root in _roots():
        firestore = root / "platform/cloud-firestore-emulator/cloud-firestore-emulator.jar"
        pubsub = sorted((root / "platform/pubsub-emulator/lib").glob("*-all.jar"))
        if firestore.is_file() and pubsub:
            return SdkEmulators(firestore_jar=firestore, pubsub_jar=pubsub[-1])
    return None


def _roots() -> list[Path]:
    """Where the SDK may be: as told, next to the gcloud on PATH, or where gcloud says."""
    roots = [
        Path(os.environ[name])
        for name in ("CLOUDSDK_ROOT_DIR", "CLOUDSDK_ROOT")
        if os.environ.get(name)
    ]
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return roots
    beside = Path(gcloud).resolve().parents[1]
    roots.append(beside)
    if not (beside / "platform").is_dir():  # a wrapper script: only gcloud itself knows
        roots.extend(_root_by_gcloud(gcloud))
    return roots


def _root_by_gcloud(gcloud: str) -> list[Path]:
    command = [gcloud, "info", "--format=value(installation.sdk_root)"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=GCLOUD_TIMEOUT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    root = answer.stdout.strip()
    return [Path(root)] if root else []
