"""CallGear's errors: mnemonic, code, text, and whether a reply with it carries the limits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """A row of the document's lists of errors; `{…}` in the text is filled from the error's params."""

    code: int
    text: str
    metered: bool = True


# Call API v4.0, "List of errors common for all methods" and the lists of single methods. Spelling is the vendor's.
ERRORS: Mapping[str, ErrorKind] = {
    "parse_error": ErrorKind(-32700, "Invalid JSON was received by the server.", metered=False),
    "invalid_request": ErrorKind(-32600, "Invalid Request The JSON sent is not a valid Request object", metered=False),
    "batch_opreations_not_supported": ErrorKind(-32099, "Batch operations not supported", metered=False),
    "notifications_not_supported": ErrorKind(-32099, "Notifications not supported", metered=False),
    "method_not_found": ErrorKind(-32601, "The method does not exist / is not available", metered=False),
    "ip_not_whitelisted": ErrorKind(-32003, "Your IP {ip} is not whitelisted", metered=False),
    "auth_error": ErrorKind(-32001, "Login or password is wrong", metered=False),
    "access_token_expired": ErrorKind(-32001, "Access token has been expired", metered=False),
    "access_token_blocked": ErrorKind(-32001, "Access token has been blocked", metered=False),
    "access_token_invalid": ErrorKind(-32001, "Access token is invalid", metered=False),
    "account_inactive": ErrorKind(-32009, "Your account has been disabled, contact the support service"),
    "component_disabled": ErrorKind(-32008, "Component {component_name} has been disabled"),
    "limit_exceeded": ErrorKind(
        -32029,
        "Limit per {limit_type} has been exceeded. Value of current limit per {limit_type} is {limit_max_value}",
    ),
    "unexpected_parameters": ErrorKind(-32602, "Unexpected method parameter(s)"),
    "required_parameter_missed": ErrorKind(-32602, "The required parameter has been missed"),
    "data_type_error": ErrorKind(-32602, "Data supplied is of wrong type"),
    "invalid_parameter_value": ErrorKind(-32602, "Invalid parameter value"),
    "character_encoding_not_allowed": ErrorKind(-32602, "The character encoding must be UTF-8"),
    "tts_text_exceeded": ErrorKind(
        -32602,
        "The maximum length of Text-to-Speech message is {tts_message_max_length}. "
        "The length of your message is {sent_tts_message_length}",
    ),
    "media_file_not_found": ErrorKind(-32602, "The media file with id {media_file_id} not found"),
    "virtual_phone_number_not_found": ErrorKind(
        -32007, "Virtual phone number {virtual_phone_number} not found. It is not your virtual phone number."
    ),
    "own_virtual_phone_number_not_allowed": ErrorKind(
        -32602, "Parameter contact can not contain own virtual phone number"
    ),
    "contact_in_blacklist": ErrorKind(-32602, "The contact {contact} has been found in the blacklist"),
    "invalid_parameters_combination": ErrorKind(-32602, "The combination of parameters is not permitted"),
    "scenario_not_found": ErrorKind(-32602, "Scenario with id {scenario_id} not found"),
    "employee_not_found": ErrorKind(-32602, "Employee with id {employee_id} not found. It is not your employee."),
    "no_active_phone_number": ErrorKind(-32602, "The phone number does not exist or inactive"),
    "invalid_state": ErrorKind(-32004, "This method can not be called in this state"),
    "coach_not_found": ErrorKind(-32602, "The coach not found in your settings"),
    "tag_not_found": ErrorKind(-32602, "Tag with {tag_id} not found"),
    "duplicate_tag": ErrorKind(-32602, "Duplicate tag"),
    "leg_not_found": ErrorKind(-32602, "The call's leg not found"),
    "record_already_started": ErrorKind(-32602, "The call record is already started"),
    "record_already_stopped": ErrorKind(-32602, "The call record is not enabled"),
    "duplicate_contact": ErrorKind(-32602, "The contact with phone number {contact_phone_number} already exists"),
    "talk_option_not_found": ErrorKind(-32602, "Talk option not found"),
    "forbidden": ErrorKind(-32003, "Permission denied"),
    "call_session_not_found": ErrorKind(-32602, "Call session not found"),
    "internal_error": ErrorKind(-32603, "Internal error, contact the support service"),
}

# The same mnemonic under another code, as the pages of these methods have it.
OTHERWISE: Mapping[tuple[str, str], ErrorKind] = {
    ("start.simple_call", "contact_in_blacklist"): ErrorKind(-32002, ERRORS["contact_in_blacklist"].text),
    ("start.employee_call", "contact_in_blacklist"): ErrorKind(-32002, ERRORS["contact_in_blacklist"].text),
    ("start.vnumber_call", "scenario_not_found"): ErrorKind(-32007, "Virtual phone number does not have a scenario"),
}

# "Groups of error codes": security rules prohibit calls in a direction. No list of errors has a mnemonic for it.
DIRECTION_FORBIDDEN = ErrorKind(-32002, "Calls in this direction are prohibited by security rules")


class Refusal(Exception):
    """An error reply. `field` names the parameter to blame, with dots; `value` is what the client sent for it.

    `kind` is that of an error which is in no list of the Call API's document.
    """

    def __init__(
        self,
        mnemonic: str | None,
        field: str | None = None,
        value: Any = None,
        params: Mapping[str, Any] | None = None,
        limits: Mapping[str, int] | None = None,
        kind: ErrorKind | None = None,
    ) -> None:
        super().__init__(mnemonic)
        self.mnemonic = mnemonic
        self.kind = kind or ERRORS[mnemonic or ""]
        self.field = field
        self.value = value
        self.params = params or {}
        self.limits = limits or {}
        self.request_id: str | int | float | None = None

    @property
    def name(self) -> str:
        """What it is counted as: its mnemonic, else its code."""
        return self.mnemonic or str(self.kind.code)

    def said_by(self, method: str) -> Refusal:
        """This refusal, with the error that the method has in its place."""
        self.kind = OTHERWISE.get((method, self.mnemonic or ""), self.kind)
        return self

    def error(self, metadata: Mapping[str, Any] | None, help_url: str | None = None) -> dict[str, Any]:
        """The `error` member; `metadata` is the account's, where there is one, `help_url` that of pages on errors."""
        data: dict[str, Any] = {
            "mnemonic": self.mnemonic,
            "field": self.field,
            "value": _as_sent(self.value),
            "params": dict(self.params) or {"object": None},  # the document's own sample has this for "none"
            "extended_helper": f"{help_url.rstrip('/')}/{self.name}" if help_url else None,
        }
        if self.kind.metered and metadata is not None:
            data["metadata"] = {**metadata, "limits": {**metadata["limits"], **self.limits}}
        return {"code": self.kind.code, "message": self.kind.text.format(**self.params), "data": data}


def _as_sent(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
