"""A running stack as others see it: what `stack.json` holds, and the clients' environment."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.stack.names import SUBSCRIPTIONS, summary_path
from tools.stack.processes import ProcessIdentity

#: Raised when a key changes its meaning; `down` refuses nothing, readers may.
SUMMARY_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack that is up. `stack.json` holds exactly these fields, plus `version` and `env`."""

    #: Firebase project id, always of the "demo-" kind.
    project: str
    #: Default Storage bucket.
    bucket: str
    region: str
    #: Folder with logs, derived configuration and temporary files of this stack.
    state_dir: Path
    #: Value of EMBERFRAME_STACK_TOKEN in the environment of every process of this stack.
    token: str
    #: Emulator → "host:port": auth, firestore, pubsub, functions, storage, hub, logging, eventarc,
    #: tasks, websocket.
    emulators: dict[str, str]
    #: "firebase" and, unless started without, "worker", "schedule" and "web" → pid and start time
    #: (epoch seconds).
    processes: dict[str, ProcessIdentity]
    #: "firebase", "firestore", "pubsub", "functions", "worker", "schedule", "web" → file.
    log_files: dict[str, Path]
    #: Names of the functions that were initialised.
    functions: list[str]
    #: Start-up stage → seconds since `up` began, for finding out where the time goes.
    ready_after_seconds: dict[str, float]
    #: host:port of the web app, unless started without.
    web: str | None = None

    @property
    def auth(self) -> str:
        """host:port of the Auth emulator."""
        return self.emulators["auth"]

    @property
    def firestore(self) -> str:
        """host:port of the Firestore emulator."""
        return self.emulators["firestore"]

    @property
    def pubsub(self) -> str:
        """host:port of the Pub/Sub emulator."""
        return self.emulators["pubsub"]

    @property
    def storage(self) -> str:
        """host:port of the Storage emulator."""
        return self.emulators["storage"]

    @property
    def has_worker(self) -> bool:
        return "worker" in self.processes

    def env(self) -> dict[str, str]:
        """Variables that make Google's client libraries and our own code use this stack."""
        return client_environment(self.project, self.bucket, self.emulators)

    def is_alive(self) -> bool:
        """Whether every process that `up` started still runs."""
        return all(identity.find() is not None for identity in self.processes.values())

    def write(self) -> Path:
        """Writes the summary where `summary_path` says, atomically."""
        path = summary_path(self.state_dir)
        content = {"version": SUMMARY_VERSION, **asdict(self), "env": self.env()}
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
        draft.replace(path)
        return path

    @classmethod
    def read(cls, state_dir: Path) -> "Stack | None":
        """The stack that `up` recorded for `state_dir`, running or not; None if there is none."""
        try:
            content: dict[str, Any] = json.loads(summary_path(state_dir).read_text("utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        if content.pop("version", None) != SUMMARY_VERSION:
            return None
        del content["env"]
        content["state_dir"] = Path(content["state_dir"])
        content["log_files"] = {name: Path(path) for name, path in content["log_files"].items()}
        content["processes"] = {
            name: ProcessIdentity(**identity) for name, identity in content["processes"].items()
        }
        return cls(**content)


def client_environment(project: str, bucket: str, emulators: dict[str, str]) -> dict[str, str]:
    """The standard emulator variables, and ours, for a process that talks to the stack."""
    return {
        "GOOGLE_CLOUD_PROJECT": project,
        "GCLOUD_PROJECT": project,
        "FIRESTORE_EMULATOR_HOST": emulators["firestore"],
        "PUBSUB_EMULATOR_HOST": emulators["pubsub"],
        "FIREBASE_AUTH_EMULATOR_HOST": emulators["auth"],
        "STORAGE_EMULATOR_HOST": f"http://{emulators['storage']}",
        "FIREBASE_STORAGE_EMULATOR_HOST": emulators["storage"],
        "EMBERFRAME_BUCKET": bucket,
        "EMBERFRAME_IMAGE_MODEL": os.environ.get("EMBERFRAME_IMAGE_MODEL", "shapes"),
        "EMBERFRAME_IMAGE_SUBSCRIPTION": SUBSCRIPTIONS["generate-image"],
        # No cloud machine answers here: asking for its metadata costs seconds.
        "NO_GCE_CHECK": "true",
        "METADATA_SERVER_DETECTION": "none",
    }
