"""The console in Chromium, on a running stack: every page in both sizes and themes, and what people do there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from openpyxl import Workbook
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import PAGES, Place, addresses, append_list, begin_campaign, check_numbers
from tests.support import browser as chromium
from tests.support.browser import (
    DESK,
    PHONE,
    THEMES,
    Visitor,
    cells_under_labels,
    grave_faults,
    scrolls_sideways,
    visitor,
)
from tests.support.dialers import wait_for
from tests.support.draws import TIMES
from tests.support.english import english_in
from tests.support.seeding import numbers
from tests.support.shell import CONTACTS, SETTINGS, Shell
from workers.stack.info import running_stack

pytestmark = [pytest.mark.stack, chromium.needed]

STANDING = """\
campaign: standing
account: main
contacts: {standing: true}
message:
  tts: "Hello {{ name }}, this is a reminder of your appointment. Goodbye."
caller_id: "+18005550100"
"""
CROWD = """\
campaign: crowd
account: main
contacts: {file: crowd.csv}
message:
  tts: "Hello, this is a reminder of your appointment tomorrow at nine. Please bring your papers and arrive early."
caller_id: "+18005550100"
pace: 1.5
"""
RECURRING = """\
campaign: weekly
account: main
contacts: {file: first.csv}
message:
  tts: "Hello {{ name }}, this is a reminder of your appointment. Goodbye."
