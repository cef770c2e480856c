"""The sandbox's CallGear as an OpenAPI document: what each method takes, and what may come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dialer.sandbox.callgear.errors import DIRECTION_FORBIDDEN, ERRORS, OTHERWISE
from dialer.sandbox.callgear.methods import METHODS
from dialer.sandbox.callgear.params import Param

Schema = dict[str, Any]
NUMBER, TEXT, FLAG = {"type": "number"}, {"type": "string"}, {"type": "boolean"}
MAYBE_NUMBER, MAYBE_TEXT = {"type": ["number", "null"]}, {"type": ["string", "null"]}


def _object(optional: Mapping[str, Schema] | None = None, /, **members: Schema) -> Schema:
    return {
        "type": "object",
        "properties": {**members, **(optional or {})},
        "required": list(members),
        "additionalProperties": False,
    }


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


LIMITS = _object(
    **{f"{window}_{what}": NUMBER for window in ("day", "minute") for what in ("limit", "remaining", "reset")}
)
VERSION = _object(current_version_depricated=FLAG, current_version=TEXT, latest_version=TEXT)
METADATA = _object({"api_version": VERSION}, limits=LIMITS)
SUCCESS = _object(success={"enum": [True, "true"]})
PLACED = _object(call_session_id=NUMBER)
LEG = _object(
    leg_id=NUMBER,
    calling_phone_number=TEXT,
    called_phone_number=TEXT,
    is_operator=FLAG,
    employee_id=MAYBE_NUMBER,
    employee_full_name=MAYBE_TEXT,
    record_call_enabled=FLAG,
    state=TEXT,
)
CALL = _object(
    call_session_id=NUMBER,
    direction={"enum": ["in", "out"]},
    start_time=TEXT,
    virtual_phone_number=TEXT,
    contact_phone_number=TEXT,
    external_id=MAYBE_TEXT,
    tags=_list(_object(tag_id=NUMBER, tag_name=TEXT)),
    legs=_list(LEG),
)
OPTION = _object(
    button=TEXT,
    mnemonic=TEXT,
    name=TEXT,
    button_value={"anyOf": [{"type": "null"}, _object(id=NUMBER, value=TEXT)]},
)
ANSWERS: Mapping[str, Schema] = {
    "login.user": _object(access_token=TEXT, expire_at=NUMBER),
    "list.calls": _list(CALL),
    "list.talk_options": _list(OPTION),
}


def answer_of(method: str) -> Schema:
    """The `data` of a method's success."""
    return ANSWERS.get(method, PLACED if method.startswith("start.") else SUCCESS)


def request_of(method: str) -> Schema:
    """A request of a method."""
    return _object(
        jsonrpc={"const": "2.0"},
        id={"type": ["string", "number"]},
        method={"const": method},
        params=_params(METHODS[method].known),
    )


def reply_of(method: str) -> Schema:
    """A reply to a request of a method: its answer, or one of the errors."""
    result = _object(data=answer_of(method), metadata=METADATA)
    success = _object(jsonrpc={"const": "2.0"}, id={"type": ["string", "number"]}, result=result)
    return {"anyOf": [success, error_reply()]}


def error_reply() -> Schema:
    """A reply that is an error: a mnemonic under the code that the document has it under."""
    codes = {(kind.code, mnemonic) for mnemonic, kind in ERRORS.items()}
    codes |= {(kind.code, mnemonic) for (_, mnemonic), kind in OTHERWISE.items()}
    named: list[tuple[int, str | None]] = [*sorted(codes), (DIRECTION_FORBIDDEN.code, None)]
    known = [{"properties": {"code": {"const": code}, "data": _named(mnemonic)}} for code, mnemonic in named]
    data = _object(
        {"metadata": METADATA},
        mnemonic={"enum": [*sorted(ERRORS), None]},
        field=MAYBE_TEXT,
        value=MAYBE_TEXT,
        params={"type": ["object", "null"]},
        extended_helper=MAYBE_TEXT,
    )
    error = {**_object(code=NUMBER, message=TEXT, data=data), "anyOf": known}
    return _object(jsonrpc={"const": "2.0"}, id={"type": ["string", "number", "null"]}, error=error)


def openapi() -> Schema:
    """The whole document."""
    replies = {"anyOf": [{"$ref": f"#/components/schemas/{_name(name)}Reply"} for name in METHODS]}
    requests = {"oneOf": [{"$ref": f"#/components/schemas/{_name(name)}Request"} for name in METHODS]}
    schemas = {f"{_name(name)}Request": request_of(name) for name in METHODS}
    schemas |= {f"{_name(name)}Reply": reply_of(name) for name in METHODS}
    described = {"description": "A result or an error; errors arrive with HTTP 200 too.", "content": _json(replies)}
    post = {"operationId": "call", "requestBody": {"required": True, "content": _json(requests)}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "CallGear Call API, as the sandbox speaks it", "version": "4.0"},
        "paths": {"/v4.0": {"post": {**post, "responses": {"200": described}}}},
        "components": {"schemas": schemas},
    }


def _params(known: tuple[Param, ...]) -> Schema:
    return {
        "type": "object",
        "properties": {param.name: _param(param) for param in known},
        "required": [param.name for param in known if param.required],
        "additionalProperties": False,
    }


def _param(param: Param) -> Schema:
    if param.members:
        return _params(param.members)
    return {"type": param.type, **param.schema}


def _named(mnemonic: str | None) -> Schema:
    return {"properties": {"mnemonic": {"const": mnemonic}}}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _name(method: str) -> str:
    return "".join(part.capitalize() for part in method.replace(".", "_").split("_"))
