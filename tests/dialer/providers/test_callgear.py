"""CallGear: what we send it, and what each of its words means."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from dialer.calls import CallRequest, Outcome, Progress
from dialer.http import HttpReply
from dialer.phone import PhoneNumber
from dialer.providers.callgear.provider import CallGear
from dialer.providers.callgear.words import GROUPS, MNEMONICS
from dialer.providers.registry import account_settings
from dialer.scripts import Recording, Speech
from dialer.verdicts import Meter, Verdict

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ATTEMPT = UUID("6a8f7c34-0c5e-4b8e-9f0e-1f6f1f3f8a11")
LIMITS = {
    "day_limit": 750,
    "day_remaining": 741,
    "day_reset": 31492,
    "minute_limit": 150,
    "minute_remaining": 149,
    "minute_reset": 52,
}


def provider(**credentials: str) -> CallGear:
    given = credentials or {"access_token": "permanent"}
    return CallGear(account_settings(**{"provider": "callgear", "base_url": "http://127.0.0.1:9", **given}))


def with_login() -> CallGear:
    return provider(login="operator", password="open sesame")


def call(**changes: Any) -> CallRequest:
    facts = {
        "correlation_id": ATTEMPT,
        "to": PhoneNumber("+14155550100"),
        "caller_id": PhoneNumber("+14155550199"),
        "script": Speech(text="Привет, Ann"),
    }
    return CallRequest(**{**facts, **changes})


def replied(body: Any, status: int = 200) -> HttpReply:
    return HttpReply(status=status, body=json.dumps(body).encode())


def failed(mnemonic: str | None, code: int = -32602, **data: Any) -> HttpReply:
    error = {"code": code, "message": "said in passing", "data": {"mnemonic": mnemonic, **data}}
    return replied({"jsonrpc": "2.0", "id": "x", "error": error})


# Placing


def test_an_informer_call_carries_every_parameter_of_its_document():
    request = provider().placing(call(dtmf="..1.2", direction="out", ring_timeout=25))
    assert (request.method, request.url, request.places) == ("POST", "http://127.0.0.1:9/v4.0", True)
    assert request.headers["content-type"] == "application/json; charset=UTF-8"
    assert json.loads(request.body) == {
        "jsonrpc": "2.0",
        "id": str(ATTEMPT),
        "method": "start.informer_call",
        "params": {
            "access_token": "permanent",
            "virtual_phone_number": "14155550199",
            "external_id": str(ATTEMPT),
            "dtmf_string": "..1.2",
            "direction": "out",
            "contact": "14155550100",
            "dialing_timeout": 25,
            "contact_message": {"type": "tts", "value": "Привет, Ann"},
        },
    }


def test_a_recording_is_named_by_its_id_and_no_parameter_is_sent_that_was_not_given():
    params = json.loads(provider().placing(call(script=Recording(media_id="2701"))).body)["params"]
    assert params["contact_message"] == {"type": "media", "value": "2701"}
    assert "dtmf_string" not in params


def test_a_ring_longer_than_the_document_allows_is_cut_to_what_it_allows():
    assert json.loads(provider().placing(call(ring_timeout=300)).body)["params"]["dialing_timeout"] == 120


def test_half_a_character_does_not_break_the_request():
    request = provider().placing(call(script=Speech(text="broken \ud83d")))
    assert json.loads(request.body)["params"]["contact_message"]["value"] == "broken ?"


def test_an_accepted_call_has_its_session_id_its_meter_and_its_price():
    ruling = provider().read_placing(
        replied({"result": {"data": {"call_session_id": 1238694}, "metadata": {"limits": LIMITS}}})
    )
    assert (ruling.verdict, ruling.provider_call_id, ruling.charged) == (Verdict.PLACED, "1238694", True)
    assert ruling.meter == Meter(**LIMITS)


def test_the_mark_of_an_encoding_before_an_answer_is_no_part_of_it():
    placed = replied({"result": {"data": {"call_session_id": 1238694}}})
    ruling = provider().read_placing(HttpReply(status=200, headers={}, body=b"\xef\xbb\xbf" + placed.body))
    assert (ruling.verdict, ruling.provider_call_id) == (Verdict.PLACED, "1238694")


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"limits": {}}, id="empty limits"),
        pytest.param({"limits": None}, id="null limits"),
        pytest.param({"total_items": 14, "version": None, "limits": {}}, id="as a real reply was seen"),
        pytest.param({}, id="empty"),
        pytest.param(None, id="null"),
        pytest.param([1], id="something else"),
        pytest.param({"limits": {"minute_remaining": None, "day_reset": "soon", "day_limit": True}}, id="junk members"),
    ],
)
def test_a_missing_meter_is_no_reason_to_stumble(metadata):
    ruling = provider().read_placing(replied({"result": {"data": {"call_session_id": 5}, "metadata": metadata}}))
    assert (ruling.verdict, ruling.meter) == (Verdict.PLACED, None)


def test_a_meter_keeps_what_it_has():
    limits = {"minute_remaining": 0, "minute_reset": 17.5}
    ruling = provider().read_placing(failed("limit_exceeded", -32029, metadata={"limits": limits}))
    assert ruling.meter == Meter(minute_remaining=0, minute_reset=17.5)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"result": {"data": {}}}, id="no id"),
        pytest.param({"result": {"data": {"call_session_id": None}}}, id="null id"),
        pytest.param({"result": {"data": {"call_session_id": True}}}, id="not an id"),
        pytest.param({"result": {"data": []}}, id="a list"),
        pytest.param({"result": "ok"}, id="a word"),
        pytest.param({"result": None}, id="null"),
        pytest.param({"jsonrpc": "2.0"}, id="neither result nor error"),
        pytest.param([], id="a batch"),
        pytest.param(None, id="null body"),
    ],
)
def test_an_acceptance_without_a_session_id_is_unconfirmed_and_no_word_of_failure(body):
    ruling = provider().read_placing(replied(body))
    assert (ruling.verdict, ruling.mnemonic) == (Verdict.UNCONFIRMED, None)


def test_a_session_id_beside_an_error_is_a_placed_call():
    error = {"code": -32603, "data": {"mnemonic": "internal_error"}}
    ruling = provider().read_placing(replied({"result": {"data": {"call_session_id": 5}}, "error": error}))
    assert (ruling.verdict, ruling.provider_call_id) == (Verdict.PLACED, "5")


# Errors

DESIGNED = [
    ("own_virtual_phone_number_not_allowed", Verdict.REFUSE_CONTACT),
    ("tts_text_exceeded", Verdict.REFUSE_CONTACT),
    ("character_encoding_not_allowed", Verdict.REFUSE_CONTACT),
    ("contact_in_blacklist", Verdict.SUPPRESS),
    ("media_file_not_found", Verdict.HALT_CAMPAIGN),
    ("virtual_phone_number_not_found", Verdict.HALT_CAMPAIGN),
    ("scenario_not_found", Verdict.HALT_CAMPAIGN),
    ("employee_not_found", Verdict.HALT_CAMPAIGN),
    ("required_parameter_missed", Verdict.HALT_CAMPAIGN),
    ("unexpected_parameters", Verdict.HALT_CAMPAIGN),
    ("invalid_parameters_combination", Verdict.HALT_CAMPAIGN),
    ("batch_operations_not_supported", Verdict.HALT_CAMPAIGN),
    ("batch_opreations_not_supported", Verdict.HALT_CAMPAIGN),
    ("auth_error", Verdict.HALT_ACCOUNT),
    ("access_token_blocked", Verdict.HALT_ACCOUNT),
    ("ip_not_whitelisted", Verdict.HALT_ACCOUNT),
    ("account_inactive", Verdict.HALT_ACCOUNT),
    ("component_disabled", Verdict.HALT_ACCOUNT),
    ("forbidden", Verdict.HALT_ACCOUNT),
    ("limit_exceeded", Verdict.THROTTLED),
    ("internal_error", Verdict.UNCONFIRMED),
]


@pytest.mark.parametrize(("mnemonic", "verdict"), DESIGNED)
@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_the_mnemonic_decides_whatever_the_code_and_the_http_status_are(mnemonic, verdict, status):
    reply = failed(mnemonic, -32000)
    ruling = provider().read_placing(HttpReply(status=status, body=reply.body))
    assert (ruling.verdict, ruling.mnemonic, ruling.code) == (verdict, mnemonic, "-32000")
    assert ruling.charged is False
    assert ruling.detail


@pytest.mark.parametrize("code", [-32602, -32002])
def test_a_blacklisted_contact_is_remembered_whatever_the_method_calls_it(code):
    assert provider().read_placing(failed("contact_in_blacklist", code)).verdict is Verdict.SUPPRESS


@pytest.mark.parametrize("mnemonic", ["invalid_parameter_value", "data_type_error"])
@pytest.mark.parametrize(
    ("field", "verdict"),
    [
        ("contact", Verdict.REFUSE_CONTACT),
        ("params.contact", Verdict.REFUSE_CONTACT),
        ("contact_message", Verdict.HALT_CAMPAIGN),
        ("contact_message.value", Verdict.HALT_CAMPAIGN),
        ("virtual_phone_number", Verdict.HALT_CAMPAIGN),
        ("dialing_timeout", Verdict.HALT_CAMPAIGN),
        (None, Verdict.HALT_CAMPAIGN),
    ],
)
def test_a_bad_parameter_is_the_contacts_fault_only_where_it_is_the_contacts_number(mnemonic, field, verdict):
    ruling = provider().read_placing(failed(mnemonic, field=field, value="14155550100"))
    assert (ruling.verdict, ruling.field) == (verdict, field)
    assert "14155550100" not in repr(ruling)


@pytest.mark.parametrize("mnemonic", ["tts_text_exceeded", "character_encoding_not_allowed", "media_file_not_found"])
def test_a_fault_of_what_is_said_or_played_says_so(mnemonic):
    assert provider().read_placing(failed(mnemonic)).blames_script


def test_a_fault_of_the_number_does_not_blame_the_script():
    assert not provider().read_placing(failed("invalid_parameter_value", field="contact")).blames_script


@pytest.mark.parametrize(("code", "rule"), GROUPS.items())
def test_an_unknown_mnemonic_is_decided_by_the_group_of_its_code_and_kept(code, rule):
    ruling = provider().read_placing(failed("something_new_in_2027", code))
    assert (ruling.verdict, ruling.mnemonic, ruling.code) == (rule.verdict, "something_new_in_2027", str(code))
    assert "said in passing" in ruling.detail


@pytest.mark.parametrize("error", ["no", 5, {}, [], {"code": "x", "data": "y"}, {"code": -31999, "data": {}}])
def test_an_error_in_no_known_shape_is_unconfirmed(error):
    assert provider().read_placing(replied({"error": error})).verdict is Verdict.UNCONFIRMED


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32603, "message": "Internal error"},
        {"code": "-32603"},
        {"code": -32603.0, "data": None},
        {"code": -32603, "data": {"mnemonic": None}},
    ],
)
def test_an_internal_error_without_its_mnemonic_is_one_by_its_code(error):
    ruling = provider().read_placing(replied({"error": error}))
    assert (ruling.verdict, ruling.mnemonic, ruling.code) == (Verdict.UNCONFIRMED, "internal_error", "-32603")


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        ({"code": -32050, "data": {"mnemonic": "brand_new_word"}}, "-32050", "brand_new_word"),
        ({"code": -32050, "message": "No robots", "data": {"mnemonic": "brand_new"}}, "-32050", "brand_new: No robots"),
        ({"message": "No robots", "data": {"mnemonic": "brand_new"}}, "200", "brand_new: No robots"),
        ({"code": -1, "message": "No robots"}, "-1", "No robots"),
        ("overloaded", "200", "overloaded"),
        (5, "200", "an error that no document lists"),
    ],
)
def test_an_error_that_no_document_lists_is_no_word_that_the_provider_failed(error, code, told):
    """So that its call is not made again because the list of calls does not show it."""
    ruling = provider().read_placing(replied({"error": error}))
    assert (ruling.verdict, ruling.mnemonic, ruling.code) == (Verdict.UNCONFIRMED, None, code)
    assert ruling.detail.endswith(told)


@pytest.mark.parametrize(
    ("helper", "told"),
    [
        ("https://help.example/errors/tag", "; more at https://help.example/errors/tag"),
        (None, ""),
        (5, ""),
        ("call us", ""),
        ("javascript:alert(1)", ""),
        ("https://help.example/a page", ""),
        ("https://help.example/errors?key=secret", "; more at https://help.example/errors"),
        ("https://help.example/14155550100", ""),
    ],
)
def test_a_page_about_the_error_is_told_with_it(helper, told):
    error = {"code": -32602, "data": {"mnemonic": "media_file_not_found", "extended_helper": helper}}
    detail = provider().read_placing(replied({"error": error})).detail
    assert detail == f"{MNEMONICS['media_file_not_found'].note}{told}"


def test_an_unknown_message_shows_no_number_and_no_key():
    message = "Contact 14155550100 (+1 415-555-0199) refused for key 2fRN4g217ca0b4224a67988aff3e584f91964a69"
    error = {"code": -32602, "message": message, "data": {"mnemonic": "new_one"}}
    detail = provider().read_placing(replied({"error": error})).detail
    assert "refused for key" in detail
    for secret in ("5550100", "555-0199", "2fRN4g217ca0b4224a67988aff"):
        assert secret not in detail


@pytest.mark.parametrize(
    ("params", "limits", "wait"),
    [
        ({"limit_type": "minute"}, {"minute_reset": 17, "day_reset": 900}, 17),
        ({"limit_type": "day"}, {"minute_reset": 17, "day_reset": 900}, 900),
        ({"limit_type": "Day"}, {"minute_remaining": 0, "minute_reset": 17, "day_reset": 900}, 900),
        ({"limit_type": "сутки"}, {"minute_reset": 17, "day_reset": 900}, 900),
        ({"limit_type": "минуту"}, {"minute_reset": 17, "day_reset": 900}, 17),
        ({}, {"minute_remaining": 0, "minute_reset": 17, "day_remaining": 5, "day_reset": 900}, 17),
        (None, {"minute_remaining": 0, "minute_reset": 17, "day_remaining": 0, "day_reset": 900}, 900),
        ("junk", {"minute_reset": 17}, 17),
        ({"limit_type": "minute"}, {"minute_reset": -3}, 0),
        ({"limit_type": "minute"}, {}, 60),
        ({"limit_type": "day"}, {}, 3600),
        (None, None, 60),
    ],
)
def test_an_exceeded_limit_is_waited_out(params, limits, wait):
    ruling = provider().read_placing(failed("limit_exceeded", -32029, params=params, metadata={"limits": limits}))
    assert (ruling.verdict, ruling.retry_after) == (Verdict.THROTTLED, wait)


@pytest.mark.parametrize("mnemonic", ["access_token_expired", "access_token_invalid"])
def test_a_refused_key_is_renewed_by_a_login_and_halts_a_permanent_one(mnemonic):
    assert with_login().read_placing(failed(mnemonic, -32001)).verdict is Verdict.LOGIN_AGAIN
    assert provider().read_placing(failed(mnemonic, -32001)).verdict is Verdict.HALT_ACCOUNT
    assert with_login().forget_login() is True
    assert provider().forget_login() is False


# Logging in


def logged_in(expire_at: Any) -> CallGear:
    account = with_login()
    assert account.logging_in(NOW)
    ruling = account.read_login(replied({"result": {"data": {"access_token": "t1", "expire_at": expire_at}}}))
    assert ruling.verdict is Verdict.PLACED
    return account


def test_a_permanent_key_needs_no_login():
    assert provider().logging_in(NOW) is None


def test_a_login_asks_with_login_and_password_and_its_key_is_used():
    account = with_login()
    request = account.logging_in(NOW)
    assert json.loads(request.body)["method"] == "login.user"
    assert json.loads(request.body)["params"] == {"login": "operator", "password": "open sesame"}
    assert request.places is False
    account.read_login(replied({"result": {"data": {"access_token": "t1", "expire_at": NOW.timestamp() + 3600}}}))
    assert json.loads(account.placing(call()).body)["params"]["access_token"] == "t1"


def test_a_key_is_renewed_a_minute_before_it_ends():
    account = logged_in(int(NOW.timestamp()) + 3600)
    assert account.logging_in(NOW + timedelta(seconds=3539)) is None
    assert account.logging_in(NOW + timedelta(seconds=3540)) is not None


def test_a_key_that_lives_shorter_than_a_minute_is_still_used():
    account = logged_in(NOW.timestamp() + 36)
    assert account.logging_in(NOW + timedelta(seconds=17)) is None
    assert account.logging_in(NOW + timedelta(seconds=18)) is not None


@pytest.mark.parametrize("expire_at", [None, "soon", NOW.timestamp() - 60])
def test_a_key_whose_end_is_not_told_or_already_past_is_used_until_it_is_refused(expire_at):
    account = logged_in(expire_at)
    assert account.logging_in(NOW + timedelta(days=1)) is None
    assert account.forget_login()
    assert account.logging_in(NOW + timedelta(days=1)) is not None


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (failed("auth_error", -32001), Verdict.HALT_ACCOUNT),
        (failed("internal_error", -32603), Verdict.NOT_PLACED),
        (replied({"result": {"data": {}}}), Verdict.NOT_PLACED),
        (HttpReply(status=502, body=b"<html>"), Verdict.NOT_PLACED),
    ],
)
def test_a_failed_login_is_never_unconfirmed(reply, verdict):
    account = with_login()
    assert account.read_login(reply).verdict is verdict
    assert account.logging_in(NOW) is not None


# The list of calls


def listed(*sessions: Any) -> HttpReply:
    return replied({"result": {"data": list(sessions)}})


def seen(*states: str, operator: str | None = None) -> Progress | None:
    legs = [{"leg_id": place, "is_operator": False, "state": state} for place, state in enumerate(states)]
    if operator:
        legs.append({"leg_id": 99, "is_operator": True, "state": operator})
    session = {"call_session_id": 5, "external_id": str(ATTEMPT), "legs": legs}
    return provider().read_looking(listed(session)).seen[0].progress


@pytest.mark.parametrize(
    ("state", "progress"),
    [
        ("Talk", Progress.ANSWERED),
        ("Talking", Progress.ANSWERED),
        ("conversation", Progress.ANSWERED),
        ("РАЗГОВОР", Progress.ANSWERED),
        ("Operators’ conversation", Progress.ANSWERED),
        ("  On   hold ", Progress.ANSWERED),
        ("Fax sent.", Progress.ANSWERED),
        ("Отправка dtmf", Progress.ANSWERED),
        ("Redial", Progress.RINGING),
        ("Dial", Progress.RINGING),
        ("Дозвон", Progress.RINGING),
        ("Next in line", Progress.PLACED),
        ("Disconnected", Progress.ENDED),
        ("Разъединено", Progress.ENDED),
        ("Marcando", None),
    ],
)
def test_the_state_of_a_leg_is_read_in_every_edition_and_language(state, progress):
    assert seen(state) is progress


def test_the_contacts_leg_counts_and_an_operators_does_not():
    assert seen("Dial", operator="Talk") is Progress.RINGING


@pytest.mark.parametrize(("operator", "progress"), [("Talk", None), ("On hold", None), ("Dial", Progress.RINGING)])
def test_where_only_operators_are_listed_nobody_has_answered_for_the_contact(operator, progress):
    assert seen(operator=operator) is progress


def test_the_leg_that_is_furthest_counts():
    assert seen("Disconnected", "Talk") is Progress.ANSWERED
    assert seen("Disconnected", "Dial") is Progress.RINGING


def test_a_listed_call_without_legs_is_placed():
    assert seen() is Progress.PLACED


def test_a_listed_call_is_known_by_both_ids_and_keeps_its_word():
    legs = [{"is_operator": False, "state": "Dial"}]
    listing = provider().read_looking(listed({"call_session_id": 206597836, "external_id": str(ATTEMPT), "legs": legs}))
    sighting = listing.seen[0]
    assert (sighting.provider_call_id, sighting.correlation_id, sighting.word) == ("206597836", ATTEMPT, "Dial")
    assert listing.usable


@pytest.mark.parametrize("external_id", [None, "34rty567", 5, ""])
def test_calls_of_others_are_seen_without_an_id_of_ours(external_id):
    listing = provider().read_looking(listed({"call_session_id": 5, "external_id": external_id, "legs": []}))
    assert (listing.usable, listing.seen[0].correlation_id) == (True, None)


def test_an_empty_list_says_that_no_call_is_in_progress():
    listing = provider().read_looking(listed())
    assert (listing.usable, list(listing.seen)) == (True, [])


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(replied({"result": {"data": None}}), id="null"),
        pytest.param(replied({"result": {"data": {}}}), id="no list"),
        pytest.param(replied({"result": {"data": [], "metadata": None}, "error": {"code": -32603}}), id="and an error"),
        pytest.param(failed("component_disabled", -32008), id="not in the tariff"),
        pytest.param(failed("limit_exceeded", -32029), id="limit"),
        pytest.param(failed("internal_error", -32603), id="internal error"),
        pytest.param(HttpReply(status=200, body=b"<html>hello</html>"), id="a web page"),
        pytest.param(HttpReply(status=503), id="out of service"),
        pytest.param(listed({"call_session_id": 5, "legs": []}, "junk"), id="an entry that is none"),
        pytest.param(listed({"external_id": str(ATTEMPT), "legs": []}), id="an entry without its id"),
    ],
)
def test_a_list_that_may_not_be_whole_proves_no_absence(reply):
    listing = provider().read_looking(reply)
    assert not listing.usable
    assert listing.ruling.verdict is not Verdict.UNCONFIRMED


def test_an_account_is_checked_by_what_it_has():
    assert json.loads(provider().checking().body)["method"] == "list.calls"
    assert json.loads(with_login().checking().body)["method"] == "login.user"
    assert provider().read_checking(listed()).verdict is Verdict.PLACED
    assert provider().read_checking(failed("component_disabled", -32008)).mnemonic == "component_disabled"


# Scripts and the table


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (Speech(text="Hello"), None),
        (Speech(text="x" * 5000), None),  # only the provider knows how long a text may be
        (Speech(text="   "), "characters"),
        (Speech(text="\ud83d"), "characters"),
        (Recording(media_id="2701"), None),
        (Recording(media_id="welcome.mp3"), "media"),
        (Recording(media_id=""), "media"),
        (Recording(media_id="²"), "media"),
    ],
)
def test_a_script_that_cannot_be_spoken_is_found_before_launch(script, code):
    fault = provider().check_script(script)
    assert (fault.code if fault else None) == code


def test_the_policy_shows_every_mnemonic():
    shown = {row.mnemonic for row in provider().policy()}
    assert shown >= set(MNEMONICS)
    assert "invalid_parameter_value on contact" in shown


def test_a_voice_that_cannot_be_chosen_is_refused_and_not_ignored():
    fault = provider().check_script(Speech(text="Hello", voice={"gender": "male"}))
    assert (fault.code, fault.suggestion) == ("voice", "remove voice")


@pytest.mark.parametrize("others", [6, "6", 5e300, "6a8f7c34"])
def test_a_report_about_another_call_says_nothing_about_the_one_that_was_asked_about(others):
    reports = provider(access_token="permanent", data_api_url="http://127.0.0.1:9")
    leg = {"is_operator": False, "connect_time": "2026-03-02 12:00:20", "duration": 4}
    own, foreign = {**leg, "call_session_id": 5}, {**leg, "call_session_id": others}
    assert reports.read_asking(replied({"result": {"data": [own]}}), "5").outcome is Outcome.ANSWERED
    for legs in ([foreign], [own, foreign]):
        status = reports.read_asking(replied({"result": {"data": legs}}), "5")
        assert (status.progress, status.ruling.mnemonic) == (None, "about_another")
    row = {"id": 5, "call_api_external_id": str(ATTEMPT)}
    assert reports.read_tracing(replied({"result": {"data": [row]}}), ATTEMPT).provider_call_id == "5"
    row["call_api_external_id"] = others
    assert reports.read_tracing(replied({"result": {"data": [row]}}), ATTEMPT).provider_call_id is None
