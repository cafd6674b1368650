"""A real browser without a window, and what it shows of a film.

Chromium or Chrome as the machine has it: the build that Playwright would download cannot play
H.264.
"""

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

#: Names on the PATH, in the order in which they are tried.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: Nothing of the browser's own goes out.
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--autoplay-policy=no-user-gesture-required",
)
PATIENCE_MILLISECONDS = 60_000

PLAY = """
async (source) => {
  const video = document.createElement("video");
  video.muted = true;
  video.src = source;
  document.body.append(video);
  const happens = (name) => new Promise((done, failed) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener("error", () => failed(new Error(video.error.message)), { once: true });
  });
  const ended = happens("ended");
  await video.play();
  await ended;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const frameAt = async (seconds) => {
    const there = happens("seeked");
    video.currentTime = seconds;
    await there;
    brush.drawImage(video, 0, 0);
    const { data } = brush.getImageData(0, 0, canvas.width, canvas.height);
    let bytes = "";
    for (let at = 0; at < data.length; at += 32768) {
      bytes += String.fromCharCode(...data.subarray(at, at + 32768));
    }
    return btoa(bytes);
  };
  return {
    size: [video.videoWidth, video.videoHeight],
    duration: video.duration,
    first: await frameAt(0.001),
    last: await frameAt(video.duration - 0.001),
  };
}
"""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Raises `LookupError` where there is no browser."""
    programs = (shutil.which(name) for name in PROGRAMS)
    program = next((it for it in programs if it), None)
    if program is None:
        raise LookupError(f"No browser found; install one of {', '.join(PROGRAMS)}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def play(page: Page, film: bytes, content_type: str = "video/mp4") -> dict[str, Any]:
    """Play `film` to its end; then `size`, `duration`, and `first` and `last` frame as base64 RGBA.

    Raises playwright's `Error` with the browser's words when it does not play.
    """
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    shown: dict[str, Any] = page.evaluate(
        PLAY, f"data:{content_type};base64,{base64.b64encode(film).decode()}"
    )
    return shown
