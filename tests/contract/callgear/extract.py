"""The facts in the vendor's document: names, codes, example payloads. None of its sentences.

`document.json` beside this file holds what was read out of the Call API's document (v4.0, English edition). Whoever has
the document as text reads it anew with `python -m tests.contract.callgear.extract FILE`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("document.json")
METHOD = re.compile(r"^Method ([a-z]+\.[a-z_]+)$", re.MULTILINE)
ERROR = re.compile(r"(-32\d{3}) ([a-z_]+)\b")
PARAMETER = re.compile(r"^([a-z_]+) (string|number|boolean|object|array) (yes|no)\b", re.MULTILINE)
REPLY = re.compile(r"^(?:Parameters of a reply|Reply parameters|Example of a re\w+)$", re.MULTILINE)
MEMBERS = frozenset({"type", "value", "id", "phone_number"})
"""What stands below an object in the tables, which do not indent."""
NAME = re.compile(r"^([a-z]+\.[a-z_]+) ", re.MULTILINE)


def facts(text: str) -> dict[str, Any]:
    """What the document says, as data."""
    before, after = text.split("Groups of error codes\n", 1)
    places = list(METHOD.finditer(before))
    ends = [place.start() for place in places[1:]] + [before.index("Error messages\n")]
    groups, common = after.split("List of errors common for all methods\n", 1)
    return {
        "methods": {place[1]: _method(before[place.start() : end]) for place, end in zip(places, ends, strict=True)},
        "method_list": sorted(set(NAME.findall(before[: places[0].start()]))),
        "common_errors": _errors(common),
        "groups": sorted({int(code) for code in re.findall(r"^(-32\d{3}) ", groups, re.MULTILINE)}),
        "example_of_an_error": json_blocks(before[before.index("Example of an error\n") :])[0],
    }


def _method(section: str) -> dict[str, Any]:
    blocks = json_blocks(section)
    request = next(block for block in blocks if "method" in block)
    reply = next(block for block in blocks if "result" in block)
    table, *rest = REPLY.split(section, maxsplit=1)
    return {
        "parameters": _parameters(table),
        "reply_fields": [name for name, _, _ in PARAMETER.findall("".join(rest))],
        "errors": _errors(section),
        "request": request,
        "reply": reply,
    }


def _parameters(table: str) -> dict[str, list[Any]]:
    """Each parameter with its type and whether it is required; members of an object after its name and a dot."""
    listed: dict[str, list[Any]] = {}
    inside = ""
    for name, kind, required in PARAMETER.findall(table):
        inside = name if kind == "object" else inside if inside and name in MEMBERS else ""
        path = f"{inside}.{name}" if inside and inside != name else name
        listed[path] = [kind, required == "yes"]
    return listed


def _errors(section: str) -> list[list[Any]]:
    return [[mnemonic, int(code)] for code, mnemonic in ERROR.findall(section)]


def json_blocks(section: str) -> list[Any]:
    """Every JSON object that begins a line."""
    found, decoder, at = [], json.JSONDecoder(), 0
    while (at := section.find("\n{", at)) >= 0:
        try:
            block, length = decoder.raw_decode(section[at + 1 :])
        except ValueError:
            length = 2
        else:
            found.append(block)
        at += length
    return found


if __name__ == "__main__":
    RECORDED.write_text(json.dumps(facts(Path(sys.argv[1]).read_text("utf-8")), indent=1, ensure_ascii=False) + "\n")
