"""One start of a stack, in order: worker, functions, emulators, topics, rules, readiness.

Every child is recorded as soon as it exists: `down` finds it however the start ends. Bounds:
START_TIMEOUT_SECONDS, DOWNLOAD_TIMEOUT_SECONDS.
"""

import json
import secrets
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tools.stack.binaries import emulator_binaries
from tools.stack.environment import firebase_environment, log_paths, process_environment
from tools.stack.firebase_cli import FirebaseCli
from tools.stack.functions import build_bundle, discover
from tools.stack.java import quick_runtime
from tools.stack.messaging import create_topics_and_subscriptions
from tools.stack.names import BUCKET, HOST, PROJECT, REGION
from tools.stack.ports import reserved_ports
from tools.stack.processes import ProcessIdentity
from tools.stack.rules import assert_rules_compile
from tools.stack.schedule import SWEEP, scheduled_url, start_schedule
from tools.stack.summary import Stack, client_environment
from tools.stack.worker import Worker
from tools.stack.workspace import Workspace
from tools.web.process import WebServer

#: Ready in about ten seconds here; a busy CI machine may need many times that.
START_TIMEOUT_SECONDS = 120.0
#: The first start on a machine where firebase-tools downloads its emulators (about 200 MB).
DOWNLOAD_TIMEOUT_SECONDS = 900.0

Progress = Callable[[str], None]


class Starter:
    """One start: holds what it has begun, so that it can be recorded, awaited and reaped."""

    def __init__(self, state_dir: Path, progress: Progress) -> None:
        self.workspace = Workspace(state_dir.resolve())
        self.token = secrets.token_hex(16)
        self.progress = progress
        self.logs = log_paths(self.workspace.logs)
        self._began = time.monotonic()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._stages: dict[str, float] = {}

    def start(
        self,
        *,
        worker: bool,
        sweep: bool,
        web: bool,
        functions_source: Path | None,
        rules_source: Path,
    ) -> Stack:
        """Starts everything and returns when it is ready; on an error, take it down."""
        self.workspace.clear()
        self._record()
        runtime = quick_runtime()
        binaries = emulator_binaries(runtime)
        if not binaries.complete:
            self.progress("No emulators on this machine: firebase-tools downloads its own, once.")
        timeout = START_TIMEOUT_SECONDS if binaries.complete else DOWNLOAD_TIMEOUT_SECONDS
        deadline = self._began + timeout
        environment = process_environment(self.token)
        with reserved_ports() as ports:
            emulators = {name: f"{HOST}:{port}" for name, port in ports.items()}
            clients = client_environment(PROJECT, BUCKET, emulators)
            gpu_worker = self._start_worker({**environment, **clients}) if worker else None
            web_server = self._start_web(emulators) if web else None
            functions = self._pack_functions(functions_source, environment)
            self.workspace.write_config(ports, rules_source)
            environment["EMBERFRAME_BUCKET"] = BUCKET
            self._start_emulators(
                firebase_environment(environment, self.workspace, runtime, binaries.variables),
                emulators=emulators,
                functions=functions,
                deadline=deadline,
                beside=gpu_worker,
            )
        if sweep and SWEEP in functions:
            url = scheduled_url(emulators["functions"], SWEEP)
            schedule = start_schedule(url, process_environment(self.token), self.logs["schedule"])
            self._begin("schedule", schedule)
        if gpu_worker is not None:
            self.progress("The emulators are ready; waiting for the worker.")
            gpu_worker.wait_until_ready(deadline=deadline)
            self._reached("worker ready")
        app = None
        if web_server is not None:
            app = web_server.wait_until_ready(deadline=deadline)
            self._reached("web app ready")
        stack = Stack(
            project=PROJECT,
            bucket=BUCKET,
            region=REGION,
            state_dir=self.workspace.state_dir,
            token=self.token,
            emulators=emulators,
            web=app,
            processes=self._identities(),
            log_files=self.logs,
            functions=functions,
            ready_after_seconds=self._stages,
        )
        stack.write()
        return stack

    def _start_worker(self, environment: dict[str, str]) -> Worker:
        self.progress("Starting the worker; it loads its model meanwhile.")
        health_file = self.workspace.temporary / "worker-health.json"
        gpu_worker = Worker.start(environment, health_file, self.logs["worker"])
        self._begin("worker", gpu_worker.process)
        return gpu_worker

    def _start_web(self, emulators: dict[str, str]) -> WebServer:
        self.progress("Starting the web app's server; it builds the app where that has changed.")
        server = WebServer.start(
            project=PROJECT,
            bucket=BUCKET,
            emulators=emulators,
            environment=process_environment(self.token),
            address_file=self.workspace.temporary / "web-address",
            log=self.logs["web"],
        )
        self._begin("web", server.process)
        return server

    def _pack_functions(self, source: Path | None, environment: dict[str, str]) -> list[str]:
        self.progress("Packing the functions.")
        bundle = source or build_bundle(self.logs["functions"])
        self.workspace.stage_functions(bundle)
        names = discover(self.workspace.functions, environment, self.logs["functions"])
        self._reached("functions packed")
        return names

    def _start_emulators(
        self,
        environment: dict[str, str],
        *,
        emulators: dict[str, str],
        functions: list[str],
        deadline: float,
        beside: Worker | None,
    ) -> None:
        self.progress("Starting the emulators: Auth, Firestore, Pub/Sub, Functions, Storage.")
        cli = FirebaseCli.start(
            config=self.workspace.config,
            folder=self.workspace.logs,
            environment=environment,
            log=self.logs["firebase"],
        )
        self._begin("firebase", cli.process)

        def check() -> None:
            cli.assert_running()
            if beside is not None:
                beside.assert_running()

        create_topics_and_subscriptions(emulators["pubsub"], deadline=deadline, check=check)
        self._reached("topics created")
        cli.wait_until_ready(deadline=deadline, check=check)
        cli.assert_initialised(functions)
        assert_rules_compile(
            firestore=emulators["firestore"],
            storage=emulators["storage"],
            project=self.workspace.project,
            log=self.logs["firebase"],
        )
        self._reached("emulators ready")

    def reap(self) -> None:
        """Collects the exit codes of ended children, so that none stays as a zombie."""
        for child in self._children.values():
            child.wait()

    def _begin(self, name: str, process: "subprocess.Popen[bytes]") -> None:
        self._children[name] = process
        self._record()

    def _reached(self, stage: str) -> None:
        self._stages[stage] = round(time.monotonic() - self._began, 2)

    def _identities(self) -> dict[str, ProcessIdentity]:
        return {name: ProcessIdentity.of(child.pid) for name, child in self._children.items()}

    def _record(self) -> None:
        processes = {
            name: {"pid": each.pid, "started": each.started}
            for name, each in self._identities().items()
        }
        record = json.dumps({"token": self.token, "processes": processes})
        draft = self.workspace.launch_record.with_suffix(".tmp")
        draft.write_text(record, encoding="utf-8")
        draft.replace(self.workspace.launch_record)
