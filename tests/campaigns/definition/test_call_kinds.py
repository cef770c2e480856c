"""`call:` says whom people are connected with, `retry.mnemonics:` what the provider's words are taken for."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest

from campaigns.definition import Definition, load_definition
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.checking.checks import check
from dialer.calls import CallRequest
from dialer.phone import PhoneNumber
from dialer.providers.registry import provider_for
from dialer.verdicts import Ruling, Verdict
from tests.support.dialers import callgear, webex

KINDS = {
    "{kind: simple, operator: '+18005550199', first_call: operator, switch_at_once: true, early_switching: true}": (
        "start.simple_call",
        {"operator": "18005550199", "first_call": "operator", "switch_at_once": True, "early_switching": True},
    ),
    "{kind: employee, employee_id: 25, phone_number: 101, employee_message: {media: 2561}}": (
        "start.employee_call",
        {
            "employee": {"id": 25, "phone_number": "101"},
            "employee_message": {"type": "media", "value": "2561"},
            "first_call": "contact",
        },
    ),
    "{kind: scenario, scenario_id: 23456}": ("start.scenario_call", {"scenario_id": 23456, "first_call": "contact"}),
    "{kind: vnumber, first_call: employee}": ("start.vnumber_call", {"first_call": "employee"}),
    "{kind: informer}": ("start.informer_call", {"dialing_timeout": 30}),
}


def written(folder: Path, *lines: str, message: str = 'message: {tts: "Hello"}') -> Path:
    (folder / "list.csv").write_text("phone\n+14155550101\n")
    head = ["campaign: talk", "account: main", "contacts: {file: list.csv}", 'caller_id: "+18005550100"', message]
    file = folder / "talk.yaml"
    file.write_text("\n".join([*head, *lines]) + "\n")
    return file


def params_of(definition) -> tuple[str, dict]:
    request = CallRequest(
        correlation_id=uuid4(),
        to=PhoneNumber("+14155550101"),
        caller_id=PhoneNumber(definition.caller_id.first),
        script=definition.script("Hello" if definition.message else None),
        ring_timeout=definition.ring_timeout,
        kind=definition.call,
    )
    body = json.loads(provider_for(callgear()).placing(request).body)
    return body["method"], body["params"]


@pytest.mark.parametrize("written_kind", KINDS, ids=lambda text: text.strip("{}").split(",")[0])
def test_every_kind_becomes_its_method_with_its_own_parameters(tmp_path, written_kind):
    method, own = KINDS[written_kind]
    sent, params = params_of(load_definition(written(tmp_path, f"call: {written_kind}")))
    assert sent == method
    assert {name: params[name] for name in own} == own
    assert params["contact_message"] == {"type": "tts", "value": "Hello"}


def test_a_call_that_connects_people_needs_no_message_and_an_informer_does(tmp_path):
    quiet = load_definition(written(tmp_path, "call: {kind: vnumber}", message=""))
    assert "contact_message" not in params_of(quiet)[1]
    with pytest.raises(DefinitionFaults, match="message: is missing"):
        load_definition(written(tmp_path, message=""))


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ("call: {kind: simple}", "call.operator", "is missing"),
        ("call: {kind: simple, operator: '5'}", "call.operator", "+"),
        ("call: {kind: simple, operator: '+18005550199', early_switching: true}", "call", "first_call: operator"),
        ("call: {kind: simple, operator: '+18005550199', first_call: employee}", "call.first_call", "operator"),
        ("call: {kind: employee}", "call.employee_id", "is missing"),
        ("call: {kind: employee, employee_id: -1}", "call.employee_id", "must be more than 0"),
        ("call: {kind: scenario, scenario_id: x}", "call.scenario_id", "a whole number"),
        ("call: {kind: vnumber, switch_at_one: true}", "call.switch_at_one", "did you mean switch_at_once?"),
        ("call: {kind: vnumbr}", "call", "write kind: informer or simple"),
        ("call: {operator: '+18005550199'}", "call", "write kind: informer or simple"),
        ("call: {kind: vnumber}\nring_timeout: 20", "ring_timeout", "the provider decides"),
    ],
)
def test_what_is_wrong_with_a_kind_is_named_with_what_to_write(tmp_path, line, key, said):
    with pytest.raises(DefinitionFaults) as caught:
        check(written(tmp_path, line), {"main": callgear()})
    (fault,) = caught.value.faults
    assert fault.key == key
    assert said in str(fault)


@pytest.mark.parametrize("written_kind", KINDS, ids=lambda text: text.strip("{}").split(",")[0])
def test_a_definition_comes_back_from_the_ledger_as_it_was(tmp_path, written_kind):
    definition = load_definition(written(tmp_path, f"call: {written_kind}"))
    assert Definition.model_validate_json(definition.model_dump_json()) == definition


def test_what_our_side_hears_is_measured_before_anybody_is_called(tmp_path):
    file = written(tmp_path, "call: {kind: scenario, scenario_id: 5, employee_message: {tts: A customer}}")
    with pytest.raises(DefinitionFaults, match=r"call\.employee_message: the text has 10 characters"):
        check(file, {"main": callgear(tts_limit=8)})


def test_a_provider_without_kinds_refuses_them(tmp_path):
    with pytest.raises(DefinitionFaults, match="webex has no call"):
        check(written(tmp_path, "call: {kind: vnumber}"), {"main": webex()})


def test_a_word_of_the_provider_is_taken_as_the_campaign_wants_it(tmp_path):
    file = written(
        tmp_path, "retry: {max_attempts: 1, mnemonics: {media_file_not_found: refuse_contact, brand_new: suppress}}"
    )
    definition = check(file, {"main": callgear()}).definition

    def overruled(mnemonic: str, verdict: Verdict) -> Verdict:
        return definition.override_ruling(Ruling(verdict=verdict, mnemonic=mnemonic)).verdict

    assert overruled("media_file_not_found", Verdict.HALT_CAMPAIGN) is Verdict.REFUSE_CONTACT
    assert overruled("brand_new", Verdict.HALT_CAMPAIGN) is Verdict.SUPPRESS
    assert overruled("auth_error", Verdict.HALT_ACCOUNT) is Verdict.HALT_ACCOUNT
    for fixed in (Verdict.PLACED, Verdict.UNCONFIRMED, Verdict.LOGIN_AGAIN):
        assert overruled("brand_new", fixed) is fixed


@pytest.mark.parametrize(
    ("mnemonics", "said"),
    [
        ("{internal_error: not_placed}", "internal_error is unconfirmed: the call may be ringing"),
        ("{access_token_expired: not_placed}", "access_token_expired is login_again: a login is renewed by itself"),
        ("{media_file_not_found: placed}", "cannot be placed: only the provider can say"),
        ("{media_file_not_found: unconfirmed}", "cannot be unconfirmed: only silence"),
        ("{media_file_not_found: throttled}", "cannot be throttled"),
        ("{media_file_not_found: not_sent}", "cannot be not_sent"),
        ("{media_file_not_found: never}", '"never" is no verdict'),
        ("{media_file_not_fond: suppress}", "did you mean media_file_not_found?"),
    ],
)
def test_what_may_not_be_overruled_is_refused_with_a_reason(tmp_path, mnemonics, said):
    file = written(tmp_path, f"retry: {{max_attempts: 1, mnemonics: {mnemonics}}}")
    with pytest.raises(DefinitionFaults) as caught:
        check(file, {"main": callgear()})
    assert said in str(caught.value)
