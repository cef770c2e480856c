"""Replies of the vendors that no document allows: recorded ones, changed at random places."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from dialer.http import HttpReply

PAYLOADS = Path(__file__).parents[1] / "contract" / "payloads"
FIGURES = (
    *("0", "-0", "-1", "-5", "0.1", "1e-320", "1e30", "-1e30", "1e400", "-1e400", "NaN", "Infinity", "-Infinity"),
    *("1e18", "1795944000000", "9007199254740993", "2147483648", "9" * 25, "9" * 301, "-" + "9" * 301, "9" * 5000),
)
TEXTS = (
    *("", " ", "0", "-5", "1e18", "1e400", "NaN", "Infinity", "9" * 301, "9" * 5000, "soon", "null", "true", "\0"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2099-12-31T00:00:00Z", "2026-13-45T99:99:99Z"),
    *("2026-12-01T15:00:05", "+14155550123", "\ud800", "x" * 3000, "{{talk_time_duration}}", "day", "сутки", "limit"),
    *("limit_exceeded", "internal_error", "tts_text_exceeded", "contact_in_blacklist", "auth_error", "brand_new"),
    *("7020", "7102", "7409", "7519", "9002", "9099", "rejected", "ANSWERED", "Dropped", "completed", "Talk", "Redial"),
)
OTHERS = ("null", "true", "false", "[]", "{}", "[[[[]]]]", '{"a": {"b": []}}', "[" * 300 + "]" * 300)
HEADERS = (*TEXTS[:14], *(text for text in FIGURES if len(text) < 400), "Fri, 31 Dec 9999 23:59:59 GMT", "Tue, 99 Foo")
PAGE = b"<html><head><title>We are sorry</title></head><body>Please try again later.</body></html>"
STATUSES = (200, 200, 200, 201, 202, 204, 206, 301, 400, 401, 403, 404, 409, 429, 429, 500, 502, 503, 504, 599)
CALL_ID = re.compile(r'("(?:messageId|transid|call_session_id)": )("[^"]*"|\d+)')
RICH = ("calls_in_progress", "call_status", "placed", "throttled", "receipt_answered")  # much in them can be wrong
MORE = {
    "callgear": [
        '{"result": {"data": [{"is_operator": false, "duration": 4, "connect_time": "x", "finish_reason": "busy"}]}}',
        '{"result": {"data": [{"id": 17, "is_lost": true, "talk_duration": 3}]}}',
        '{"event": "finished", "call_session_id": 1, "external_id": "x", "talk_time_duration": 3, "lost_reason": null}',
        '{"error": {"code": -32603, "message": "m", "data": {"mnemonic": "internal_error", "params": {}}}}',
        '{"error": {"code": -32602, "data": {"mnemonic": "tts_text_exceeded", "field": "contact_message", "params": '
        '{"tts_message_max_length": 500}}}}',
    ],
    "webex": [
        '{"code": "7004", "message": "Invalid parameter - sendAt"}',
        '{"messageId": "m", "status": "Rejected", "code": 7102}',
        '[{"deliveryInfoNotification": {"transid": "m", "deliveryInfo": {"deliveryStatus": "Dropped", "code": 7409}}}]',
    ],
}


class Token(str):
    """JSON as it stands, which no parsed value could be written as."""


class Hostile:
    """Makes hostile replies of one vendor; the same seed makes the same. They are about `call`, or the recorded one."""

    def __init__(self, vendor: str, seed: int, call: str | None = None) -> None:
        files = sorted(PAYLOADS.glob(f"{vendor}.*.json"))
        files += [file for file in files if file.name.split(".")[1] in RICH] * 3
        recorded = [json.loads(file.read_text()).get("body") for file in files]
        self._shapes = [json.dumps(body) for body in recorded if isinstance(body, dict | list)] + MORE[vendor]
        if call is not None:
            self._shapes = [CALL_ID.sub(rf'\1"{call}"', shape) for shape in self._shapes]
        self._chance = Random(f"{vendor} {seed}")

    def reply(self, ids: Sequence[str]) -> HttpReply:
        """One reply; where a name of a call is due, it may be one of these."""
        chance = self._chance
        body: Any = json.loads(chance.choice(self._shapes))
        for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 5))):
            body = self._changed(body, ids)
        headers = {}
        if chance.random() < 0.3:
            headers = {
                "retry-after": chance.choice(HEADERS),
                "date": chance.choice(("Tue, 01 Dec 2026 15:00:00 GMT", "x")),
            }
        text = _written(body)
        if chance.random() < 0.02:
            text = text[: chance.randrange(len(text) + 1)]
        return HttpReply(
            status=chance.choice(STATUSES),
            headers=headers,
            body=text.encode("utf-8", chance.choice(("replace", "surrogatepass"))),
        )

    def damaged(self, true: HttpReply) -> HttpReply:
        """What is left of a true reply: a page, a part, another shape, absurd figures. It says nothing else instead."""
        chance = self._chance
        kind = chance.choice(("page", "part", "shape", "figures", "figures"))
        if kind == "page":
            return HttpReply(status=chance.choice((200, 502, 504)), headers={"content-type": "text/html"}, body=PAGE)
        if kind == "part":
            return replace(true, body=true.body[: chance.randrange(len(true.body) + 1)])
        if kind == "shape":
            return replace(true, body=chance.choice(OTHERS).encode())
        figure = {"retry-after": chance.choice([one for one in FIGURES if len(one) < 400])}
        try:
            body = self._figured(json.loads(true.body))
        except ValueError:
            body = Token(chance.choice(FIGURES))
        return replace(true, headers={**true.headers, **figure}, body=_written(body).encode())

    def _figured(self, value: Any) -> Any:
        """The value with one place in it, the deeper the likelier, taken by a figure."""
        chance = self._chance
        if value and isinstance(value, dict | list) and chance.random() < 0.95:
            place = chance.choice(list(value) if isinstance(value, dict) else range(len(value)))
            value[place] = self._figured(value[place])
            return value
        return Token(chance.choice(FIGURES))

    def _changed(self, value: Any, ids: Sequence[str]) -> Any:
        """The value with one place in it changed."""
        chance = self._chance
        if isinstance(value, dict) and value and chance.random() < 0.93:
            name = chance.choice(list(value))
            if chance.random() < 0.03:
                del value[name]
            else:
                value[name] = self._changed(value[name], ids)
            return value
        if isinstance(value, list) and value and chance.random() < 0.93:
            place = chance.randrange(len(value))
            value[place] = self._changed(value[place], ids)
            return value
        kind = chance.random()
        if kind < 0.5:
            return Token(chance.choice(FIGURES))
        if kind < 0.75:
            return chance.choice(TEXTS)
        return chance.choice(ids) if kind < 0.85 else Token(chance.choice(OTHERS))


def _written(value: Any) -> str:
    if isinstance(value, Token):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(part)}" for name, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value)
