"""The JSON Schema that editors complete from says the same as the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploybook.config import json_schema, load
from deploybook.config.names import METRICS
from deploybook.errors import ConfigError


def read(text: str) -> Any:
    # All scalars as text, as an editor's YAML 1.2 reads dates and times.
    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if not tag.endswith(("timestamp", "int", "bool"))]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:int", __import__("re").compile(r"[0-9]+$"), list("0123456789")
    )
    Loader.add_implicit_resolver(
        "tag:yaml.org,2002:bool", __import__("re").compile(r"true|false"), list("tf")
    )
    return yaml.load(text, Loader=Loader)


def allows(text: str) -> bool:
    return jsonschema.Draft202012Validator(json_schema()).is_valid(read(text))


def test_the_schema_is_a_schema_and_allows_all_that_loads() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    full = Path(__file__).with_name("full.yml")
    load(full)
    errors = list(jsonschema.Draft202012Validator(json_schema()).iter_errors(read(full.read_text())))
    assert errors == []


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("codebases: {shop: {}}", True),
        ("codebases: {shop: }", True),
        ("codebase: {}", False),
        ("codebases: {shop: {deployments: {from: gitop}}}", False),
        ("codebases: {shop: {deployments: {from: tags, patern: v1}}}", False),
        ("teams: {a: {notify: env:X}}", True),
        ("teams: {a: {notify: literal}}", False),
        ("process: {cut_off: {weekday: daily, time: '12:00'}}", True),
        ("process: {cut_off: {weekday: wensday, time: '12:00'}}", False),
        ("process: {environments: [a, {b: [c, d]}]}", True),
        ("process: {environments: [{b: [c, d], e: f}]}", False),
        ("gate: {staging_for: false}", True),
        ("gate: {staging_for: true}", False),
        ("hotfix: {labels: urgent}", True),
        ("targets: {uptime: {at_least: 0.99}}", True),
        ("targets: {uptim: {at_least: 0.99}}", False),
        ("targets: {change_lead_time_p50: {at_most: 2d}}", True),
    ],
)
def test_the_schema_and_the_program_agree(tmp_path: Path, text: str, right: bool) -> None:
    file = tmp_path / "deploybook.yml"
    file.write_text(text)
    assert allows(text) is right
    if right:
        load(file)
    else:
        with pytest.raises(ConfigError):
            load(file)


def test_every_key_of_the_file_is_described() -> None:
    schema = json_schema()
    bare = [
        f"{name}.{key}"
        for name, part in (("deploybook.yml", schema), *schema["$defs"].items())
        for key, rule in part.get("properties", {}).items()
        if name != "SourceConfig" and "description" not in rule and "$ref" not in rule
    ]
    assert bare == []


def test_each_metric_is_named_once() -> None:
    assert len(METRICS) == len(set(METRICS))