caller_id: "+18005550100"
schedule: {zone: America/Chicago, repeat: "55 8 * * 1"}
"""
WRITTEN_BY_PEOPLE = {"do not call"}  # a reason on the suppression list; what else they wrote has no such words
WEBHOOKS = """
[webhooks]
internal_networks = ["127.0.0.1"]
"""


NAME_OF_FOCUSED = """(() => {
  const one = document.activeElement;
  return (one.labels?.[0]?.innerText || one.ariaLabel || one.innerText || "").trim();
})()"""


@dataclass(frozen=True)
class Stack:
    """A stack on a sandbox with a campaign that is over and one that goes on, and how people reach it."""

    shell: Shell
    address: str
    password: str


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    shell = Shell.prepared(tmp_path_factory.mktemp("desk"), settings=SETTINGS + WEBHOOKS)
    up = shell.begin("up", "--sandbox", "--speed", "5")
    try:
        wait_for(lambda: running_stack(shell.folder / ".dialer") is not None)
        info = running_stack(shell.folder / ".dialer")
        assert info is not None
        shell.write("first.csv", f"{CONTACTS}+14155550112,Dan\n")  # who does not answer
        shell.write("standing.yaml", STANDING)
        shell.write("crowd.yaml", CROWD)
        shell.write("weekly.yaml", RECURRING)
        shell.write("crowd.csv", "\n".join(["phone", *numbers(400)]))
        for line in (
            "start first.yaml",
            "start standing.yaml",
            "start crowd.yaml",
            "schedule add weekly.yaml",
            "dnc add +14155550142",
            "webhooks add clinic http://127.0.0.1:9/events",
        ):
            assert shell.run(*line.split()).code == 0
        yield Stack(shell, info.urls["console"], (shell.folder / ".dialer" / "password").read_text().strip())
    finally:
        shell.end(up)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium.chromium() as one:
        yield one


@pytest.fixture(scope="module")
def reader(browser: Browser, stack: Stack) -> Iterator[Visitor]:
    """Somebody who opens one page after the other."""
    with visitor(browser, stack.address, stack.password) as person:
        yield person


@pytest.fixture(scope="module")
def colleague(browser: Browser, stack: Stack) -> Iterator[Visitor]:
    """Somebody at another desk."""
    with visitor(browser, stack.address, stack.password) as person:
        yield person


@pytest.fixture
def operators(reader: Visitor, colleague: Visitor) -> Iterator[tuple[Visitor, Visitor]]:
    """Two people at two desks, whose tabs are closed when they have done what the test is about."""
    yield reader, colleague
    for person in (reader, colleague):
        assert person.complaints == []
        for page in person.context.pages:
            page.close()


@pytest.fixture(scope="module")
def places(stack: Stack, reader: Visitor) -> dict[str, Place]:
    """Where each page can be opened, found by the links of the others."""
    begin_campaign(reader, stack.shell.folder / "first.csv").close()
    checked = check_numbers(reader, stack.shell.write("not_called.csv", "number\n+14155550143\nnobody\n"))
    long_list = stack.shell.write("more.csv", "phone,note\n" + f"nobody,{'-' * 2000}\n" * 1100)
    appended = append_list(reader, "standing-1", long_list)
    with reader.http() as http:
        wait_for(lambda: "/first-1/redial" in http.get("/campaigns/first-1").text)  # it is over
        wait_for(lambda: "/calls/main/" in http.get("/calls").text)  # a call that can be managed
        return addresses(http, checked, appended)


@pytest.mark.drawn  # in make chaos each page is looked at by axe in both themes
@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_both_sizes_and_themes_and_shuts_nobody_out(
    reader: Visitor, places: dict[str, Place], path: str
) -> None:
    assert path in places, "no page leads to it"
    if not places[path].is_page:
        return
    page = reader.go(places[path].address)
    for size, theme in zip((DESK, PHONE), THEMES, strict=True):
        page.set_viewport_size(size)
        for shown in THEMES:
            page.emulate_media(color_scheme=shown)
            assert not scrolls_sideways(page), f"{path} at {size['width']} px, {shown}"
        if (
            TIMES > 1 or theme == THEMES[PAGES.index(path) % 2]
        ):  # else the next page is looked at in this theme and size
            page.emulate_media(color_scheme=theme)
            assert grave_faults(page) == []
    assert cells_under_labels(page) == []  # it has the size of a phone
    assert page.locator("h1").count() == 1
    assert reader.complaints == []


@pytest.mark.parametrize("language", ["ru", "es"])
def test_no_page_says_anything_in_english_to_others(reader: Visitor, places: dict[str, Place], language: str) -> None:
    """But for what people have written into lists and campaigns, and the names of columns."""
    english = {}
    with reader.http() as http:
        for path, place in places.items():
            if place.is_page:
                page = http.get(place.address, headers={"accept-language": language}).text
                english[path] = [words for words in english_in(page) if words not in WRITTEN_BY_PEOPLE]
    assert {path: words for path, words in english.items() if words} == {}


def resumed(page: Page) -> None:
    """Whatever an earlier test has left, the campaign goes on."""
    if page.get_by_role("button", name="Resume").count():
        page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def test_two_people_see_each_others_pause(operators: tuple[Visitor, Visitor]) -> None:
    first, second = (person.page("/campaigns/standing-1") for person in operators)
    resumed(first)
    expect(second.get_by_role("button", name="Pause")).to_be_visible()
    assert float(second.locator("body").get_attribute("data-every") or 99) <= 1.5, "seconds between two looks"
    first.get_by_role("button", name="Pause").click()
    expect(first.locator("h1 .pill.paused")).to_be_visible()
    with second.expect_response(lambda reply: reply.url.endswith("/campaigns/standing-1")):
        pass  # the first look that began after the pause may be the next one
    expect(second.locator("h1 .pill.paused")).to_be_visible()
    expect(second.get_by_role("button", name="Resume")).to_be_visible()
    second.get_by_role("button", name="Resume").click()
    expect(first.locator("h1 .pill.running")).to_be_visible()


def test_a_double_click_and_the_back_button_do_no_harm(operators: tuple[Visitor, Visitor]) -> None:
    page = operators[0].page("/campaigns/standing-1")
    resumed(page)
    page.get_by_role("button", name="Pause").dblclick()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.reload()
    expect(page.locator("h1 .pill.paused")).to_be_visible()
    resumed(page)


def test_the_keyboard_alone_pauses_and_resumes(operators: tuple[Visitor, Visitor]) -> None:
    page = operators[0].page("/campaigns/standing-1")
    resumed(page)
    for button, status in (("Pause", "paused"), ("Resume", "running")):
        press(page, button)
        expect(page.locator(f"h1 .pill.{status}")).to_be_visible()


def press_until_focused(page: Page, name: str, presses: int = 90) -> None:
    """Go on with the Tab key to what has this name."""
    for _ in range(presses):
        page.keyboard.press("Tab")
        if page.evaluate(NAME_OF_FOCUSED) == name:
            return
    raise AssertionError(f"{page.url}: the Tab key does not come to {name} in\n{page.inner_text('main')}")


def test_a_lost_connection_says_so_until_it_is_back(operators: tuple[Visitor, Visitor]) -> None:
    person = operators[0]
    page = person.page("/campaigns/standing-1")
    message = page.get_by_text("The console does not answer")
    expect(message).to_be_hidden()
    person.context.set_offline(True)
    expect(message).to_be_visible()
    person.context.set_offline(False)
    expect(message).to_be_hidden()
    person.complaints.clear()  # a browser complains of requests that it cannot send


def test_the_pages_speak_the_language_of_the_browser_with_its_own_dates(browser: Browser, stack: Stack) -> None:
    with visitor(browser, stack.address, stack.password, locale="es-MX") as person:
        page = person.page("/campaigns/first-1")
        expect(page.locator("html")).to_have_attribute("lang", "es")
        expect(page.get_by_role("heading", name="Contactos")).to_be_visible()
        page.get_by_role("button", name="Русский").click()
        expect(page.get_by_role("heading", name="Контакты")).to_be_visible()
        assert person.complaints == []


def messy_workbook(file: Path) -> Path:
    """A list as offices keep them: numbers in every form, one that is none, a row left blank."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Patients"
    for row in (
        ["Patient", "Mobile phone", "At"],
        ["Ann", "+1 (415) 555-0101", "9:00"],
        ["Bob", "1-212-555-0102", "9:20"],
        ["Cleo", 13125550103, "9:40"],
        [],
        ["Dan", "call his wife", "10:00"],
        ["Eve", "+1 415 555 0118", "10:20"],
    ):
        sheet.append(row)
    book.save(file)
    return file


