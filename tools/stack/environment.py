"""The environment in which a stack's processes run: the caller's, cleared of anything real.

Credentials and emulator addresses of the caller are dropped, so that nothing of the local stack can
reach a cloud project or another stack by accident.
"""

import os
from pathlib import Path

from tools.stack.java import JavaRuntime
from tools.stack.names import HOST, PROJECT, TOKEN_VARIABLE, VIRTUAL_ENVIRONMENT
from tools.stack.workspace import Workspace

#: Dropped from the caller's environment.
FOREIGN = frozenset(
    {
        "CLOUDSDK_CORE_PROJECT",
        "FIREBASE_CONFIG",
        "FIREBASE_TOKEN",
        "FIRESTORE_EMULATOR_HOST",
        "GCLOUD_PROJECT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
        "PUBSUB_EMULATOR_HOST",
        "RUNPOD_API_KEY",
        "RUNPOD_ENDPOINT_BASE_URL",
        "RUNPOD_ENDPOINT_ID",
        "RUNPOD_IMAGE_ENDPOINT_ID",
        "RUNPOD_VIDEO_ENDPOINT_ID",
        "STORAGE_EMULATOR_HOST",
        "FIREBASE_AUTH_EMULATOR_HOST",
        "FIREBASE_STORAGE_EMULATOR_HOST",
        "FIREBASE_EMULATOR_HUB",
        "PYTHONPATH",
        "PYTHONWARNINGS",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
    }
)


def process_environment(token: str) -> dict[str, str]:
    """The caller's environment, cleared, with the stack's token and no proxy for the loopback."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = ",".join(filter(None, [kept.get(name), HOST, "localhost"]))
    return {**kept, TOKEN_VARIABLE: token, "GOOGLE_CLOUD_PROJECT": PROJECT, "NO_GCE_CHECK": "true"}


def firebase_environment(
    base: dict[str, str],
    workspace: Workspace,
    runtime: JavaRuntime,
    binaries: dict[str, str],
) -> dict[str, str]:
    """For firebase-tools: our Java first, its settings and temporary files in the state folder."""
    path = [str(runtime.home / "bin"), str(VIRTUAL_ENVIRONMENT / "bin"), base.get("PATH", "")]
    return {
        **base,
        **binaries,
        "PATH": os.pathsep.join(path),
        "JAVA_HOME": str(runtime.home),
        "CI": "true",  # no message of the day, no prompts
        "NO_UPDATE_NOTIFIER": "1",
        "METADATA_SERVER_DETECTION": "none",
        "XDG_CONFIG_HOME": str(workspace.settings),
        "TMPDIR": str(workspace.temporary),  # the hub's locator file: one for each stack
    }


def log_paths(logs: Path) -> dict[str, Path]:
    """Which process writes where; the emulators' names are firebase-tools' own."""
    return {
        "firebase": logs / "firebase.log",
        "firestore": logs / "firestore-debug.log",
        "pubsub": logs / "pubsub-debug.log",
        "functions": logs / "functions.log",
        "worker": logs / "worker.log",
        "schedule": logs / "schedule.log",
        "web": logs / "web.log",
    }
