"""The campaign file: YAML with line numbers, its sections, its templates, and its errors."""

from campaigns.definition.definition import Definition, json_schema, load_definition

__all__ = ["Definition", "json_schema", "load_definition"]
