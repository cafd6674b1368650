"""Usable by everybody: with a keyboard, a screen reader, on a narrow phone, in the dark."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.tab import REPOSITORY, Tab

AXE = REPOSITORY / "build/node/node_modules/axe-core/axe.min.js"
NARROW = {"width": 360, "height": 740}


def violations(tab: Tab) -> list[str]:
    """What axe finds on the page as it is, in words."""
    if not tab.page.evaluate("'axe' in window"):
        # Evaluated, not added as a script: the page's own policy forbids those.
        tab.page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = tab.page.evaluate("axe.run().then((it) => it.violations)")
    return [
        f"{it['id']}: {it['help']}: {json.dumps([node['html'] for node in it['nodes']])}"
        for it in found
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_the_page_is_in_anybody_s_way(tab: Tab, scheme: Any) -> None:
    tab.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    tab.open_settings()
    assert violations(tab) == []
    tab.ask("a red circle on a blue background", Steps="150", Pictures="2")
    expect(tab.standing).to_contain_text("Drawing")
    assert violations(tab) == []
    tab.wait_for_picture()
    assert violations(tab) == []
    tab.result.get_by_role("button", name="Begin with it").click()
    tab.composer.get_by_label("Change only what I paint").check()
    assert violations(tab) == []
    tab.result.get_by_role("button", name="Delete").click()
    assert violations(tab) == []
    tab.photograph(f"dialog-{scheme}")


def test_a_narrow_phone_shows_it_all_without_scrolling_sideways(tab: Tab) -> None:
    tab.page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    tab.open_settings()
    tab.ask("a red circle on a blue background", Steps="4", Pictures="2")
    tab.wait_for_picture()
    assert tab.page.evaluate("document.documentElement.scrollWidth") == NARROW["width"]
    tab.photograph("narrow")


def test_the_whole_way_can_be_gone_with_the_keyboard_alone(tab: Tab) -> None:
    keyboard = tab.page.keyboard

    def go_to(name: str) -> None:
        for _ in range(40):
            keyboard.press("Tab")
            focused = tab.page.evaluate(
                "document.activeElement.labels?.[0]?.textContent"
                " || document.activeElement.getAttribute('aria-label')"
                " || document.activeElement.textContent"
            )
            if focused.strip().startswith(name):
                return
        raise AssertionError(f"{name} is not reached with the Tab key")

    go_to("What is to be seen")
    keyboard.type("a red circle on a blue background")
    go_to("Settings")
    keyboard.press("Enter")
    go_to("Steps")
    keyboard.type("4")
    go_to("Make it")
    keyboard.press("Enter")
    tab.wait_for_picture()
    expect(tab.page.locator("#status")).to_have_text("Your picture is ready")
    go_to("Begin with it")
    keyboard.press("Enter")
    go_to("Change only what I paint")
    keyboard.press("Space")
    go_to("Mask.")


def test_the_scheme_that_a_person_chose_is_kept(tab: Tab) -> None:
    tab.page.emulate_media(color_scheme="light")
    switch = tab.page.get_by_role("button", name="Dark")
    expect(switch).to_have_attribute("aria-pressed", "false")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = tab.page.evaluate(paper)
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    dark = tab.page.evaluate(paper)
    assert dark != light
    tab.page.reload()
    expect(switch).to_have_attribute("aria-pressed", "true")
    assert tab.page.evaluate(paper) == dark


def test_every_setting_of_the_contract_has_a_control_with_its_limits(tab: Tab) -> None:
    tab.open_settings()
    for task, choose in (("Text2Img", "Picture"), ("Text2Video", "Film")):
        tab.page.get_by_text(choose, exact=True).click()
        schema = json.loads((REPOSITORY / f"clients/schema/{task}Request.json").read_text())
        elsewhere = {"task_type", "prompt", "user_id", "file_uid", "use_cloud_storage", "loras"}
        elsewhere |= {"video_width", "video_height"}
        names = set(schema["properties"]) - elsewhere
        assert len(names) >= 7
        for name in names:
            control = tab.composer.locator(f"[name={name}]")
            field = schema["properties"][name]
            for limit, attribute in (("minimum", "min"), ("maximum", "max")):
                if limit in field:
                    expect(control).to_have_attribute(attribute, f"{field[limit]}")
            default = field.get("default", "")
            if isinstance(default, bool):
                expect(control).to_be_checked(checked=default)
            else:
                expect(control).to_have_value(
                    default if isinstance(default, str) else f"{default:g}"
                )
