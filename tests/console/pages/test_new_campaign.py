"""A new campaign in the browser: from a messy list to a running campaign, by forms alone, without JavaScript."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from campaigns.definition import load_definition
from campaigns.launch.clone import definition_yaml
from campaigns.launch.drafts import file_drafts
from tests.console.conftest import Console
from tests.support import console_server
from tests.support.campaign_files import FULL
from tests.support.examples import EXAMPLES
from tests.support.html import NASTY, send, text_of, token_of
from tests.support.new_campaigns import (
    MESSY,
    begun,
    checked,
    fields_of,
    fill_in,
    kept,
    prepared,
    upload,
    workbook,
)

LISTS = {file.stem: file.read_bytes() for file in EXAMPLES.glob("*.csv")}

# Drafts are files: no statement of these tests differs between the stores.
pytestmark = pytest.mark.parametrize("shared_console", ["sqlite"], indirect=True, scope="module")


@pytest.fixture
def draft(console: Console) -> str:
    """The address of a draft with the messy list."""
    return begun(console, workbook())


def test_columns_country_hours_and_text_are_proposed_for_a_messy_workbook(console: Console, draft: str) -> None:
    text = kept(console, draft).file.read_text("utf-8")
    for line in ("campaign: recall-march", "- Mobile phone", "country: US", "zone: Time zone", "key: Booking no"):
        assert line in text
    assert "tts: Hello {{ first_name }}, this is a reminder. Goodbye." in text
    assert "caller_id" not in text, "nobody knows it"
    assert "09:00-20:00" in text


def test_a_page_of_columns_shows_three_rows_and_no_whole_number(console: Console, draft: str) -> None:
    html = console.http.get(f"{draft}/columns").text
    page = text_of(html)
    assert "Ann Bob Cy" in page
    assert console_server.PHONES[0] not in html
    assert "555-0102" not in html
    assert '<option value="phone" selected>' in html


def test_what_a_column_is_for_can_be_changed(console: Console, draft: str) -> None:
    reply = fill_in(
        console, f"{draft}/columns", **{"use-3": "", "use-4": "", "duplicates": "first", "campaign": "recall"}
    )
    assert (reply.status_code, reply.headers["location"]) == (303, f"{draft}/message")
    text = kept(console, draft).file.read_text("utf-8")
    assert "campaign: recall\n" in text
    assert "duplicates: first" in text
    assert "key:" not in text
    assert kept(console, draft).name == "recall"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"use-0": ""}, "say which column holds the phone numbers"),
        ({"use-1": "key"}, "two columns are for the same"),
        ({"country": "UK"}, "did you mean GB?"),
        ({"campaign": "my campaign"}, "does not fit"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field_and_kept_as_typed(
    console: Console, draft: str, changes: dict[str, str], words: str
) -> None:
    before = kept(console, draft).file.read_text("utf-8")
    reply = fill_in(console, f"{draft}/columns", **changes)
    assert reply.status_code == 422
    assert words in text_of(reply.text)
    assert all(fields_of(reply.text)[name] == value for name, value in changes.items())
    assert kept(console, draft).file.read_text("utf-8") == before


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "", "choose a file"),
        (b"%PDF-1.4 ...", "people.pdf", "this is a PDF"),
        (b"\xd0\xcf\x11\xe0" + b"0" * 600, "old.xls", "old spreadsheet's format"),
        (b"PK\x03\x04 no workbook", "broken.xlsx", "broken.xlsx"),
        (b"phone,name\n", "empty.csv", "no row"),
        (b"+14155550101,Ann\n+14155550102,Bob\n", "bare.csv", "write the columns' names above it"),
        (b"Recall list,\nphone,name\n+14155550101,Ann\n", "title.csv", "stand in line 2"),
        (b"phone,name\n" + b"x" * (5 << 20), "long.csv", "this is no list"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_its_reason(
    console: Console, content: bytes, name: str, words: str
) -> None:
    reply = upload(console, content, name)
    assert reply.status_code == 422
    assert words in text_of(reply.text).replace("&#39;", "'")
    assert file_drafts.listed(console.state.settings.data_dir) == []
    assert list((console.state.settings.data_dir / "drafts").glob("*")) == []


def test_no_cell_and_no_heading_becomes_markup(console: Console) -> None:
    header = ("phone", f"Name {NASTY}", '"><img src=x>', "{{ 7*7 }}")
    rows = [(console_server.PHONES[0], NASTY, '"><img src=x>', "=1+1")]
    draft = begun(console, workbook(rows, header), f"{NASTY}.xlsx".replace("/", ""))
    for step in ("columns", "message", "settings"):
        html = console.http.get(f"{draft}/{step}").text
        assert "<script>alert" not in html
        assert "<img src=x>" not in html
    tts = f"Hello {NASTY} {{{{ name_script_alert_x_script }}}}"
    heard = fill_in(console, f"{draft}/message", tts=tts, preview="1")
    assert "<script>alert" not in heard.text
    assert "&lt;script&gt;alert" in heard.text


def test_nul_and_huge_cells_and_formulas_are_shown_and_harm_nothing(console: Console) -> None:
    content = "phone,name,note\n+14155550101,An\x00n,x\n+14155550102,=HYPERLINK(1),'-1\n+14155550103,Cy,%s\n" % (
        "y" * 100_000
    )
    draft = begun(console, content.encode(), "odd.csv")
    html = console.http.get(f"{draft}/columns").text
    assert "=HYPERLINK(1)" in html
    assert len(html) < 40_000
    assert console.http.get(f"{draft}/message").status_code == 200


def test_a_double_click_on_the_upload_makes_one_draft(console: Console) -> None:
    page = console.http.get("/new").text
    once = page.partition('name="once" value="')[2].partition('"')[0]
    data = {"token": token_of(page), "once": once}
    places = {
        console.http.post("/new", data=data, files={"list": ("a.xlsx", workbook())}).headers["location"]
        for _ in range(2)
    }
    assert len(places) == len(file_drafts.listed(console.state.settings.data_dir)) == 1


def test_a_message_is_previewed_without_being_kept(console: Console, draft: str) -> None:
    before = kept(console, draft).file.read_text("utf-8")
    reply = fill_in(console, f"{draft}/message", tts="Dear {{ first_name }}, come on {{ day }}.", preview="1")
    page = text_of(reply.text)
    assert "Dear Ann, come on Monday." in page
    assert "25 characters · about" in page
    assert "line 3" in page
    assert kept(console, draft).file.read_text("utf-8") == before


def test_a_column_is_put_into_the_text_by_its_button(console: Console, draft: str) -> None:
    reply = fill_in(console, f"{draft}/message", insert="day")
    assert "Goodbye. {{ day }}</textarea>" in reply.text


@pytest.mark.parametrize(
    ("tts", "words"),
    [
        ("Hello {{ frist_name }}", "the list has no column"),
        ("Hello {{ first name }}", "write {{ first_name }}"),
        ("Hello {{ first_name", "line 1 of the text"),
        ("", "write what is said"),
    ],
)
def test_a_text_that_cannot_be_spoken_is_told_at_the_field(console: Console, draft: str, tts: str, words: str) -> None:
    reply = fill_in(console, f"{draft}/message", tts=tts)
    assert reply.status_code == 422
    assert 'id="tts-fault"' in reply.text
    assert words in text_of(reply.text)
    assert fields_of(reply.text)["tts"] == tts


def test_a_blank_cell_that_the_text_needs_is_told_for_its_row(console: Console) -> None:
    draft = begun(console, workbook(MESSY[-1:]))
    assert "first_name is blank" in text_of(console.http.get(f"{draft}/message").text)


def test_settings_are_kept_and_shown_again(console: Console, draft: str) -> None:
    wanted = {
        "account": "main",
        "caller_id": console_server.CALLER,
        "hours-mon": "09:00-12:30, 13:00-20:00",
        "hours-sat": "",
        "end": "2036-01-31T18:00",
        "busy": "5m, 90s",
        "pace": "2.5",
        "day_calls": "500",
        "per_number": "3/24h",
        "canary_contacts": "20",
        "canary_reached": "40",
        "other_part_of_day": "on",
    }
    reply = fill_in(console, f"{draft}/settings", **wanted)
    assert (reply.status_code, reply.headers.get("location")) == (303, f"{draft}/check"), text_of(reply.text)
    definition = load_definition(kept(console, draft).file)
    assert definition.schedule.windows == {
        "mon": ("09:00-12:30", "13:00-20:00"),
        "tue-fri": ("09:00-20:00",),
    }
    assert (definition.account, definition.pace, definition.canary and definition.canary.reached) == ("main", 2.5, 0.4)
    shown = fields_of(console.http.get(f"{draft}/settings").text)
    assert {name: shown[name] for name in wanted} == wanted
    unchanged = kept(console, draft).file.read_text("utf-8")
    assert fill_in(console, f"{draft}/settings").status_code == 303
    assert kept(console, draft).file.read_text("utf-8") == unchanged


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"caller_id": ""}, "write the number"),
        ({"caller_id": "18005550199"}, "+18005550199"),
        ({"hours-tue": "nine to five"}, "is not a range of hours"),
        ({f"hours-{day}": "" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}, "at any hour"),
        ({"zone": "EST"}, "America/New_York"),
        ({"holidays": "XX"}, "no holidays are known"),
        ({"busy": "5"}, "is not a duration"),
        ({"max_attempts": "many"}, "expected a whole number"),
        ({"pace": "0"}, "must be at least 0.0001"),
        ({"end": "soon"}, "soon"),
        ({"start": "2036-02-01T10:00", "end": "2036-01-01T10:00"}, "end comes before start"),
        ({"account": "nobody"}, "no account"),
        ({"canary_contacts": "20", "canary_reached": "all"}, "expected a number"),
        ({"priority": "4"}, "at most 3"),
        ({"account": "main", "priority": "3"}, "callgear has no priority"),
        ({"account": "main", "callback_data": "x"}, "callgear has no callback_data"),
        ({"account": "bulk", "callback_data": "{{ visit }}"}, 'no column "visit"'),
    ],
)
def test_a_setting_that_does_not_fit_is_told_and_kept_as_typed(
    console: Console, draft: str, changes: dict[str, str], words: str
) -> None:
    reply = fill_in(console, f"{draft}/settings", **{"caller_id": console_server.CALLER, **changes})
    assert reply.status_code == 422
    assert words in text_of(reply.text).replace("&#39;", "'").replace("&#34;", '"')
    typed = fields_of(reply.text)
    assert all(typed[name] == value for name, value in changes.items() if name != "account")


def test_what_only_one_provider_takes_is_kept_for_its_account(console: Console, draft: str) -> None:
    wanted = {"account": "bulk", "priority": "2", "callback_data": "recall 7"}
    reply = fill_in(console, f"{draft}/settings", caller_id=console_server.CALLER, **wanted)
    assert reply.status_code == 303, text_of(reply.text)
    definition = load_definition(kept(console, draft).file)
    assert (definition.priority, definition.callback_data) == (2, "recall 7")
    shown = fields_of(console.http.get(f"{draft}/settings").text)
    assert {name: shown[name] for name in wanted} == wanted


def test_two_windows_on_one_draft_never_lose_what_the_other_has_saved(console: Console, draft: str) -> None:
    mine, theirs = (fields_of(console.http.get(f"{draft}/message").text) for _ in range(2))
    assert console.http.post(f"{draft}/message", data=mine | {"tts": "My text."}).status_code == 303
    refused = console.http.post(f"{draft}/message", data=theirs | {"tts": "Another text."})
    assert refused.status_code == 409
    assert "somebody has changed this draft" in text_of(refused.text)
    assert "My text." in kept(console, draft).file.read_text("utf-8")
    again = fields_of(refused.text)
    assert again["tts"] == "Another text."
    assert console.http.post(f"{draft}/message", data=again).status_code == 303
    assert "Another text." in kept(console, draft).file.read_text("utf-8")


def test_a_draft_whose_list_is_being_read_is_saved_a_moment_later(console: Console, draft: str) -> None:
    with file_drafts.alone(kept(console, draft)):
        busy = fill_in(console, f"{draft}/message", tts="My text.")
    assert (busy.status_code, fields_of(busy.text)["tts"]) == (409, "My text.")
    assert "save again once the check is over" in text_of(busy.text)
    assert console.http.post(f"{draft}/message", data=fields_of(busy.text)).status_code == 303


def test_a_double_click_on_save_is_no_conflict(console: Console, draft: str) -> None:
    fields = fields_of(console.http.get(f"{draft}/message").text) | {"tts": "My text."}
    assert [console.http.post(f"{draft}/message", data=fields).status_code for _ in range(2)] == [303, 303]


def test_a_draft_is_listed_taken_up_again_and_removed(console: Console, draft: str) -> None:
    assert f'href="{draft}/columns"' in console.http.get("/new").text
    assert send(console.http, "/new", f"{draft}/remove").status_code == 303
    assert console.http.get(f"{draft}/columns").status_code == 404
    assert "None yet" in console.http.get("/new").text


def test_an_earlier_campaigns_list_and_settings_are_used_again(console: Console) -> None:
    earlier = console_server.add_campaign(console.ledger, now=console.clock())
    assert f'href="/new?like={earlier}"' in console.http.get(f"/campaigns/{earlier}").text
    assert f'<option value="{earlier}" selected>' in console.http.get(f"/new?like={earlier}").text
    draft = begun(console, b"", earlier=earlier, like=earlier, name="Second round")
    definition = load_definition(kept(console, draft).file)
    assert (definition.campaign, definition.caller_id.first, definition.message and definition.message.tts) == (
        *("second-round", console_server.CALLER, "Hello, this is a reminder."),
    )
    written = (kept(console, draft).folder / "list.csv").read_text("utf-8").splitlines()
    assert written == ['"phone"', *(f'"{phone}"' for phone in console_server.PHONES[:3])]


def test_a_campaign_is_copied_into_one_draft_however_often_the_button_is_pressed(console: Console) -> None:
    earlier = console_server.add_campaign(console.ledger, now=console.clock())
    page = f"/campaigns/{earlier}"
    once = re.findall(r'name="once" value="(\w+)"', console.http.get(page).text)[0]
    replies = [send(console.http, page, f"{page}/draft", {"once": once}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [303, 303]
    draft, again = (reply.headers["location"].removesuffix("/columns") for reply in replies)
    assert draft == again
    definition = load_definition(kept(console, draft).file)
    assert (definition.campaign, definition.caller_id.first) == ("reminder", console_server.CALLER)
    assert len((kept(console, draft).folder / "list.csv").read_text("utf-8").splitlines()) == 1 + 3
    token = {"token": token_of(console.http.get(page).text)}
    assert console.http.post("/campaigns/nothing-1/draft", data=token).status_code == 404


def test_a_campaign_without_people_is_copied_with_another_list(console: Console) -> None:
    standing = console_server.add_campaign(console.ledger, now=console.clock(), phones=())
    reply = send(console.http, f"/campaigns/{standing}", f"/campaigns/{standing}/draft", {})
    assert (reply.status_code, reply.headers["location"]) == (303, f"/new?like={standing}")


def test_the_file_is_downloaded_as_it_is(console: Console, draft: str) -> None:
    saved = fill_in(console, f"{draft}/settings", caller_id=console_server.CALLER)
    assert saved.status_code == 303, text_of(saved.text)
    reply = console.http.get(f"{draft}/campaign.yaml")
    assert 'filename="recall-march.yaml"' in reply.headers["content-disposition"]
    folder = Path(kept(console, draft).folder)
    (folder / "copy.yaml").write_bytes(reply.content)
    assert load_definition(folder / "copy.yaml").campaign == "recall-march"


@pytest.mark.parametrize("name", [*sorted(LISTS), "full"])
def test_nothing_of_a_campaign_file_is_lost_on_the_way_through_the_pages(
    console: Console, tmp_path: Path, name: str
) -> None:
    """Each step is opened and saved as it is, as by a browser: the definition is the same, whatever keys it has."""
    file = tmp_path / "full.yaml"
    file.write_text(FULL, "utf-8")
    definition = load_definition(file if name == "full" else EXAMPLES / f"{name}.yaml")
    draft = begun(console, LISTS.get(name, b"phone,name,timezone,appointment_at\n+14155550101,Ann,,\n"), "list.csv")
    changes = {"account": next(iter(console.state.settings.accounts)), "accounts": (), "by_account": {}}
    contacts = definition.contacts.model_copy(update={"file": "list.csv"})
    before = definition.model_copy(update={**changes, "contacts": contacts})
    kept(console, draft).file.write_text(definition_yaml(before), "utf-8")
    for step in ("columns", "message", *(("settings",) if before.schedule.windows else ())):
        saved = fill_in(console, f"{draft}/{step}")
        assert saved.status_code == 303, (step, text_of(saved.text))
    assert load_definition(kept(console, draft).file) == before


def test_reminders_and_the_rows_that_are_called_are_set_in_the_pages(console: Console, draft: str) -> None:
    reply = fill_in(console, f"{draft}/columns", where="Day is not empty", order="-Day, First name")
    assert reply.status_code == 303, text_of(reply.text)
    typed = {"account": "bulk", "caller_id": console_server.CALLER, "before_column": "Day", "before_at": "3d, 2h"}
    reply = fill_in(console, f"{draft}/settings", **typed)
    assert reply.status_code == 303, text_of(reply.text)
    definition = load_definition(kept(console, draft).file)
    assert (definition.contacts.where, definition.contacts.order) == ("Day is not empty", ("-Day", "First name"))
    assert definition.schedule.before is not None
    assert (definition.schedule.before.column, len(definition.schedule.before.at)) == ("Day", 2)
    page = console.http.get(f"{draft}/settings").text
    assert '<option value="Day" selected>' in page
    assert 'value="3d, 2h"' in page
    for fields, fault in (
        ({"before_at": "2h, 3d"}, "not in their order"),
        ({"before_at": "soon"}, "is not a duration"),
    ):
        reply = fill_in(console, f"{draft}/settings", **fields)
        assert (reply.status_code, fault in text_of(reply.text)) == (422, True)
    reply = fill_in(console, f"{draft}/columns", where="Day =")
    assert (reply.status_code, "where" in fields_of(reply.text)) == (422, True)
    assert fill_in(console, f"{draft}/settings", before_column="", before_at="").status_code == 303
    assert load_definition(kept(console, draft).file).schedule.before is None


def test_a_scenario_and_what_people_press_are_set_in_the_pages(console: Console, draft: str) -> None:
    fill_in(console, f"{draft}/settings", account="main", caller_id=console_server.CALLER)
    rows = ("1", "confirmed", "2", "cancel", "Do not call", "stop")
    typed = dict(
        zip([f"response-{name}-{place}" for place in range(3) for name in ("key", "meaning")], rows, strict=True)
    )
    reply = fill_in(console, f"{draft}/message", call_kind="scenario", scenario_id="23456", **typed)
    assert reply.status_code == 303, text_of(reply.text)
    definition = load_definition(kept(console, draft).file)
    assert definition.responses == {"1": "confirmed", "2": "cancel", "Do not call": "stop"}
    assert (definition.call.kind, getattr(definition.call, "scenario_id", None)) == ("scenario", 23456)
    shown = fields_of(console.http.get(f"{draft}/message").text)
    assert {name: shown[name] for name in typed} == typed
    assert shown["response-key-5"] == "", "three blank rows for more"
    assert fill_in(console, f"{draft}/message", **{"response-key-1": "", "response-meaning-1": ""}).status_code == 303
    assert load_definition(kept(console, draft).file).responses == {"1": "confirmed", "Do not call": "stop"}
    assert fill_in(console, f"{draft}/message", call_kind="informer", scenario_id="").status_code == 303
    assert load_definition(kept(console, draft).file).call.kind == "informer"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"call_kind": "scenario", "scenario_id": ""}, "scenario_id", "is missing"),
        ({"call_kind": "scenario", "scenario_id": "IVR"}, "scenario_id", "expected a whole number"),
        ({"call_kind": "scenario", "scenario_id": "0"}, "scenario_id", "must be more than 0"),
        ({"response-key-1": "2"}, "response-meaning-1", "write what it means"),
        ({"response-meaning-0": "confirmed"}, "response-key-0", "write the key that is pressed"),
        ({"response-key-0": "1", "response-meaning-0": "OK!"}, "response-meaning-0", "is no name of a response"),
        (
            {"response-key-2": "1", "response-meaning-2": "none"},
            "response-meaning-2",
            "stands for those who press nothing",
        ),
        (
            {"response-key-0": "Yes", "response-meaning-0": "a", "response-key-1": " yes", "response-meaning-1": "b"},
            *("response-key-1", "has a row of its own above"),
        ),
        ({"response-key-0": "9" * 121, "response-meaning-0": "stop"}, "responses", "1 to 120 characters"),
    ],
)
def test_a_key_that_means_nothing_is_told_at_its_row_and_kept_as_typed(
    console: Console, draft: str, changes: dict[str, str], field: str, words: str
) -> None:
    fill_in(console, f"{draft}/settings", account="main", caller_id=console_server.CALLER)
    before = kept(console, draft).file.read_text("utf-8")
    reply = fill_in(console, f"{draft}/message", **changes)
    assert reply.status_code == 422
    fault = re.search(rf'<p class="fault" id="{field}-fault">([^<]*)', reply.text)
    assert fault, text_of(reply.text)
    assert words in fault[1]
    assert all(fields_of(reply.text)[name] == value.strip() for name, value in changes.items())
    assert kept(console, draft).file.read_text("utf-8") == before


def test_hours_of_single_countries_are_set_in_the_pages(console: Console, draft: str) -> None:
    typed = {
        **{"country-code-0": "CA", "country-hours-0": "mon-fri 09:30-12:00, 13:00-20:00; sat 10:00-17:00"},
        **{"country-holidays-0": "CA, CA-ON", "country-code-1": "AU", "country-hours-1": "", "country-holidays-1": "-"},
    }
    assert fill_in(console, f"{draft}/settings", caller_id=console_server.CALLER, **typed).status_code == 303
    by_country = load_definition(kept(console, draft).file).schedule.by_country
    assert by_country["CA"].windows == {"mon-fri": ("09:30-12:00", "13:00-20:00"), "sat": ("10:00-17:00",)}
    assert (by_country["CA"].holidays, by_country["AU"].windows, by_country["AU"].holidays) == (
        ("CA", "CA-ON"),
        None,
        (),
    )
    shown = fields_of(console.http.get(f"{draft}/settings").text)
    assert {name: shown[name] for name in typed} == typed
    unchanged = kept(console, draft).file.read_text("utf-8")
    assert fill_in(console, f"{draft}/settings").status_code == 303
    assert kept(console, draft).file.read_text("utf-8") == unchanged
    gone = dict.fromkeys(typed, "")
    assert fill_in(console, f"{draft}/settings", **gone).status_code == 303
    assert load_definition(kept(console, draft).file).schedule.by_country == {}


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        (("UK", "mon 09:00-10:00", ""), "country-code-1", "did you mean GB?"),
        (("", "mon 09:00-10:00", ""), "country-code-1", "write the country"),
        (("CA", "", ""), "country-hours-1", "write its hours"),
        (("CA", "nine to five", ""), "country-hours-1", "nine"),
        (("CA", "mon 9-5", ""), "country-hours-1", "is not a range of hours"),
        (("CA", "", "XX"), "country-holidays-1", "no holidays are known"),
        (("au", "", "AU"), "country-code-1", "has a row of its own above"),
    ],
)
def test_a_country_that_does_not_fit_is_told_at_its_row(
    console: Console, draft: str, row: tuple[str, ...], field: str, words: str
) -> None:
    first = {"country-code-0": "AU", "country-hours-0": "mon-fri 09:00-17:00"}
    second = dict(zip(("country-code-1", "country-hours-1", "country-holidays-1"), row, strict=True))
    reply = fill_in(console, f"{draft}/settings", caller_id=console_server.CALLER, **first, **second)
    assert reply.status_code == 422
    fault = re.search(rf'<p class="fault" id="{field}-fault">([^<]*)', reply.text)
    assert fault, text_of(reply.text)
    assert words in fault[1]
    assert all(fields_of(reply.text)[name] == value for name, value in (first | second).items())


def test_a_wait_that_no_field_shows_stays_when_another_figure_is_changed(console: Console, draft: str) -> None:
    definition = load_definition(EXAMPLES / "bank.yaml")
    kept(console, draft).file.write_text(
        kept(console, draft).file.read_text("utf-8") + "canary: {contacts: 20, wait: 15m}\n", "utf-8"
    )
    fill_in(console, f"{draft}/settings", caller_id=console_server.CALLER, canary_contacts="30")
    canary = load_definition(kept(console, draft).file).canary
    assert canary is not None
    assert definition.canary is not None
    assert (canary.contacts, canary.wait) == (30, definition.canary.wait)


@pytest.mark.parametrize("draft_id", ["nothing.000000000000", "..", "x.y", "a.0123456789ab%00"])
def test_a_draft_that_is_not_there_is_not_found(console: Console, draft_id: str) -> None:
    assert console.http.get(f"/new/{draft_id}/columns").status_code == 404


def test_each_bad_row_is_shown_with_its_remedy_and_no_whole_number(console: Console) -> None:
    draft = prepared(console, workbook())
    html = checked(console, draft)
    page = text_of(html)
    assert "3 will be called 3 cannot be called 0 are left out 6 rows in the list" in page
    assert "5 Mobile phone 12" in page
    assert "6 Mobile phone +14*******00 the same number stands in line 2" in page
    assert "7 First name" in page
    assert console_server.PHONES[0] not in html
    file = send(console.http, f"{draft}/check", f"{draft}/rejects.csv")
    assert "recall-march-rejects.csv" in file.headers["content-disposition"]
    assert console_server.PHONES[0] in file.content.decode("utf-8-sig")
    assert "rejects downloaded" in console.http.get("/audit").text


def test_no_cell_of_a_rejected_row_becomes_markup(console: Console) -> None:
    header = ("phone", "name", NASTY)
    draft = prepared(console, workbook([(NASTY, NASTY, NASTY), (console_server.PHONES[0], "Ann", "x")], header))
    assert "<script>alert" not in checked(console, draft)


def test_what_a_draft_lacks_is_told_with_the_step_that_corrects_it(console: Console, draft: str) -> None:
    reply = send(console.http, f"{draft}/check", f"{draft}/check")
    assert reply.status_code == 422
    assert "caller_id: is missing" in text_of(reply.text)
    assert f'href="{draft}/settings">correct it' in reply.text


def test_a_long_list_is_checked_by_a_worker_and_the_page_shows_how_far_it_is(console: Console) -> None:
    rows = b"".join(b"+1303555%04d,Ann %d\n" % (100 + number % 100, number) for number in range(120_000))
    draft = prepared(console, b"phone,name\n" + rows)
    html = checked(console, draft)
    assert "<progress" in html
    assert 'data-every="1"' in html
    assert "The list is being read" in text_of(html)
    busy = console.http.get(f"{draft}/plan").text
    assert "Make the plan" in busy, "a long list is planned when it is asked for"


def test_a_change_makes_the_check_of_before_worth_nothing(console: Console) -> None:
    draft = prepared(console)
    assert "Every row can be called." in text_of(checked(console, draft))
    fill_in(console, f"{draft}/message", tts="Something else.")
    assert "Check the list" in text_of(console.http.get(f"{draft}/check").text)


def test_the_plan_says_when_and_shows_it(console: Console) -> None:
    page = console.http.get(f"{prepared(console, workbook())}/plan").text
    words = text_of(page)
    assert "3 people are called" in words
    assert "3, whose row has a mistake" in words
    assert '<svg class="chart"' in page
    assert "Calls in each 5 minutes, by the clock of America/" in words
    assert "likely end" in words


def test_a_plan_of_a_draft_that_lacks_something_says_what(console: Console, draft: str) -> None:
    reply = send(console.http, f"{draft}/plan", f"{draft}/plan")
    assert reply.status_code == 422
    assert "caller_id: is missing" in text_of(reply.text)
