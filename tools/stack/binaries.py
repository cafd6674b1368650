"""Gives firebase-tools emulators made from a Google Cloud SDK, so that it downloads nothing.

EMBERFRAME_EMULATORS chooses: `sdk` (must be there), `download` (firebase-tools fetches its own) or
`auto` (the SDK's if it is there). What is built lies in build/emulators/KEY, where KEY changes with
our Java source and the SDK's files; it is built beside and renamed, so two builders cannot clash.
"""

import hashlib
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.stack.failure import StackError
from tools.stack.google_sdk import SdkEmulators, find_sdk_emulators
from tools.stack.jars import write_launcher_jar
from tools.stack.java import JavaRuntime, find_compiler
from tools.stack.names import BUILD, setting

CACHE = BUILD / "emulators"
RULES_RUNTIME_SOURCE = Path(__file__).parent / "rules_runtime"
RULES_RUNTIME_MAIN = "emberframe.rules.RulesRuntime"
FIRESTORE_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"

#: The emulator's classes are of this generation; the compiler may be any later one.
JAVA_RELEASE = "17"
COMPILE_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class EmulatorBinaries:
    """What firebase-tools is told about ready emulators."""

    #: Its `…_EMULATOR_BINARY_PATH` variables; it downloads the emulators that have none.
    variables: dict[str, str]
    #: Whether it has nothing to download.
    complete: bool


def emulator_binaries(runtime: JavaRuntime) -> EmulatorBinaries:
    """The emulators that EMBERFRAME_EMULATORS asks for; raises StackError if they are not there."""
    choice = setting("EMBERFRAME_EMULATORS", "auto", ("auto", "sdk", "download"))
    sdk = None if choice == "download" else find_sdk_emulators()
    if sdk is None:
        if choice == "sdk":
            raise StackError(
                "EMBERFRAME_EMULATORS is sdk, but no Google Cloud SDK with the components"
                " cloud-firestore-emulator and pubsub-emulator was found through gcloud."
            )
        return EmulatorBinaries(variables={}, complete=False)
    compiler = find_compiler()
    if compiler is None and choice == "sdk":
        raise StackError(
            "No Java compiler (javac) was found on PATH or in JAVA_HOME; it is needed to build the"
            " Storage rules adapter. Install a JDK, or set EMBERFRAME_EMULATORS=download."
        )
    folder = CACHE / _key(sdk, runtime, with_rules=compiler is not None)
    if not folder.is_dir():
        _build(folder, sdk, runtime, compiler)
    variables = {
        "FIRESTORE_EMULATOR_BINARY_PATH": str(folder / "firestore.jar"),
        "PUBSUB_EMULATOR_BINARY_PATH": str(folder / "pubsub"),
    }
    if compiler is not None:
        variables["STORAGE_EMULATOR_BINARY_PATH"] = str(folder / "storage-rules.jar")
    return EmulatorBinaries(variables=variables, complete=compiler is not None)


def _key(sdk: SdkEmulators, runtime: JavaRuntime, *, with_rules: bool) -> str:
    digest = hashlib.sha256(f"{runtime.java} {with_rules}".encode())
    for jar in (sdk.firestore_jar, sdk.pubsub_jar):
        state = jar.stat()
        digest.update(f"{jar} {state.st_size} {state.st_mtime_ns}".encode())
    for source in [Path(__file__), *sorted(RULES_RUNTIME_SOURCE.rglob("*.java"))]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _build(folder: Path, sdk: SdkEmulators, runtime: JavaRuntime, compiler: Path | None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="building-") as name:
        draft = Path(name) / "done"
        draft.mkdir()
        write_launcher_jar(
            draft / "firestore.jar", main_class=FIRESTORE_MAIN, class_path=sdk.firestore_jar
        )
        # firebase-tools changes the mode of this file, which an SDK of another user would refuse.
        script = draft / "pubsub"
        command = shlex.join([str(runtime.java), "-jar", str(sdk.pubsub_jar)])
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        if compiler is not None:
            classes = Path(name) / "classes"
            _compile(compiler, sdk.firestore_jar, classes)
            write_launcher_jar(
                draft / "storage-rules.jar",
                main_class=RULES_RUNTIME_MAIN,
                class_path=sdk.firestore_jar,
                classes=classes,
            )
        try:
            draft.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process built the same, which serves as well
                raise


def _compile(compiler: Path, class_path: Path, target: Path) -> None:
    sources = [str(source) for source in sorted(RULES_RUNTIME_SOURCE.rglob("*.java"))]
    options = ["-proc:none", "-nowarn", "--release", JAVA_RELEASE, "-cp", str(class_path)]
    command = [str(compiler), *options, "-d", str(target), *sources]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_SECONDS, check=False
    )
    if done.returncode:
        log = CACHE / "rules-runtime-build.log"
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
        raise StackError("The Storage rules adapter does not compile.", log)
