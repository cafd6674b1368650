"""Photographs the web app for the README: `python -m bench.web_recording` writes docs/images.

A picture becomes visible step by step, against a stack of its own. Bound: FRAMES.
"""

import io
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect

from tests.browser.tab import Tab, Window
from tests.e2e.browser import open_browser
from tools.stack import running_stack
from tools.stack.names import BUILD, REPOSITORY

IMAGES = REPOSITORY / "docs" / "images"
SIZE = {"width": 1100, "height": 760}
#: The recording is smaller, and has few colours: it is for a page that loads fast.
WIDTH = 640
COLOURS = 96
FRAMES = 60
FRAME_MILLISECONDS = 150
LAST_MILLISECONDS = 2500

BEFORE = (
    "a red circle on a blue background",
    "a yellow star on a purple background",
    "two green stars on a white background",
)
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
        tab.setting("Steps").fill("150")
        tab.composer.get_by_text("Settings", exact=True).click()
        tab.prompt.fill("")
        record(tab)
        tab.page.emulate_media(color_scheme="dark")
        tab.page.screenshot(path=IMAGES / "web-app.png")
    shrink(IMAGES / "web-app.png")


def record(tab: Tab) -> None:
    frames = [frame_of(tab)]
    tab.prompt.fill(PROMPT)
    frames.append(frame_of(tab))
    tab.page.get_by_role("button", name="Make it").click()
    expect(tab.tiles).to_have_count(len(BEFORE) + 1)
    while len(frames) < FRAMES:
        frames.append(frame_of(tab))
        if re.search("ready", tab.standing.text_content() or ""):
            break
    tab.wait_for_picture()
    frames.append(frame_of(tab))
    lasting = [FRAME_MILLISECONDS] * (len(frames) - 1) + [LAST_MILLISECONDS]
    first, *others = frames
    first.save(
        IMAGES / "web-app.gif",
        save_all=True,
        append_images=others,
        duration=lasting,
        loop=0,
        optimize=True,
    )


def frame_of(tab: Tab) -> Image.Image:
    shown = Image.open(io.BytesIO(tab.page.screenshot())).convert("RGB")
    height = round(shown.height * WIDTH / shown.width)
    return shown.resize((WIDTH, height), Image.Resampling.LANCZOS).quantize(
        COLOURS, dither=Image.Dither.NONE
    )


def shrink(path: Path) -> None:
    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


if __name__ == "__main__":
    main()
