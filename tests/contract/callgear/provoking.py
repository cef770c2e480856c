"""Every mnemonic of the document, and what to do to a sandbox to hear it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.sandbox_clients import KEY, LONG, Clients, until

Said = dict[str, Any]
CALLER, CONTACT = "74993720692", "79260000000"
TOO_LONG = {"type": "tts", "value": "x" * 1001}
HELLO = {"type": "tts", "value": "Hello"}


def simple(vendor: Clients, **changes: object) -> Said:
    given = {"virtual_phone_number": CALLER, "contact": CONTACT, "first_call": "contact", "operator": "79262444491"}
    return vendor.rpc("start.simple_call", **(given | changes))


def employee(vendor: Clients, **changes: object) -> Said:
    given = {"virtual_phone_number": CALLER, "contact": CONTACT, "first_call": "contact", "employee": {"id": 25}}
    return vendor.rpc("start.employee_call", **(given | changes))


def talking(vendor: Clients, **changes: object) -> int:
    """The session id of a call whose people talk, while the sandbox's time all but stands still."""
    placed = simple(vendor, contact_message={"type": "tts", "value": LONG}, **changes)
    session = placed["result"]["data"]["call_session_id"]
    vendor.sandbox.configure(speed=50)
    until(lambda: state_of(vendor, session) == "Talk")
    vendor.sandbox.configure(speed=0.01)
    return session


def state_of(vendor: Clients, session: int) -> str | None:
    """The word for the contact's leg; None when the call is over."""
    listed = vendor.rpc("list.calls")["result"]["data"]
    return next((call["legs"][0]["state"] for call in listed if call["call_session_id"] == session), None)


def configured(method: Callable[[Clients], Said], **config: object) -> Callable[[Clients], Said]:
    def provoke(vendor: Clients) -> Said:
        vendor.sandbox.configure(**config)
        return method(vendor)

    return provoke


def on_a_talk(method: str, **params: object) -> Callable[[Clients], Said]:
    return lambda vendor: vendor.rpc(method, call_session_id=talking(vendor), **params)


def twice(method: str, **params: object) -> Callable[[Clients], Said]:
    def provoke(vendor: Clients) -> Said:
        session = talking(vendor)
        assert "result" in vendor.rpc(method, call_session_id=session, **params)
        return vendor.rpc(method, call_session_id=session, **params)

    return provoke


def not_utf8(vendor: Clients) -> Said:
    body = '{"jsonrpc": "2.0", "id": 1, "method": "start.informer_call", "params": {"access_token": "%s", "x": "й"}}'
    return vendor.body((body % KEY).encode("cp1251"))


def raw(document: object) -> Callable[[Clients], Said]:
    return lambda vendor: vendor.raw(document)


