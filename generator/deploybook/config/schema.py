"""The JSON Schema of `deploybook.yml`: what editors complete from, and where near misses are looked up."""

from __future__ import annotations

from functools import cache
from typing import Any

from deploybook.config.models import Document
from deploybook.config.names import METRICS
from deploybook.config.sources import SOURCE_OPTIONS

SCHEMA_FILE = "deploybook.schema.json"
SCHEMA_COMMENT = f"# yaml-language-server: $schema={SCHEMA_FILE}"
"""The first line of a `deploybook.yml`: editors find the schema beside it."""

SOURCE_KINDS = tuple(SOURCE_OPTIONS)
"""Sources that may be named under `sources:`; packages may add more by entry point."""

_TEXT = {"type": "string"}
_SHAPES: dict[str, Any] = {
    "Stage": {
        "anyOf": [
            _TEXT,
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]},
            },
        ],
        "description": "An environment, or several that are one step: {production: [prod-eu, prod-us]}.",
    },
    "SourceConfig": {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            kind: {
                "anyOf": [
                    {"$ref": f"#/$defs/{model.__name__}"},
                    *(
                        [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]
                        if "files" in model.model_fields
                        else []
                    ),
                ]
            }
            for kind, model in SOURCE_OPTIONS.items()
        },
        "description": "One system to read from: its kind, and what that kind asks for.",
    },
}


SECTIONS = frozenset(field.alias or name for name, field in Document.model_fields.items())
"""The keys that the file may have; to make the schema for them would take longer than to read the file."""


@cache
def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `deploybook.yml`."""
    schema = Document.model_json_schema(by_alias=True)
    schema["$defs"].update(_SHAPES)
    for model in SOURCE_OPTIONS.values():
        part = model.model_json_schema(by_alias=True)
        schema["$defs"].update({**part.pop("$defs", {}), model.__name__: part})
    schema["properties"]["targets"]["propertyNames"] = {"enum": list(METRICS)}
    # What has its own defaults may stand empty in the file.
    for part in (schema, *schema["$defs"].values()):
        for name, rule in part.get("properties", {}).items():
            if name not in part.get("required", []) and "additionalProperties" in rule:
                rule["additionalProperties"] = {"anyOf": [rule["additionalProperties"], {"type": "null"}]}
    schema["$defs"]["Codebase"]["required"] = []
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "deploybook.yml",
        "description": "The configuration of a Deploybook site.",
    }


def at(loc: tuple[int | str, ...]) -> list[dict[str, Any]]:
    """The rules for one place of the file, any of which may hold."""
    schema = json_schema()
    rules = _spread(schema, schema)
    for part in loc:
        found = []
        for rule in rules:
            below = rule.get("items") if isinstance(part, int) else rule.get("properties", {}).get(part)
            below = below or (isinstance(part, str) and rule.get("additionalProperties"))
            if isinstance(below, dict):
                found.extend(_spread(below, schema))
        rules = found
    return rules


def keys(rules: list[dict[str, Any]]) -> list[str]:
    """The keys that a mapping may have by these rules."""
    return list(dict.fromkeys(key for rule in rules for key in rule.get("properties", {})))


def _spread(rule: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, Any]]:
    while "$ref" in rule:
        rule = schema["$defs"][rule["$ref"].rpartition("/")[2]]
    several = rule.get("anyOf") or rule.get("oneOf")
    return [each for one in several for each in _spread(one, schema)] if several else [rule]
