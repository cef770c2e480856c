"""The Call API's document: no method and no mnemonic is missing on either side, and every example works as printed."""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from campaigns.definition.key_reference import described_keys
from dialer.http import HttpReply
from dialer.providers.callgear import managing, starting
from dialer.providers.callgear.methods import METHODS
from dialer.providers.callgear.operation import Operation
from dialer.providers.callgear.provider import CallGear
from dialer.providers.callgear.settings import CallGearSettings
from dialer.providers.callgear.words import GROUPS, MNEMONICS
from dialer.providers.registry import account_settings
from dialer.sandbox.callgear import methods as sandbox
from dialer.sandbox.callgear.errors import ERRORS, OTHERWISE
from dialer.sandbox.callgear.params import Param
from dialer.sandbox.callgear.schema import answer_of
from dialer.scripts import Recording, Script, Speech
from dialer.verdicts import Verdict
from tests.contract.callgear.extract import RECORDED, facts, json_blocks
from tests.contract.callgear.provoking import BESIDES, PROVOKED
from tests.contract.callgear.tables import CAMPAIGN_PLACES, shown_only
from tests.support.sandbox_clients import Clients

ROOT = Path(__file__).parents[3]
DOCUMENT = json.loads(RECORDED.read_text("utf-8"))
EXAMPLES = DOCUMENT["methods"]
LISTED = {(word, code) for method in EXAMPLES.values() for word, code in method["errors"]}
LISTED |= {(word, code) for word, code in DOCUMENT["common_errors"]}
WORDS = sorted({word for word, _ in LISTED})
UNMETERED = {"parse_error", "invalid_request", "method_not_found", "access_token_blocked", "access_token_invalid"}
UNMETERED |= {"access_token_expired", "auth_error", "ip_not_whitelisted"}


def documents() -> list[Path]:
    """The document itself, where somebody has it: in `seeds/` beside the code, or in the folder CALLGEAR_DOCUMENTS."""
    folder = Path(os.environ.get("CALLGEAR_DOCUMENTS", ROOT / "seeds"))
    texts = [
        file for file in sorted(folder.glob("*.txt")) if "List of errors common for all" in file.read_text("utf-8")
    ]
    return [file for file in texts if "Groups of error codes" in file.read_text("utf-8")]


def test_what_is_recorded_is_what_the_document_says():
    files = documents()
    if not files:
        pytest.skip("the vendor's document is not here: put it into seeds/ or name its folder in CALLGEAR_DOCUMENTS")
    assert [facts(file.read_text("utf-8")) for file in files] == [DOCUMENT] * len(files)


def test_the_pages_of_single_methods_show_the_same_examples():
    folder = Path(os.environ.get("CALLGEAR_DOCUMENTS", ROOT / "seeds"))
    pages = [file.read_text("utf-8") for file in sorted(folder.glob("*.txt"))]
    shown = [block for page in pages for block in json_blocks(page) if block.get("method") in EXAMPLES]
    if not shown:
        pytest.skip("the vendor's document is not here: put it into seeds/ or name its folder in CALLGEAR_DOCUMENTS")
    assert [block for block in shown if block != EXAMPLES[block["method"]]["request"]] == []


def test_every_method_is_on_both_sides():
    assert sorted(METHODS) == sorted(sandbox.METHODS) == DOCUMENT["method_list"]
    assert len(METHODS) == 22


def test_every_mnemonic_has_a_verdict_a_place_in_the_sandbox_and_a_provocation():
    assert [word for word in WORDS if word not in MNEMONICS] == []
    assert [word for word in WORDS if word not in ERRORS] == []
    assert sorted(PROVOKED) == WORDS
    assert sorted(GROUPS) == DOCUMENT["groups"]


def test_every_code_of_a_mnemonic_is_the_documents():
    spoken = {(word, kind.code) for word, kind in ERRORS.items()}
    spoken |= {(word, kind.code) for (_, word), kind in OTHERWISE.items()}
    assert spoken == LISTED


def test_both_sides_know_a_method_by_the_same_parameters():
    def shape(known: Any) -> dict[str, Any]:
        return {
            one.name: (one.type if isinstance(one, Param) else one.kind, one.required, shape(one.members))
            for one in known
        }

    for name, method in METHODS.items():
        assert shape(method.params) == shape(sandbox.METHODS[name].known), name
        assert method.component == sandbox.METHODS[name].component
        assert {word for word, _ in EXAMPLES[name]["errors"]} <= set(method.own_errors), name


def listed(known: Any, inside: str = "") -> dict[str, list[Any]]:
    """Parameters of a side as the document lists them: by path, with type and whether required."""
    shapes: dict[str, list[Any]] = {}
    for one in known:
        shapes[inside + one.name] = [one.type if isinstance(one, Param) else one.kind, one.required]
        shapes |= listed(one.members, f"{inside}{one.name}.")
    return shapes


def test_every_parameter_of_every_method_is_on_both_sides_and_has_a_place():
    assert sum(len(method["parameters"]) + len(shown_only(method)) for method in EXAMPLES.values()) == 122
    assert len(WORDS) == 39
    for name, method in EXAMPLES.items():
        ours = listed(METHODS[name].params)
        newer = ours.keys() - method["parameters"].keys() - set(shown_only(method))
        assert newer <= {"virtual_phone_usage_rule"}, name
        assert {path: ours[path] for path in method["parameters"]} == method["parameters"], name
        assert set(shown_only(method)) <= ours.keys() & listed(sandbox.METHODS[name].known).keys(), name


def test_every_field_of_a_reply_is_in_the_sandboxs_schema():
    for name, method in EXAMPLES.items():
        schema = json.dumps(answer_of(name))
        assert [field for field in method["reply_fields"] if f'"{field}"' not in schema] == [], name


