"""What a campaign file may say of the numbers that its calls show, and whom `check` and `preview` let be called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from campaigns.definition import Definition, load_definition
from campaigns.definition.yaml_source import DefinitionFaults
from campaigns.launch.checking.checks import check
from campaigns.launch.clone import definition_yaml
from campaigns.launch.preview import preview
from dialer.providers.registry import account_settings
from tests.support.seeding import definition

FILE = """\
campaign: recalls
accounts: [main, spare]
contacts: {file: list.csv}
message: {tts: "Hello."}
caller_id: %s
"""
ALLOWED = {"provider": "webex", "service_key": "k", "caller_ids": ["+1 800 555 0100", "+18005550101"]}


def written(folder: Path, caller_id: str, phones: str = "+14155550101") -> Path:
    (folder / "list.csv").write_text(f"phone\n{phones}\n")
    (folder / "recalls.yaml").write_text(FILE % caller_id)
    return folder / "recalls.yaml"


@pytest.mark.parametrize(
    "caller_id",
    [
        "+18005550100",
        ["+18005550100", "+18005550101"],
        {"numbers": ["+18005550100"], "per_day": 200},
        {"numbers": ["+442079460190", "+18005550101"], "by": "region"},
    ],
)
def test_the_numbers_are_kept_as_they_were_written(caller_id, tmp_path):
    of_file = definition(caller_id=caller_id)
    assert of_file.caller_id.written == caller_id
    assert Definition.model_validate_json(of_file.model_dump_json()) == of_file
    (tmp_path / "copy.yaml").write_text(definition_yaml(of_file))
    assert load_definition(tmp_path / "copy.yaml").caller_id == of_file.caller_id


@pytest.mark.parametrize(
    ("caller_id", "place", "message"),
    [
        ("8005550100", "5:12: caller_id:", "no country code"),
        ('["+18005550100", "80055"]', "5:29: caller_id[2]:", "no country code"),
        ('["+18005550100", "+1 800 555 0100"]', "5:12: caller_id:", "names +18005550100 twice"),
        ("[]", "5:12: caller_id:", "names no number"),
        ('{numbers: ["+18005550100"], per_day: 0}', "5:49: caller_id.per_day:", "must be more than 0"),
        ('{numbers: ["+18005550100"], by: country}', "5:44: caller_id.by:", "expected rotation or region"),
        ('{numbers: ["+80012345678"], by: region}', "5:12: caller_id:", "belongs to no country"),
        ('{numbers: "+18005550100", perday: 3}', "5:38: caller_id.perday:", "did you mean per_day?"),
        ("{by: rotation}", "5:1: caller_id.numbers:", "is missing"),
    ],
)
def test_what_cannot_be_shown_is_named_with_its_place(tmp_path, caller_id, place, message):
    with pytest.raises(DefinitionFaults) as refused:
        load_definition(written(tmp_path, caller_id))
    assert place in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("caller_id", "place"),
    [
        ('"+18005550102"', "5:12: caller_id:"),
        ('["+18005550101", "+18005550102"]', "5:29: caller_id[2]:"),
        ('{numbers: ["+18005550102"], per_day: 5}', "5:23: caller_id.numbers[1]:"),
    ],
)
def test_a_number_that_an_account_may_not_show_is_refused(tmp_path, caller_id, place):
    accounts = {"main": account_settings(**ALLOWED), "spare": account_settings(**ALLOWED | {"caller_ids": []})}
    with pytest.raises(DefinitionFaults) as refused:
        check(written(tmp_path, caller_id), accounts)
    assert f"{place} account main may not show +18005550102 – remove it, or add it to" in str(refused.value)


def test_the_next_account_may_be_given_a_number_of_its_own(tmp_path):
    accounts = {"main": account_settings(**ALLOWED | {"caller_ids": []}), "spare": account_settings(**ALLOWED)}
    file = written(tmp_path, '["+18005550101", "+18005550102"]')
    with pytest.raises(DefinitionFaults, match=r"account spare may not show \+18005550102 – name one that it may"):
        check(file, accounts)
    with file.open("a") as more:
        more.write('by_account: {spare: {caller_id: "+18005550100"}}\n')
    moved = check(file, accounts).definition.for_account("spare")
    assert moved.caller_id.for_contact("+18005550102") == "+18005550100"


@pytest.mark.parametrize(
    ("own", "place", "message"),
    [
        ('"8005550100"', "6:33: by_account.spare.caller_id:", "no country code"),
        ('["+18005550100", "80055"]', "6:50: by_account.spare.caller_id[2]:", "no country code"),
        ('["+18005550101", "+18005550101"]', "6:33: by_account.spare.caller_id:", "names +18005550101 twice"),
        ("[]", "6:33: by_account.spare.caller_id:", "names no number"),
        ('{numbers: ["+18005550101"], per_day: 0}', "6:70: by_account.spare.caller_id.per_day:", "more than 0"),
        ('["+18005550101", "+18005550102"]', "6:50: by_account.spare.caller_id[2]:", "account spare may not show"),
        ('{numbers: ["+18005550102"]}', "6:44: by_account.spare.caller_id.numbers[1]:", "account spare may not show"),
    ],
)
def test_several_numbers_of_the_next_account_are_checked_as_the_campaigns_are(tmp_path, own, place, message):
    accounts = {"main": account_settings(**ALLOWED), "spare": account_settings(**ALLOWED)}
    file = written(tmp_path, '"+18005550100"')
    file.write_text(f"{file.read_text()}by_account: {{spare: {{caller_id: {own}}}}}\n")
    with pytest.raises(DefinitionFaults) as refused:
        check(file, accounts)
    assert place in str(refused.value)
    assert message in str(refused.value)


def test_several_numbers_of_the_next_account_are_kept_and_previewed(tmp_path):
    accounts = {name: account_settings(**ALLOWED | {"caller_ids": []}) for name in ("main", "spare")}
    own = {"numbers": ["+14155550190", "+12125550190"], "by": "region", "per_day": 5}
    of_file = definition(accounts=["main", "spare"], by_account={"spare": {"caller_id": own}})
    assert Definition.model_validate_json(of_file.model_dump_json()) == of_file
    assert of_file.for_account("spare").caller_id.written == own
    assert of_file.for_account("main").caller_id.written == "+18005550100"
    file = written(tmp_path, '"+18005550100"', phones="+12125550101\n+442079460103")
    file.write_text(f"{file.read_text()}by_account: {{spare: {{caller_id: {json.dumps(own)}}}}}\n")
    shown = preview(file, accounts)
    assert (shown.caller_ids, shown.caller_ids_by_account) == (
        ["+18005550100"],
        {"spare": ["+12125550190", "+14155550190"]},
    )
    (reject,) = check(file, accounts).rejects
    assert reject.reason == "no number of the campaign's by_account.spare.caller_id is of GB"


def test_by_region_a_row_of_another_country_is_rejected_and_the_others_see_theirs(tmp_path):
    accounts = {name: account_settings(**ALLOWED | {"caller_ids": []}) for name in ("main", "spare")}
    pool = '{numbers: ["+442079460190", "+12125550190", "+14155550190"], by: region}'
    file = written(tmp_path, pool, phones="+14155550101\n+34915550102\n+442079460103")
    (reject,) = check(file, accounts).rejects
    assert (reject.line, reject.column, reject.code) == (3, "phone", "no_caller_id")
    assert (reject.reason, reject.suggestion) == (
        "no number of the campaign's caller_id is of ES",
        "add a number of ES to caller_id.numbers",
    )
    assert preview(file, accounts).caller_ids == ["+14155550190", "+12125550190"]
    assert preview(file, accounts, 4).caller_ids == ["+442079460190"]
