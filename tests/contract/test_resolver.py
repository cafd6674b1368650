"""The names of the internet: this machine's own resolver, and the one that follows a script."""

import threading
from ipaddress import ip_address

import pytest

from gpu_worker.adapters.resolver import SystemResolver
from gpu_worker.ports import Resolver, Unresolved
from tests.unit.input_images.web import ScriptedResolver

TIMEOUT_SECONDS = 30.0


@pytest.fixture(params=["system", "scripted"])
def resolver(request: pytest.FixtureRequest) -> Resolver:
    if request.param == "system":
        return SystemResolver()
    return ScriptedResolver({"localhost": [["127.0.0.1", "::1"]]})


def test_a_host_has_its_addresses(resolver: Resolver) -> None:
    found = resolver.resolve("localhost", timeout_seconds=TIMEOUT_SECONDS)
    assert found
    assert all(ip_address(it).is_loopback for it in found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b.invalid", "a" * 64 + ".invalid", ""])
def test_a_host_that_is_none_has_no_address(resolver: Resolver, host: str) -> None:
    with pytest.raises(Unresolved):
        resolver.resolve(host, timeout_seconds=TIMEOUT_SECONDS)


def test_a_resolver_that_is_silent_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        over.wait(TIMEOUT_SECONDS)
        return []

    monkeypatch.setattr("socket.getaddrinfo", hang)
    try:
        with pytest.raises(Unresolved):
            SystemResolver().resolve("slow.example", timeout_seconds=0.01)
    finally:
        over.set()
