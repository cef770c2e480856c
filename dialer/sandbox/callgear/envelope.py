"""The JSON-RPC envelope: what makes a body a request, asked in the order in which a server finds it out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dialer.sandbox.callgear.errors import Refusal
from dialer.sandbox.vendor import Incoming

RequestId = str | int | float


@dataclass(frozen=True, slots=True)
class Request:
    """One well-formed request; `utf8` is False where it came in another encoding."""

    id: RequestId
    method: str
    params: dict[str, Any]
    utf8: bool


def read(incoming: Incoming) -> Request:
    """Read a request. Raises Refusal with `request_id` set where the request had a usable one.

    What is not declared to be JSON is taken for none.
    """
    if not incoming.is_json:
        raise Refusal("parse_error")
    text, utf8 = _decode(incoming.body, incoming.charset)
    document = _parse(text)
    if isinstance(document, list):
        raise Refusal("batch_opreations_not_supported")
    if not isinstance(document, dict):
        raise Refusal("invalid_request")
    request_id = document.get("id")
    usable = isinstance(request_id, str | int | float) and not isinstance(request_id, bool)
    try:
        _examine(document, usable)
    except Refusal as refusal:
        refusal.request_id = request_id if usable else None
        raise
    return Request(document["id"], document["method"], document["params"], utf8)


def _decode(body: bytes, charset: str | None) -> tuple[str, bool]:
    """The text, and whether it came as UTF-8, which the document asks for and most clients do not declare."""
    declared = (charset or "utf-8").lower()
    try:
        return body.decode(declared), declared.replace("_", "-") in {"utf-8", "utf8", "us-ascii", "ascii"}
    except (LookupError, UnicodeDecodeError):
        return body.decode("latin-1"), False


def _parse(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal("parse_error") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _examine(document: dict[str, Any], usable_id: bool) -> None:
    if document.get("jsonrpc") != "2.0":
        raise Refusal("invalid_request", "jsonrpc", document.get("jsonrpc"))
    if not isinstance(document.get("method"), str):
        raise Refusal("invalid_request", "method", document.get("method"))
    if "id" not in document:
        raise Refusal("notifications_not_supported")
    if not usable_id:
        raise Refusal("invalid_request", "id", document["id"])
    if not isinstance(document.get("params"), dict):
        raise Refusal("invalid_request", "params", document.get("params"))
