"""How long the web app's user waits beyond the model: a real Chromium, stack and worker.

Timed on the page: click → first preview drawn; the server's write of `completed` → the sentence on
the page, and → the picture decoded. Server and page are on one machine, so their clocks are one.
Counted: what a browser downloads, gzipped.
"""

import gzip
import time
from pathlib import Path
from typing import Any

from google.cloud import firestore

from bench.report import percentile, write_section
from tests.browser.tab import Tab, Window
from tests.databases import database_of
from tests.e2e.browser import open_browser
from tools.stack import running_stack
from tools.stack.names import BUILD
from tools.web.build import built_app

ROUNDS = 20
#: Not measured: connections, the function's cold start.
WARM_UP_ROUNDS = 2
#: For a preview or two.
STEPS = "150"
#: Only what is broken takes that long.
PATIENCE_MILLISECONDS = 30_000

#: Moments of one generation, in milliseconds since the epoch: of the click, the first preview, the
#: last sentence and the picture.
WATCH = """
(patience) => { window.watched = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("Nothing came.")), patience);
  const place = document.getElementById("result");
  const shown = () => place.querySelector("img[alt^='Picture: ']");
  const before = shown()?.src;
  const moments = {};
  document.querySelector(".main").addEventListener(
    "click", () => { moments.click = Date.now(); }, { once: true, capture: true });
  const note = (name) => { moments[name] ??= Date.now(); };
  const look = () => {
    if (!moments.click) return;
    if (place.querySelector(".preview:not([hidden])")) note("preview");
    const picture = shown();
    const said = place.querySelector(".standing")?.textContent;
    if (!picture || picture.src === before || said !== "Your picture is ready") return;
    watching.disconnect();
    note("sentence");
    picture.decode().then(() => { note("picture"); resolve(moments); });
  };
  const watching = new MutationObserver(look);
  watching.observe(place,
    { subtree: true, childList: true, attributes: true, characterData: true });
}); }
"""


def main() -> None:
    with (
        running_stack(BUILD / "bench-stack", worker=True, web=True) as stack,
        open_browser() as browser,
        browser.new_context() as context,
        database_of(stack, stack.project) as client,
    ):
        tab = Window(context, f"http://{stack.web}/").open_tab()
        rounds = [one_round(tab, client) for _ in range(WARM_UP_ROUNDS + ROUNDS)][WARM_UP_ROUNDS:]
    rows = [
        [name, *(f"{percentile(values, share):.0f} ms" for share in (0.5, 0.95))]
        for name, values in (
            (f"click → first preview on the page, of {STEPS} steps", [it[0] for it in rounds]),
            ("the server's write of `completed` → its sentence", [it[1] for it in rounds]),
            ("the same → the picture is decoded", [it[2] for it in rounds]),
        )
    ]
    rows.append(["the whole app, gzipped", f"{downloaded_bytes() / 1000:.0f} kB", ""])
    write_section("web-app", ["", "p50", "p95"], rows)


def one_round(tab: Tab, client: firestore.Client) -> tuple[float, float, float]:
    """Milliseconds: click to preview, completed to sentence, completed to picture."""
    tab.page.evaluate(WATCH, PATIENCE_MILLISECONDS)
    tab.ask("a red circle on a blue background", Steps=STEPS)
    moments: dict[str, Any] = tab.page.evaluate("window.watched")
    completed = newest_completed(client) * 1000
    return (
        moments["preview"] - moments["click"],
        moments["sentence"] - completed,
        moments["picture"] - completed,
    )


def newest_completed(client: firestore.Client) -> float:
    """When the server wrote the newest end, in seconds since the epoch."""
    ends = client.collection_group("generations").stream()
    return max(
        (it.get("completed_at").timestamp() for it in ends if "completed_at" in it.to_dict()),
        default=time.time(),
    )


def downloaded_bytes() -> int:
    """Of page, program, style and mark, each gzipped as hosts do."""
    files: list[Path] = [it for it in built_app().rglob("*") if it.is_file()]
    return sum(len(gzip.compress(it.read_bytes(), 9)) for it in files)


if __name__ == "__main__":
    main()