def test_every_key_that_a_parameter_comes_from_is_one_of_campaign_files_or_settings():
    keys = {name.rpartition(".")[2] for name, _ in described_keys()} | set(CallGearSettings.model_fields)
    named = {key for place in CAMPAIGN_PLACES.values() for key in re.findall(r"`([a-z_.]+)`", place)}
    assert {key for key in named if key.rpartition(".")[2] not in keys} == set()


@pytest.mark.parametrize("word", WORDS)
def test_the_sandbox_says_every_mnemonic_as_an_error_object_of_the_document(start: Callable[..., Clients], word):
    error = PROVOKED[word](start())["error"]
    assert error["data"]["mnemonic"] == word
    assert (word, error["code"]) in LISTED
    assert error["code"] == ERRORS[word].code
    assert "{" not in error["message"]
    assert error["data"].keys() - {"metadata"} == {"mnemonic", "field", "value", "params", "extended_helper"}
    excepted = word in UNMETERED | {"batch_opreations_not_supported", "notifications_not_supported"}
    assert ("metadata" in error["data"]) is not excepted


@pytest.mark.parametrize(("word", "code", "provoke"), BESIDES)
def test_a_methods_own_page_may_have_another_code_or_cause(start: Callable[..., Clients], word, code, provoke):
    error = provoke(start())["error"]
    assert (error["data"]["mnemonic"], error["code"]) == (word, code)


def test_every_group_of_codes_is_provoked():
    spoken = {ERRORS[word].code for word in PROVOKED} | {code for _, code, _ in BESIDES}
    assert spoken == set(DOCUMENT["groups"])


def shape_of(value: Any) -> Any:
    """Names and kinds, whatever the values are. Success is said in two ways, and empty fields are null."""
    if isinstance(value, dict):
        return {name: shape_of(inner) for name, inner in value.items() if name != "metadata"}
    if isinstance(value, list):
        return [shape_of(inner) for inner in value[:1]]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_request_gets_the_shape_of_the_examples_reply(vendor: Clients, name):
    reply = vendor.raw(EXAMPLES[name]["request"])
    assert shape_of(reply) == shape_of(EXAMPLES[name]["reply"])


def test_the_example_of_an_error_has_the_shape_of_the_sandboxs(vendor: Clients):
    example = DOCUMENT["example_of_an_error"]["error"]
    error = vendor.informer(contact=5)["error"]
    assert shape_of(error) == shape_of(example) | {"data": shape_of(error["data"])}
    assert error["data"].keys() - {"metadata"} == example["data"].keys()
    assert (error["code"], error["message"]) == (example["code"], example["message"])


# The client


def client() -> CallGear:
    key = EXAMPLES["logout.user"]["request"]["params"]["access_token"]
    return CallGear(account_settings(**{"provider": "callgear", "access_token": key}))


def said(message: dict[str, str]) -> Script:
    return Recording(media_id=message["value"]) if message["type"] == "media" else Speech(text=message["value"])


def function_of(name: str) -> Callable[..., Operation[Any]]:
    written = name.replace(".", "_")
    return getattr(starting, written, None) or getattr(managing, written)


def asked(name: str) -> Operation[Any]:
    """The example's request as somebody would write it with the library."""
    given = dict(EXAMPLES[name]["request"]["params"])
    if "call_session_id" in given or name.startswith(("start.", "list.")):
        given.pop("access_token")
    for key, value in given.items():
        if key.endswith("_message"):
            given[key] = said(value)
        elif key in {"password", "access_token"}:
            given[key] = SecretStr(value)
        elif key == "employee":
            given[key] = starting.Employee(**value)
    return function_of(name)(**given)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_client_sends_what_the_example_shows(name):
    sent = json.loads(client().request(asked(name), request_id="req1").body)
    example = EXAMPLES[name]["request"]
    assert {**sent, "params": None} == {**example, "params": None}
    assert {key: value for key, value in sent["params"].items() if key in example["params"]} == example["params"]
    defaults = {param.name: param.default for param in METHODS[name].params}
    added = {key: value for key, value in sent["params"].items() if key not in example["params"]}
    assert added == {key: defaults[key] for key in added}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_client_reads_what_the_example_replies(name):
    heard = client().read(asked(name), HttpReply(status=200, body=json.dumps(EXAMPLES[name]["reply"]).encode()))
    assert heard.ruling.verdict is Verdict.PLACED
    assert heard.value is not None


def test_the_client_reads_the_example_of_an_error():
    body = json.dumps(DOCUMENT["example_of_an_error"]).encode()
    heard = client().read(asked("start.informer_call"), HttpReply(status=200, body=body))
    assert (heard.value, heard.ruling.mnemonic, heard.ruling.field) == (None, "data_type_error", "contact")
    assert heard.ruling.verdict is Verdict.REFUSE_CONTACT


@pytest.mark.parametrize("name", METHODS)
def test_the_library_has_a_typed_function_for_every_method_with_its_defaults(name):
    signature = inspect.signature(function_of(name))
    known = {param.name: param for param in METHODS[name].params if param.name != "access_token"}
    if name == "logout.user":
        known["access_token"] = METHODS[name].params[0]
    assert set(signature.parameters) == set(known)
    for parameter in signature.parameters.values():
        required = parameter.default is inspect.Parameter.empty
        assert required == known[parameter.name].required, parameter.name
        assert required or parameter.default in (known[parameter.name].default, None)
    assert all("Any" not in str(parameter.annotation) for parameter in signature.parameters.values())
    assert function_of(name).__doc__
