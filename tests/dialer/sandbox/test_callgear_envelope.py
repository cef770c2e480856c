"""What is not a request: refused as the document says, and without a word about limits."""

from __future__ import annotations

import json

import pytest

from tests.support import loopback
from tests.support.sandbox_clients import KEY, Clients

LOGIN = {"jsonrpc": "2.0", "id": 7, "method": "login.user", "params": {"login": "sandbox", "password": "sandbox"}}

# what is sent, code, mnemonic, the id that comes back, the field blamed
NOT_REQUESTS = [
    pytest.param(b"{", -32700, "parse_error", None, None, id="half a document"),
    pytest.param(b"", -32700, "parse_error", None, None, id="nothing"),
    pytest.param(b'{"id": NaN}', -32700, "parse_error", None, None, id="NaN is not JSON"),
    pytest.param(b"[" * 100_000, -32700, "parse_error", None, None, id="deeper than any parser"),
    pytest.param(b"[]", -32099, "batch_opreations_not_supported", None, None, id="an empty batch"),
    pytest.param([LOGIN, LOGIN], -32099, "batch_opreations_not_supported", None, None, id="a batch"),
    pytest.param("hello", -32600, "invalid_request", None, None, id="a text"),
    pytest.param(LOGIN | {"jsonrpc": "1.0"}, -32600, "invalid_request", 7, "jsonrpc", id="another version"),
    pytest.param(LOGIN | {"jsonrpc": 2.0}, -32600, "invalid_request", 7, "jsonrpc", id="the version as a number"),
    pytest.param(LOGIN | {"method": None}, -32600, "invalid_request", 7, "method", id="no method"),
    pytest.param(LOGIN | {"id": None}, -32600, "invalid_request", None, "id", id="id null"),
    pytest.param(LOGIN | {"id": True}, -32600, "invalid_request", None, "id", id="id true"),
    pytest.param(LOGIN | {"id": [1]}, -32600, "invalid_request", None, "id", id="id a list"),
    pytest.param(LOGIN | {"params": []}, -32600, "invalid_request", 7, "params", id="params a list"),
    pytest.param(LOGIN | {"method": "start.rocket"}, -32601, "method_not_found", 7, "method", id="unknown method"),
    pytest.param(LOGIN | {"method": "Login.User"}, -32601, "method_not_found", 7, "method", id="another case"),
]


@pytest.mark.parametrize(("sent", "code", "mnemonic", "request_id", "field"), NOT_REQUESTS)
def test_what_is_not_a_request_is_refused_without_limits(
    vendor: Clients, sent: object, code: int, mnemonic: str, request_id: object, field: str | None
) -> None:
    reply = vendor.body(sent if isinstance(sent, bytes) else json.dumps(sent).encode())

    assert reply["jsonrpc"] == "2.0"
    assert reply["id"] == request_id
    assert reply["error"]["code"] == code
    assert reply["error"]["data"]["mnemonic"] == mnemonic
    assert reply["error"]["data"]["field"] == field
    assert "metadata" not in reply["error"]["data"]


def test_a_notification_is_refused(vendor: Clients) -> None:
    reply = vendor.raw({name: value for name, value in LOGIN.items() if name != "id"})

    assert reply["error"]["code"] == -32099
    assert reply["error"]["data"]["mnemonic"] == "notifications_not_supported"
    assert reply["error"]["message"] == "Notifications not supported"


def test_missing_params_are_an_invalid_request(vendor: Clients) -> None:
    reply = vendor.raw({"jsonrpc": "2.0", "id": "a", "method": "list.calls"})

    assert (reply["id"], reply["error"]["data"]["mnemonic"]) == ("a", "invalid_request")


@pytest.mark.parametrize("request_id", ["req1", "", 0, -1, 1.5, 10**15, "req_start_informer_call_1690000000"])
def test_the_id_comes_back_as_it_was_sent(vendor: Clients, request_id: object) -> None:
    reply = vendor.raw(LOGIN | {"id": request_id})

    assert reply["id"] == request_id
    assert "result" in reply


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=UTF-8", "application/json", "application/json;charset=utf8", "Application/JSON"],
)
def test_content_types_of_real_clients_are_taken(vendor: Clients, content_type: str) -> None:
    assert "result" in vendor.body(json.dumps(LOGIN).encode(), content_type)


@pytest.mark.parametrize("path", ["/v4.0", "/v4.0/"])
def test_the_url_may_end_in_a_slash(vendor: Clients, path: str) -> None:
    assert "result" in vendor.http.post(vendor.sandbox.url + path, json=LOGIN).json()


def test_only_post_is_allowed(vendor: Clients) -> None:
    assert vendor.http.get(vendor.sandbox.base_url("callgear")).status_code == 405


def test_text_that_is_not_utf_8_is_named_where_the_method_has_a_word_for_it(vendor: Clients) -> None:
    params = {
        "access_token": KEY,
        "virtual_phone_number": "74993720692",
        "contact": "79260000000",
        "contact_message": {"type": "tts", "value": "Привет"},
    }
    document = {"jsonrpc": "2.0", "id": 1, "method": "start.informer_call", "params": params}
    body = json.dumps(document, ensure_ascii=False).encode("cp1251")

    undeclared = vendor.body(body)
    declared = vendor.body(body, "application/json; charset=windows-1251")
    elsewhere = vendor.body(json.dumps(LOGIN | {"id": "й"}, ensure_ascii=False).encode("cp1251"))

    assert undeclared["error"]["data"]["mnemonic"] == "character_encoding_not_allowed"
    assert declared["error"]["data"]["mnemonic"] == "character_encoding_not_allowed"
    assert declared["error"]["message"] == "The character encoding must be UTF-8"
    assert elsewhere["error"]["data"]["mnemonic"] == "parse_error"


@pytest.mark.parametrize("path", ["/v4.0", "/v2.0"])
@pytest.mark.parametrize("declared", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_what_is_not_declared_to_be_json_is_taken_for_none(vendor: Clients, path: str, declared: str) -> None:
    body = b'{"jsonrpc": "2.0", "id": 1, "method": "list.calls", "params": {"access_token": "sandbox-key"}}'
    reply = loopback.post(f"{vendor.sandbox.url}{path}", content=body, headers={"Content-Type": declared}).json()
    assert (reply["error"]["code"], reply["error"]["data"]["mnemonic"]) == (-32700, "parse_error")
