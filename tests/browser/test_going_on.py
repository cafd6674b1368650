"""Besides success: cancelling, refusals, no network, several tabs, a reload, removal."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from google.cloud import firestore
from playwright.sync_api import FilePayload, expect

from tests.browser.tab import Tab, Window
from tools.stack import Stack
from tools.stack.schedule import SWEEP, scheduled_url
from tools.stack.worker import Worker

#: As long as a request can be: it must not be over before somebody has seen it begin.
LONG = {"Steps": "150", "Refiner_steps": "150", "Strength": "1", "Pictures": "2"}
SHORT = {"Steps": "4"}
SWEEP_SECONDS = 90.0


@contextmanager
def paused(worker: Worker) -> Iterator[None]:
    """A worker that has other things to do."""
    worker.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.process.send_signal(signal.SIGCONT)


def test_a_picture_that_is_cancelled_ends_and_says_so(tab: Tab) -> None:
    tab.ask("a blue square on a white background", **LONG)
    expect(tab.standing).to_contain_text("Drawing")
    tab.result.get_by_role("button", name="Cancel").click()
    expect(tab.standing).to_have_text("Cancelled")
    expect(tab.page.locator("#status")).to_have_text("Cancelled")
    expect(tab.history.get_by_role("button", name=re.compile("cancelled"))).not_to_have_count(0)


def test_whoever_waits_is_told_the_place_in_the_line(
    tab: Tab, worker: Worker, stack: Stack
) -> None:
    with paused(worker):
        tab.ask("a red circle on a blue background", **SHORT)
        expect(tab.standing).to_have_text(re.compile("^Waiting for a worker|in line|ahead of"))
        # At acceptance it is told unless counting takes too long, as on a busy machine; every
        # minute by the sweep.
        sweep = scheduled_url(stack.emulators["functions"], SWEEP)
        httpx.post(sweep, timeout=SWEEP_SECONDS).raise_for_status()
        expect(tab.standing).to_have_text(re.compile("^Next in line|^[0-9]+ ahead of yours"))
        tab.photograph("queued")
    tab.wait_for_picture()


def test_a_request_that_is_refused_shows_the_sentence_of_the_contract(tab: Tab) -> None:
    tab.ask("a blue square on a white background", Pictures="16")
    expect(tab.standing).to_contain_text("num_images is 16")
    sentence = tab.standing.text_content()
    assert sentence is not None
    assert sentence.endswith(".")
    expect(tab.page.locator("#status")).to_have_text(sentence)
    tab.photograph("refused")


def test_a_value_beyond_the_contract_s_limits_is_not_sent(tab: Tab) -> None:
    tab.ask("a blue square on a white background", Steps="151")
    steps = tab.setting("Steps")
    expect(steps).to_be_focused()
    assert steps.evaluate("(it) => it.validity.rangeOverflow")
    expect(tab.result.get_by_text("Nothing yet.")).to_be_visible()


def test_what_is_asked_for_offline_is_made_when_back(tab: Tab, window: Window) -> None:
    window.go_offline()
    banner = tab.page.locator("#connection")
    expect(banner).to_contain_text("You are offline.")
    tab.ask("a red circle on a blue background", **SHORT)
    expect(tab.standing).to_have_text("Will be sent when you are online again")
    tab.photograph("offline")
    window.go_online()
    expect(banner).to_contain_text("You are back online.")
    tab.wait_for_picture()
    expect(tab.tiles).to_have_count(1)
    expect(banner).to_be_hidden()


def test_what_is_deleted_offline_is_said_to_go_later_and_goes(tab: Tab, window: Window) -> None:
    tab.ask("a red circle on a blue background", **SHORT)
    tab.wait_for_picture()
    window.go_offline()
    tab.result.get_by_role("button", name="Delete").click()
    dialog = tab.page.get_by_role("dialog", name="Delete this picture?")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog.get_by_role("alert")).to_contain_text("when you are online again")
    expect(dialog.get_by_role("button", name="Delete")).to_be_disabled()
    window.go_online()
    expect(dialog).to_have_count(0)
    expect(tab.tiles).to_have_count(0)


def test_a_picture_of_one_s_own_waits_for_the_network(tab: Tab, window: Window) -> None:
    file = FilePayload(name="a.png", mimeType="image/png", buffer=b"looked at by the server only")
    tab.composer.get_by_label("Begin with a picture").set_input_files([file])
    window.go_offline()
    tab.ask("a red circle on a blue background", **SHORT)
    expect(tab.composer.get_by_role("alert")).to_contain_text("only while you are online")
    expect(tab.result.get_by_text("Nothing yet.")).to_be_visible()
    window.go_online()


def test_two_tabs_of_one_person_show_the_same(tab: Tab, window: Window) -> None:
    other = window.open_tab()
    expect(other.result.get_by_text("Nothing yet.")).to_be_visible()
    tab.ask("a red circle on a blue background", **SHORT)
    address = tab.wait_for_picture()
    assert other.wait_for_picture() == address
    other.ask("a green star on a white background", **SHORT)
    other.wait_for_picture()
    expect(tab.tiles).to_have_count(2)
    expect(tab.tiles.first.get_by_role("button").first).to_have_accessible_name(
        "a green star on a white background, picture, completed"
    )


def test_a_generation_that_runs_is_followed_after_a_reload(tab: Tab) -> None:
    tab.ask("a blue square on a white background", **LONG)
    expect(tab.standing).to_contain_text("Drawing")
    tab.page.reload()
    expect(tab.standing).to_contain_text("Drawing")
    tab.result.get_by_role("button", name="Cancel").click()
    expect(tab.standing).to_have_text("Cancelled")


def test_what_is_deleted_is_gone_with_its_files(
    tab: Tab, firestore_client: firestore.Client
) -> None:
    tab.ask("a red circle on a blue background", **SHORT)
    address = tab.wait_for_picture()
    tab.result.get_by_role("button", name="Delete").click()
    dialog = tab.page.get_by_role("dialog", name="Delete this picture?")
    dialog.get_by_role("button", name="Keep it").click()
    expect(dialog).to_have_count(0)
    assert httpx.get(address).status_code == 200
    tab.history.get_by_role("button", name=re.compile("^Delete a red circle")).click()
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_have_count(0)
    expect(tab.tiles).to_have_count(0)
    expect(tab.result.get_by_text("Nothing yet.")).to_be_visible()
    expect(tab.result).to_be_focused()
