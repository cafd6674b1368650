"""Lays out a state folder for firebase-tools: derived firebase.json, rules, functions, settings.

firebase-tools resolves every path against firebase.json's folder and refuses to leave it, so rules
are linked in (an edit is picked up while the stack runs) and the functions' bundle is copied in.
"""

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from tools.stack.failure import StackError
from tools.stack.names import HOST, REPOSITORY, VIRTUAL_ENVIRONMENT

#: What firebase-tools would look for in a source folder is a virtual environment with this script.
ACTIVATION = """\
VIRTUAL_ENV={environment}
PATH="$VIRTUAL_ENV/bin:$PATH"
export VIRTUAL_ENV PATH
"""


class Workspace:
    """The folders of one stack below its state folder. `clear` makes them anew."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.logs = state_dir / "logs"
        self.temporary = state_dir / "tmp"
        self.settings = state_dir / "settings"
        self.project = state_dir / "project"
        self.functions = self.project / "functions"
        #: Written before anything starts, so that `down` can clean up after any death of `up`.
        self.launch_record = state_dir / "launch.json"

    @property
    def config(self) -> Path:
        return self.project / "firebase.json"

    def clear(self) -> None:
        """Empties what an earlier run left, and creates the folders."""
        for folder in (self.logs, self.temporary, self.settings, self.project):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._write_settings()

    def write_config(self, ports: dict[str, int], rules_source: Path) -> None:
        """Derives firebase.json from the repository's: the same, but for ports and paths.

        `rules_source` is the folder that holds the rules files.
        """
        config: dict[str, Any] = json.loads((REPOSITORY / "firebase.json").read_text("utf-8"))
        for service in ("firestore", "storage"):
            rules = rules_source / config[service]["rules"]
            if not rules.is_file():
                raise StackError(f"The rules file {rules.name} is missing in {rules_source}.")
            (self.project / rules.name).symlink_to(rules.resolve())
            config[service] = {"rules": rules.name}
        (functions,) = config["functions"]
        functions["source"] = self.functions.name
        functions["runtime"] = f"python{sys.version_info.major}{sys.version_info.minor}"
        emulators: dict[str, Any] = {
            name: {"host": HOST, "port": port} for name, port in ports.items()
        }
        websocket = emulators.pop("websocket")
        emulators["firestore"]["websocketPort"] = websocket["port"]
        emulators["ui"] = {"enabled": False}
        config["emulators"] = {"singleProjectMode": True, **emulators}
        self.config.write_text(json.dumps(config, indent=2), encoding="utf-8")

    def stage_functions(self, bundle: Path) -> None:
        """Copies the bundle and gives it the repository's virtual environment.

        Not a link to the environment: firebase-tools would watch its thousands of files.
        """
        if not (bundle / "main.py").is_file():
            raise StackError(f"The functions' bundle {bundle} has no main.py.")
        shutil.copytree(
            bundle, self.functions, ignore=shutil.ignore_patterns("venv", "__pycache__")
        )
        # The emulator knows a Python source by this file.
        (self.functions / "requirements.txt").touch()
        activate = self.functions / "venv" / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.write_text(
            ACTIVATION.format(environment=shlex.quote(str(VIRTUAL_ENVIRONMENT))), encoding="utf-8"
        )

    def _write_settings(self) -> None:
        """firebase-tools' own settings, apart from the user's: no analytics, no update check."""
        store = self.settings / "configstore"
        store.mkdir()
        (store / "firebase-tools.json").write_text('{"usage": false}', encoding="utf-8")
