"""Photographs the web app for the README: `python -m bench.web_recording` writes docs/images.

A picture becomes visible step by step, against a stack of its own. Bound: FRAMES.
"""

import base64
import io
import itertools
import math
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from tests.browser.tab import Tab, Window
from tests.e2e.browser import open_browser
from tools.stack import running_stack
from tools.stack.names import BUILD, REPOSITORY

IMAGES = REPOSITORY / "docs" / "images"
SIZE = {"width": 1100, "height": 860}
#: The recording is smaller, and has few colours: it is for a page that loads fast.
WIDTH = 640
COLOURS = 96
FRAMES = 80
#: How long a frame is shown: as long as it was, within these bounds.
LEAST_MILLISECONDS = 60
MOST_MILLISECONDS = 900
LAST_MILLISECONDS = 2500

BEFORE = (
    "a red circle on a blue background",
    "a yellow star on a purple background",
    "two green stars on a white background",
)
#: For several previews.
SLOW = {"Steps": "150", "Pictures": "2", "Seed": "7"}
PROMPT = "a green square on a yellow background"


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with (
        running_stack(BUILD / "bench-stack", worker=True, web=True) as stack,
        open_browser() as browser,
        browser.new_context(viewport={"width": SIZE["width"], "height": SIZE["height"]}) as context,
    ):
        tab = Window(context, f"http://{stack.web}/").open_tab()
        for number, prompt in enumerate(BEFORE, start=1):
            tab.ask(prompt)
            expect(tab.tiles).to_have_count(number)
            tab.wait_for_picture()
        tab.composer.get_by_text("Settings", exact=True).click()
        for label, value in SLOW.items():
            tab.setting(label).fill(value)
        tab.composer.get_by_text("Settings", exact=True).click()
        tab.prompt.fill("")
        record(tab)
        tab.page.emulate_media(color_scheme="dark")
        tab.page.screenshot(path=IMAGES / "web-app.png")
    shrink(IMAGES / "web-app.png")


def record(tab: Tab) -> None:
    """What the browser draws anew, whenever it does."""
    drawn: list[tuple[float, bytes]] = []
    tab.page.emulate_media(reduced_motion="reduce")  # no frame but for what changes
    chrome = tab.page.context.new_cdp_session(tab.page)

    def keep(frame: dict[str, Any]) -> None:
        drawn.append((frame["metadata"]["timestamp"], base64.b64decode(frame["data"])))
        chrome.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    chrome.on("Page.screencastFrame", keep)
    chrome.send("Page.startScreencast", {"format": "png"})
    tab.ask(PROMPT)
    expect(tab.tiles).to_have_count(len(BEFORE) + 1)
    tab.wait_for_picture()
    tab.page.screenshot()  # until that is drawn
    chrome.send("Page.stopScreencast")
    drawn = drawn[:: math.ceil(len(drawn) / FRAMES)]
    times = [at for at, _ in drawn]
    lasting = [
        max(LEAST_MILLISECONDS, min(round((after - at) * 1000), MOST_MILLISECONDS))
        for at, after in itertools.pairwise(times)
    ]
    first, *others = [reduced(png) for _, png in drawn]
    first.save(
        IMAGES / "web-app.gif",
        save_all=True,
        append_images=others,
        duration=[*lasting, LAST_MILLISECONDS],
        loop=0,
        optimize=True,
    )


def reduced(png: bytes) -> Image.Image:
    shown = Image.open(io.BytesIO(png)).convert("RGB")
    height = round(shown.height * WIDTH / shown.width)
    return shown.resize((WIDTH, height), Image.Resampling.LANCZOS).quantize(
        COLOURS, dither=Image.Dither.NONE
    )


def shrink(path: Path) -> None:
    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
