"""From signing in to what was asked for on the page: pictures, films, and changed pictures."""

import io
import re

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests.browser.tab import Tab

STEPS = "8"


def pixels_of(address: str) -> NDArray[np.int_]:
    picture = Image.open(io.BytesIO(httpx.get(address).raise_for_status().content))
    return np.asarray(picture.convert("RGB")).astype(int)


def test_somebody_new_asks_for_a_picture_and_sees_it(tab: Tab) -> None:
    expect(tab.result.get_by_text("Nothing yet.")).to_be_visible()
    tab.ask("a red circle on a blue background")
    pixels = pixels_of(tab.wait_for_picture())
    red, green, blue = pixels[3, 3]
    assert blue > 150 > max(red, green), "the background is blue"
    expect(tab.standing).to_have_text("Your picture is ready")
    expect(tab.tiles).to_have_count(1)
    placeholder = tab.tiles.first.get_by_role("button").first
    shown = placeholder.evaluate("(it) => it.style.backgroundImage")
    assert shown.startswith('url("data:image/png')
    tab.photograph("picture")


def test_the_preview_sharpens_while_the_bar_goes_forward(tab: Tab) -> None:
    tab.page.evaluate(
        """() => {
          window.seen = [];
          new MutationObserver(() => {
            const preview = document.querySelector("#result .preview:not([hidden])");
            const bar = document.querySelector("#result progress[value]");
            if (!preview || !bar) return;
            const blur = parseFloat(preview.style.filter.replace("blur(", ""));
            window.seen.push([preview.src, blur, bar.value]);
          }).observe(document.getElementById("result"), { subtree: true, attributes: true });
        }"""
    )
    tab.ask("a green star on a white background", Steps="150")
    expect(tab.result.get_by_role("img", name="Preview of your picture")).to_be_visible()
    expect(tab.standing).to_contain_text(re.compile(r"Drawing, step \d+ of 1[56]\d"))
    tab.photograph("progress")
    tab.wait_for_picture()
    seen = tab.page.evaluate("window.seen")
    assert len({source for source, _, _ in seen}) >= 2, "several previews"
    blurs = [blur for _, blur, _ in seen]
    values = [value for _, _, value in seen]
    assert blurs == sorted(blurs, reverse=True)
    assert values == sorted(values)
    assert blurs[0] > blurs[-1]


def test_a_film_plays_on_the_page(tab: Tab) -> None:
    tab.page.get_by_text("Film", exact=True).click()
    tab.ask("a red circle moving right on a blue background", Frames="17", Steps="4")
    film = tab.result.get_by_label(re.compile("^Film: "))
    expect(film).to_be_visible()
    size = film.evaluate(
        """(film) => new Promise((resolve) => {
          const look = () => {
            const plays = film.currentTime > 0.2 && !film.paused;
            if (plays) resolve([film.videoWidth, film.videoHeight]);
            else requestAnimationFrame(look);
          };
          look();
        })"""
    )
    assert size == [832, 480]
    expect(tab.standing).to_have_text("Your film is ready")
    tab.photograph("film")


def test_a_picture_of_the_history_is_changed_into_another(tab: Tab) -> None:
    tab.ask("a red circle on a blue background", Steps=STEPS)
    before = tab.wait_for_picture()
    tab.result.get_by_role("button", name="Begin with it").click()
    expect(tab.composer.get_by_role("img", name="The picture to begin with")).to_be_visible()
    expect(tab.prompt).to_be_focused()
    tab.ask("a red circle on a green background", Strength="1", Steps="25")
    expect(tab.tiles).to_have_count(2)
    expect(tab.picture).not_to_have_attribute("src", before)
    after = pixels_of(tab.wait_for_picture())
    red, green, blue = after[3, 3]
    assert green > max(red, blue), "the background is green now"


def test_only_what_is_painted_by_keyboard_on_a_file_is_changed(tab: Tab) -> None:
    blue = io.BytesIO()
    Image.new("RGB", (256, 256), (30, 60, 220)).save(blue, "PNG")
    file = FilePayload(name="blue.png", mimeType="image/png", buffer=blue.getvalue())
    tab.composer.get_by_label("Begin with a picture").set_input_files([file])
    tab.composer.get_by_label("Change only what I paint").check()
    tab.page.get_by_role("button", name="Make it").click()
    expect(tab.composer.get_by_role("alert")).to_contain_text("Paint what is to be changed")
    mask = tab.composer.get_by_role("application", name="Mask.")
    mask.press("ArrowLeft")
    for _ in range(4):
        mask.press("+")
    mask.press("Space")
    tab.photograph("painting")
    tab.ask("a red circle on a blue background", Strength="1", Steps=STEPS)
    after = pixels_of(tab.wait_for_picture())
    changed = np.abs(after - (30, 60, 220)).max(axis=-1) > 8
    assert not changed[:, :40].any(), "left of the brush"
    assert not changed[:40].any(), "above it"
    assert changed[100:156, 90:146].any(), "under it"