PROVOKED: Mapping[str, Callable[[Clients], Said]] = {
    "parse_error": lambda vendor: vendor.body(b"{"),
    "invalid_request": raw({"jsonrpc": "1.0", "id": 1, "method": "list.calls", "params": {}}),
    "batch_opreations_not_supported": raw([]),
    "notifications_not_supported": raw({"jsonrpc": "2.0", "method": "list.calls", "params": {}}),
    "method_not_found": lambda vendor: vendor.rpc("start.rocket"),
    "ip_not_whitelisted": configured(lambda vendor: vendor.informer(), whitelist=["10.0.0.0/8"]),
    "auth_error": lambda vendor: vendor.rpc("login.user", login="sandbox", password="wrong"),
    "access_token_expired": lambda vendor: vendor.informer(access_token="expired-key"),
    "access_token_blocked": lambda vendor: vendor.informer(access_token="blocked-key"),
    "access_token_invalid": lambda vendor: vendor.informer(access_token="nobodys"),
    "account_inactive": configured(lambda vendor: vendor.informer(), inactive_accounts=["sandbox"]),
    "component_disabled": configured(lambda vendor: vendor.informer(), components=[]),
    "limit_exceeded": configured(lambda vendor: vendor.informer(), points_per_minute=0),
    "forbidden": lambda vendor: vendor.informer(access_token="forbidden-key"),
    "unexpected_parameters": lambda vendor: vendor.informer(priority=1),
    "required_parameter_missed": lambda vendor: vendor.informer(contact=None),
    "data_type_error": lambda vendor: vendor.informer(contact=5),
    "invalid_parameter_value": lambda vendor: vendor.informer(contact="x"),
    "invalid_parameters_combination": lambda vendor: simple(vendor, early_switching=True),
    "character_encoding_not_allowed": not_utf8,
    "tts_text_exceeded": lambda vendor: vendor.informer(contact_message=TOO_LONG),
    "media_file_not_found": lambda vendor: vendor.informer(contact_message={"type": "media", "value": "99999"}),
    "virtual_phone_number_not_found": lambda vendor: vendor.informer(virtual_phone_number="74990000000"),
    "own_virtual_phone_number_not_allowed": lambda vendor: vendor.informer("74951045771"),
    "contact_in_blacklist": lambda vendor: vendor.informer("14155550116"),
    "scenario_not_found": lambda vendor: vendor.rpc(
        "start.scenario_call", virtual_phone_number=CALLER, contact=CONTACT, first_call="contact", scenario_id=1
    ),
    "employee_not_found": lambda vendor: employee(vendor, employee={"id": 1}),
    "no_active_phone_number": lambda vendor: employee(vendor, employee={"id": 26}),
    "internal_error": lambda vendor: vendor.informer("14155550117"),
    "call_session_not_found": lambda vendor: vendor.rpc("release.call", call_session_id=1),
    "invalid_state": on_a_talk("unhold.call"),
    "coach_not_found": configured(on_a_talk("add.coach"), office={"coach": None}),
    "tag_not_found": on_a_talk("tag.call", tag_id=1),
    "duplicate_tag": twice("tag.call", tag_id=36),
    "leg_not_found": on_a_talk("disconnect.leg", leg_id=1),
    "record_already_started": twice("record.call", action="on"),
    "record_already_stopped": on_a_talk("record.call", action="off"),
    "duplicate_contact": twice("block.contact"),
    "talk_option_not_found": on_a_talk("call.talk_option", button="9"),
}

# The same mnemonic, and others, where a method's own page has another code or another cause.
BESIDES: list[tuple[str, int, Callable[[Clients], Said]]] = [
    ("contact_in_blacklist", -32002, lambda vendor: simple(vendor, contact="14155550116")),
    ("contact_in_blacklist", -32002, lambda vendor: employee(vendor, contact="14155550116")),
    (
        "scenario_not_found",
        -32007,
        lambda vendor: vendor.rpc(
            "start.vnumber_call", virtual_phone_number="18005550109", contact=CONTACT, first_call="contact"
        ),
    ),
    ("no_active_phone_number", -32602, on_a_talk("add.coach", phone_number="999")),
    ("no_active_phone_number", -32602, lambda vendor: employee(vendor, employee={"id": 25, "phone_number": "7"})),
    ("forbidden", -32003, configured(on_a_talk("record.call", action="off"), office={"record_all": True})),
    ("forbidden", -32003, configured(on_a_talk("call.talk_option", button="2"), office={"record_all": True})),
    ("media_file_not_found", -32602, on_a_talk("hold.call", contact_message={"type": "media", "value": "0"})),
    ("tts_text_exceeded", -32602, on_a_talk("hold.call", contact_message=TOO_LONG)),
    ("media_file_not_found", -32602, lambda vendor: simple(vendor, media_file_id=99999)),
    ("limit_exceeded", -32029, configured(lambda vendor: vendor.rpc("list.calls"), points_per_day=0)),
    ("account_inactive", -32009, configured(lambda vendor: vendor.informer(), account_active=False)),
]
