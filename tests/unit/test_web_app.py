"""The web app without a stack: it compiles, is built once, has our versions, is served safely."""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import httpx
import pytest

from tools.web import build
from tools.web.build import CLIENTS, NODE_MODULES, REPOSITORY, BuildFailed, built_app, lay_out
from tools.web.server import CONFIGURATION_PATH, Server, listening

CONFIGURATION = {"projectId": "demo", "emulators": {"auth": "127.0.0.1:9099"}}
COMPILE_SECONDS = 60


@pytest.fixture(scope="module")
def app() -> Path:
    return built_app()


@pytest.fixture(scope="module")
def server(app: Path) -> Iterator[Server]:
    with listening(app, CONFIGURATION) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(server: Server, path: str) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{server.server_port}{path}")


def test_the_app_compiles_strictly(tmp_path: Path) -> None:
    compiled = subprocess.run(
        [NODE_MODULES / ".bin" / "tsc", "--project", lay_out(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=COMPILE_SECONDS,
    )
    assert compiled.returncode == 0, compiled.stdout + compiled.stderr


def test_the_app_names_the_versions_that_the_lock_installs() -> None:
    ours = json.loads((REPOSITORY / "tools/node/package.json").read_text())["dependencies"]
    package = json.loads((CLIENTS / "web/package.json").read_text())
    named = {**package["dependencies"], **package["devDependencies"]}
    assert named == {name: ours[name] for name in named}


def test_what_has_not_changed_is_not_built_again(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "run_node", lambda *_: pytest.fail("it was built again"))
    assert built_app() == app


def test_an_app_that_cannot_be_built_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "web/src").mkdir(parents=True)
    (tmp_path / "web/index.html").write_text('<script type="module" src="./src/none.ts"></script>')
    for folder in ("typescript/src", "schema"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(build, "CLIENTS", tmp_path)
    monkeypatch.setattr(build, "REPOSITORY", Path("/"))
    monkeypatch.setattr(build, "BUILDS", tmp_path / "builds")
    with pytest.raises(BuildFailed, match=r"none\.ts"):
        built_app()
    assert list((tmp_path / "builds").iterdir()) == []


def test_the_page_and_all_that_it_names_are_served(server: Server) -> None:
    page = get(server, "/")
    assert page.headers["Content-Type"] == "text/html"
    named = re.findall(r'(?:src|href)="\./([^"]+)"', page.text)
    assert {Path(name).suffix for name in named} == {".js", ".css", ".svg"}
    for name in named:
        assert get(server, f"/{name}").status_code == 200


def test_the_configuration_is_where_firebase_hosting_has_it(server: Server) -> None:
    assert get(server, CONFIGURATION_PATH).json() == CONFIGURATION


@pytest.mark.parametrize("path", ["/assets/", "/none", "/../../pyproject.toml", "/%2e%2e/%2e%2e/x"])
def test_nothing_else_is_served(server: Server, path: str) -> None:
    with socket.create_connection(("127.0.0.1", server.server_port)) as connection:
        # As it is: httpx would tidy the path.
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        assert connection.makefile("rb").readline().split()[1] == b"404"


def test_the_page_may_load_nothing_from_elsewhere(server: Server) -> None:
    policy = get(server, "/").headers["Content-Security-Policy"]
    sources = set(re.findall(r"[a-z]+://\S+?(?=[; ]|$)", policy))
    assert sources == {"http://127.0.0.1:*", "ws://127.0.0.1:*"}
    assert "unsafe" not in policy


def test_a_port_that_is_taken_is_passed_over(server: Server, app: Path) -> None:
    with listening(app, CONFIGURATION) as second:
        assert second.server_port != server.server_port
