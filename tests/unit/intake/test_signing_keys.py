"""Where the keys come from that tokens are checked with: fetched seldom, kept while it is safe."""

from typing import Any

import pytest

from gpu_worker.adapters.push_tokens import PubSubTokens
from gpu_worker.adapters.signing_keys import MAX_STALE_SECONDS, REFETCH_SECONDS, SigningKeys
from shared.ports import Unavailable
from tests.unit.intake.conftest import HOUR, KEY_ID, claims, header, refused
from tests.unit.intake.google_keys import KeyServer, Signer
from tests.unit.lifecycle.world import ManualClock


def test_keys_are_fetched_once_as_long_as_they_are_fresh(
    sender: PubSubTokens, server: KeyServer, clock: ManualClock, google: Signer
) -> None:
    token = "Bearer " + google.token(header(), claims())
    for _ in range(5):
        sender.check(token)
    clock.advance(HOUR - 1)
    sender.check(token)
    assert server.asked == 1
    clock.advance(1)
    sender.check(token)
    assert server.asked == 2


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("no-store", HOUR), ("max-age=0", 60), ("max-age=999999999", 86_400), ("s-max-age=5", HOUR)],
)
def test_how_long_keys_are_fresh_is_bounded(
    server: KeyServer, clock: ManualClock, said: str, seconds: float
) -> None:
    server.headers = {"Cache-Control": said}
    keys = SigningKeys(clock, server.url)
    assert keys.certificate(KEY_ID)
    clock.advance(seconds - 1)
    assert keys.certificate(KEY_ID)
    assert server.asked == 1
    clock.advance(1)
    assert keys.certificate(KEY_ID)
    assert server.asked == 2


def test_a_new_key_is_found_as_soon_as_it_signs(
    sender: PubSubTokens, server: KeyServer, clock: ManualClock, google: Signer, mallory: Signer
) -> None:
    sender.check("Bearer " + google.token(header(), claims()))
    server.certificates = {"key-2": mallory.certificate}  # who is Google by now
    clock.advance(REFETCH_SECONDS)
    sender.check("Bearer " + mallory.token(header(kid="key-2"), claims()))
    assert "not Google's" in refused(sender, google.token(header(), claims()))


def test_invented_key_ids_do_not_have_the_keys_fetched_each_time(
    sender: PubSubTokens, server: KeyServer, mallory: Signer
) -> None:
    for number in range(20):
        refused(sender, mallory.token(header(kid=f"invented-{number}"), claims()))
    assert server.asked == 1


def broken(server: KeyServer) -> None:
    server.status = 500


def no_json(server: KeyServer) -> None:
    server.body = b"<html>"


def other_json(server: KeyServer) -> None:
    server.body = b'{"keys": [{"kid": "key-1"}]}'


def nothing(server: KeyServer) -> None:
    server.body = b"{}"


def moved(server: KeyServer) -> None:
    server.status, server.headers = 302, {"Location": server.url}


@pytest.mark.parametrize("fault", [broken, no_json, other_json, nothing, moved])
def test_keys_serve_on_for_a_day_while_their_source_is_away(
    sender: PubSubTokens, server: KeyServer, clock: ManualClock, google: Signer, fault: Any
) -> None:
    token = "Bearer " + google.token(header(), claims())
    sender.check(token)
    fault(server)
    clock.advance(MAX_STALE_SECONDS)
    sender.check(token)
    clock.advance(1)
    with pytest.raises(Unavailable):
        sender.check(token)


def test_that_keys_cannot_be_fetched_is_told_long_before_it_hurts(
    sender: PubSubTokens,
    server: KeyServer,
    clock: ManualClock,
    google: Signer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = "Bearer " + google.token(header(), claims())
    sender.check(token)
    assert caplog.records == []
    for number, fault in enumerate((broken, no_json, nothing), 1):
        fault(server)
        clock.advance(HOUR)
        sender.check(token)
        told = caplog.records[-1]
        assert (told.levelname, told.message) == ("WARNING", "the signing keys cannot be fetched")
        assert vars(told)["fields"]["seconds_left"] == MAX_STALE_SECONDS - number * HOUR
    assert len(caplog.records) == number


def test_without_any_key_nobody_is_judged(
    sender: PubSubTokens, server: KeyServer, clock: ManualClock, google: Signer
) -> None:
    broken(server)
    token = "Bearer " + google.token(header(), claims())
    for _ in range(3):
        with pytest.raises(Unavailable):
            sender.check(token)
    assert server.asked == 1
    server.status = 200
    clock.advance(REFETCH_SECONDS)
    sender.check(token)
