"""Reads definitions from campaign files and from what programs send, and describes them as a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import (
    ValidationError,
)

from campaigns.definition.definition import Definition, Origin
from campaigns.definition.validation_errors import validation_faults
from campaigns.definition.yaml_source import (
    DefinitionFaults,
    Source,
    read_source,
)


def load_definition(path: Path, *, list_file: str | None = None) -> Definition:
    """Read and validate a campaign file. Raises DefinitionFaults with every fault, each with line and column.

    `list_file` takes the place of the list that the file names, or does not name.
    """
    source = read_source(path)
    faults = list(source.faults)
    data = source.data if list_file is None else _with_list(source.data, list_file)
    try:
        definition = Definition.model_validate(data)
    except ValidationError as exc:
        faults += validation_faults(exc, source, Definition)
    if faults:
        raise DefinitionFaults(faults)
    definition._origin = Origin(source)
    return definition


def definition_of(keys: Mapping[str, Any]) -> Definition:
    """Validate a definition that stands in no file. Raises DefinitionFaults, which name keys and no lines."""
    try:
        return Definition.model_validate(keys)
    except ValidationError as exc:
        source = Source(file=str(keys.get("campaign", "")), data=dict(keys), keys={}, values={})
        raise DefinitionFaults(validation_faults(exc, source, Definition)) from None


def _with_list(data: Mapping[str, Any], list_file: str) -> dict[str, Any]:
    contacts = data.get("contacts") or {}
    return {**data, "contacts": {**contacts, "file": list_file} if isinstance(contacts, dict) else contacts}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a campaign file, with which editors complete and check it."""
    schema = Definition.model_json_schema()
    listed = {"if": {"not": {"required": ["standing"]}}, "then": {"required": ["file"]}}
    schema["$defs"]["Contacts"] |= listed
    schema["if"], schema["then"] = {"not": {"required": ["call"]}}, {"required": ["message"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Campaign"}
