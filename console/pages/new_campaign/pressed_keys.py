"""The fields for what people press: the scenario that asks for keys, and what a key, or a tag that is set, means."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.definition import Definition
from campaigns.definition.sections.responses import folded
from campaigns.launch.guided.editing import Changes
from console.pages.language import gettext
from console.pages.new_campaign.rows import rows_of, typed_rows
from dialer.call_kinds import INFORMER

KEY, MEANING = ROW = ("response-key", "response-meaning")
MESSAGE_ALONE, SCENARIO = "informer", "scenario"
FIELDS = {"call.scenario_id": "scenario_id", "call": "call_kind", "responses": "responses"}


def fields(typed: Mapping[str, str]) -> dict[str, str]:
    """The form's fields by the keys of a campaign file, each response at its own row."""
    return FIELDS | {f"responses.{key}": f"{MEANING}-{place}" for place, (key, _) in rows_of(typed, *ROW)}


def faults(typed: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with the rows themselves, by field."""
    found, seen = dict[str, str](), set[str]()
    for place, (key, meaning) in rows_of(typed, *ROW):
        if not key:
            found[f"{KEY}-{place}"] = gettext("write the key that is pressed, or the name of the tag")
        elif not meaning:
            found[f"{MEANING}-{place}"] = gettext("write what it means")
        elif folded(key) in seen:
            found[f"{KEY}-{place}"] = gettext("this key, or tag, has a row of its own above")
        seen.add(folded(key))
    return found


def meant(definition: Definition, typed: Mapping[str, str]) -> Changes:
    """What the form says, by the keys of a campaign file. A kind of call that it has no fields for stays as it is."""
    changes: dict[str, object] = {"responses": {key: meaning for _, (key, meaning) in rows_of(typed, *ROW)}}
    kind, scenario_id = typed.get("call_kind", definition.call.kind), typed.get("scenario_id", "")
    if kind == MESSAGE_ALONE:
        changes["call"] = None
    elif kind == SCENARIO == definition.call.kind:
        changes["call.scenario_id"] = scenario_id
    elif kind == SCENARIO:
        changes["call"] = {"kind": SCENARIO, "scenario_id": scenario_id or None}
    return changes


def written(definition: Definition) -> dict[str, str]:
    """The draft's kind of call and its responses as they stand in the form."""
    rows = [{KEY: key, MEANING: meaning} for key, meaning in definition.responses.items()]
    scenario_id = getattr(definition.call, "scenario_id", None)
    return {"call_kind": definition.call.kind, "scenario_id": str(scenario_id or ""), **typed_rows(rows)}


def other_kind(definition: Definition) -> str:
    """The kind of call that the draft has and the form has no fields for; blank for none."""
    return "" if definition.call.kind in (INFORMER.kind, SCENARIO) else definition.call.kind