def test_the_keyboard_alone_goes_from_a_messy_workbook_to_the_report(
    operators: tuple[Visitor, Visitor], tmp_path: Path
) -> None:
    """The whole job. Choosing the file is the browser's own window; all else is Tab, Space, Enter and letters."""
    page = begin_campaign(operators[0], messy_workbook(tmp_path / "patients.xlsx"))
    follow(page, "Save and continue")
    write(page, "Text", "Hello {{ patient }}, we expect you tomorrow at {{ at }}. Goodbye.")
    follow(page, "Save and continue")
    write(page, "Number shown to the people called", "+18005550100")
    press(page, "People may be called at any hour, also at night", key="Space")
    follow(page, "Save and continue")
    follow(page, "Check the list")
    expect(page.get_by_text("call his wife")).to_be_visible()
    with page.expect_download() as rejects:
        press(page, "Download these rows")
    assert "call his wife" in Path(rejects.value.path()).read_text("utf-8-sig")
    follow(page, "Continue")
    expect(page.get_by_text("people are called")).to_be_visible()
    follow(page, "Continue")
    press(page, "Leave out the row that cannot be called", key="Space")
    follow(page, "Start on the sandbox")
    page.wait_for_url("**/campaigns/patients-1")
    expect(page.locator("h1 .pill.finished")).to_be_visible()
    with page.expect_download() as report:
        press(page, "Contacts and what became of them")
    lines = Path(report.value.path()).read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + 4
    assert sum(",reached," in line for line in lines) == 3


def press(page: Page, name: str, key: str = "Enter") -> None:
    """Go to what has this name, and press a key there."""
    press_until_focused(page, name)
    page.keyboard.press(key)


def follow(page: Page, name: str) -> None:
    """Press Enter on what has this name, and wait for the page to which it leads."""
    with page.expect_navigation():
        press(page, name)


def write(page: Page, label: str, text: str) -> None:
    """Go to the field with this label, and write."""
    press_until_focused(page, label)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
