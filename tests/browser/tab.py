"""The app as a person uses it: found by the words on the page, as a screen reader finds it."""

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

REPOSITORY = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPOSITORY / "build" / "screenshots"
#: For two busy cores; only what is broken takes that long.
PATIENCE_MILLISECONDS = 90_000
#: What the browser and Firebase say by themselves where there is no network; Firebase looks for a
#: picture of Google's then, which the page's policy forbids.
WITHOUT_NETWORK = ("net::ERR_INTERNET_DISCONNECTED", "Could not reach Cloud", "/cleardot.gif")


class Tab:
    """One tab with the app in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.prompt = page.get_by_label("What is to be seen")
        self.result = page.get_by_role("region", name="Result")
        self.history = page.get_by_role("region", name="History")
        self.composer = page.get_by_role("region", name="Make something")
        self.picture = self.result.get_by_role("img", name=re.compile("^Picture: "))
        self.standing = self.result.locator(".standing")
        self.tiles = self.history.get_by_role("listitem")

    def ask(self, prompt: str, **settings: str) -> None:
        """Fill in the form, settings by their labels, and send it."""
        self.prompt.fill(prompt)
        if settings:
            self.open_settings()
        for label, value in settings.items():
            self.setting(label.replace("_", " ")).fill(value)
        self.page.get_by_role("button", name="Make it").click()

    def open_settings(self) -> None:
        details = self.composer.locator("details")
        if details.get_attribute("open") is None:
            self.composer.get_by_text("Settings", exact=True).click()

    def setting(self, label: str) -> Locator:
        return self.composer.get_by_label(label, exact=True)

    def wait_for_picture(self) -> str:
        """The address of the picture that is shown, once it is drawn on the page."""
        expect(self.picture).to_be_visible()
        assert self.picture.evaluate("async (it) => { await it.decode(); return it.naturalWidth }")
        source = self.picture.get_attribute("src")
        assert source
        return source

    def photograph(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


class Window:
    """A browser of one person, who may have several tabs open."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.context = context
        self.address = address
        self._complaints: list[str] = []
        self._was_offline = False
        context.set_default_timeout(PATIENCE_MILLISECONDS)
        expect.set_options(timeout=PATIENCE_MILLISECONDS)

    def open_tab(self) -> Tab:
        """The app in a new tab, signed in."""
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.goto(self.address)
        tab = Tab(page)
        expect(tab.prompt).to_be_visible()
        return tab

    def go_offline(self) -> None:
        self._was_offline = True
        self.context.set_offline(True)

    def go_online(self) -> None:
        self.context.set_offline(False)

    def assert_no_complaints(self) -> None:
        """Raises AssertionError with what the pages wrote to the console as errors."""
        assert not self._complaints, "\n".join(self._complaints)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        expected = self._was_offline and any(it in message.text for it in WITHOUT_NETWORK)
        if not expected:
            self._complaints.append(f"{message.text} ({message.location})")
