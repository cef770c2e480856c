"""The campaign file: its YAML with line numbers, its sections, text templates, and validation errors."""

from campaigns.definition.definition import Definition
from campaigns.definition.loading import definition_of, json_schema, load_definition

__all__ = ["Definition", "definition_of", "json_schema", "load_definition"]
