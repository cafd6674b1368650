"""The fixed names of the local stack: project, bucket, topics and where its files lie."""

import os
from pathlib import Path

#: "demo-" makes firebase-tools and the SDKs refuse to reach any real project.
PROJECT = "demo-emberframe"
BUCKET = f"{PROJECT}.firebasestorage.app"
REGION = "us-central1"
HOST = "127.0.0.1"

#: Topic → the subscription that workers pull.
SUBSCRIPTIONS = {
    "generate-image": "generate-image-worker",
    "generate-video": "generate-video-worker",
}

#: Topic → where its messages are set aside that were delivered MAX_DELIVERY_ATTEMPTS times and
#: never acknowledged: a topic, and the subscription of that name which keeps them for a person.
DEAD_LETTERS = {
    "generate-image": "generate-image-dead",
    "generate-video": "generate-video-dead",
}
#: The most that Pub/Sub allows. A delivery is no attempt: those are counted in the document. A
#: message whose job is another worker's comes back once a lease, so a long job's comes often.
MAX_DELIVERY_ATTEMPTS = 100

#: Every emulator that serves clients, by firebase-tools' name.
SERVICES = ("auth", "firestore", "pubsub", "functions", "storage")

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build"
DEFAULT_STATE_DIR = BUILD / "stack"
#: The demo's own stack, when `make up` has none running.
DEMO_STATE_DIR = BUILD / "demo-stack"
FIREBASE_CLI = BUILD / "node/node_modules/firebase-tools/lib/bin/firebase.js"
VIRTUAL_ENVIRONMENT = REPOSITORY / ".venv"
BUNDLE = BUILD / "trigger"

#: In the environment of every process that a stack starts, and so of their children: the one way
#: to find those that left their parent's session and outlived it.
TOKEN_VARIABLE = "EMBERFRAME_STACK_TOKEN"  # noqa: S105 - the variable's name, not a secret


def summary_path(state_dir: Path) -> Path:
    """Where `up` writes the summary: `build/stack.json`, or `DIR/stack.json` for another DIR."""
    if state_dir.resolve() == DEFAULT_STATE_DIR:
        return BUILD / "stack.json"
    return state_dir / "stack.json"


def setting(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """The environment variable `name`, which must be one of `allowed`; raises ValueError."""
    value = os.environ.get(name) or default
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; allowed are {', '.join(allowed)}.")
    return value
