"""Records whose every text was written by somebody who wants to break the site: each field, each payload."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from tests.support.payloads import PAYLOADS

from deploybook.records import KINDS

Path = tuple[str, ...]
"""A field, as `issues`, `title`."""

BASE: dict[str, dict[str, Any]] = {
    "commit": {"codebase": "shop", "revision": "c", "committed_at": "2026-01-06T09:00:00Z"},
    "change": {"codebase": "shop", "id": "1", "title": "x", "merged_at": "2026-01-06T09:00:00Z"},
    "deployment": {
        "codebase": "shop", "id": "1", "environment": "production", "finished_at": "2026-01-07T09:00:00Z",
    },
    "incident": {"id": "1", "started_at": "2026-01-07T10:00:00Z", "codebases": ["shop"]},
    "pipeline_run": {
        "codebase": "shop", "id": "1", "pipeline": "ci", "outcome": "failure", "branch": "main",
        "finished_at": "2026-01-07T08:00:00Z",
    },
    "test_case_run": {
        "codebase": "shop", "name": "t", "outcome": "fail", "started_at": "2026-01-07T08:00:00Z",
    },
    "coverage": {"codebase": "shop", "measured_at": "2026-01-07T08:00:00Z", "covered": 1, "total": 2},
    "flag_change": {
        "flag": "f", "environment": "production", "changed_at": "2026-01-07T08:00:00Z", "state": "on",
        "codebases": ["shop"],
    },
    "availability": {
        "codebase": "shop", "from": "2026-01-07T08:00:00Z", "to": "2026-01-07T09:00:00Z", "state": "down",
    },
    "issue": {"id": "1", "title": "x", "codebase": "shop", "opened_at": "2026-01-06T09:00:00Z"},
    "verdict": {
        "environment": "production", "revision": "c", "verdict": "fail", "codebase": "shop",
        "judged_at": "2026-01-07T08:30:00Z",
    },
    "lock": {
        "environment": "production", "claim": "1", "codebase": "shop", "since": "2026-01-08T08:00:00Z",
    },
    "shift": {
        "rotation": "keeper", "from": "2026-01-05T00:00:00Z", "to": "2026-01-12T00:00:00Z", "person": "ana",
    },
    "annotation": {"on": "2026-01-07", "text": "x", "codebases": ["shop"]},
    "branch_rule": {"codebase": "shop", "branch": "main", "read_at": "2026-01-07T08:00:00Z"},
    "environment_rule": {
        "codebase": "shop", "environment": "production", "read_at": "2026-01-07T08:00:00Z",
    },
}  # fmt: skip
"""A record of each kind that reaches the pages of a codebase."""

INNER: dict[str, dict[str, Any]] = {
    "issues": {"id": "1"}, "caused_by": {}, "stages": {"name": "s"}, "override": {"by": "a", "because": "b"},
    "reasons": {"check": "smoke", "answer": "fail", "says": "x"}, "forced": {"by": "a", "because": "b"},
}  # fmt: skip
"""What an inner struct needs beside the text."""


def fields() -> Iterator[tuple[str, Path]]:
    """Every field of every kind of record that holds text of somebody's own."""
    for kind, struct in KINDS.items():
        for path in _texts(struct):
            yield kind, path


def _texts(struct: type) -> Iterator[Path]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        for each in _leaves(hints[field.name]):
            yield (field.encode_name, *each)


def _leaves(hint: Any) -> Iterator[Path]:
    """Where in a type text is, as paths below it."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from _leaves(inside[0])
    elif origin in (Union, types.UnionType):
        yield from dict.fromkeys(path for each in inside for path in _leaves(each))
    elif origin is tuple:
        yield from _leaves(inside[0])
    elif hint is str:
        yield ()
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield from _texts(hint)


def lines() -> Iterator[str]:
    """A record for each field and each payload; what else it says is what reaches most pages."""
    for number, text in enumerate(PAYLOADS.values()):
        for place, (kind, path) in enumerate(fields()):
            record = {"type": kind, **BASE[kind]}
            for key in ("id", "revision", "claim", "flag", "name", "text"):
                if key in record:
                    record[key] = f"{key}-{number}-{place}"
            for key in ("judged_at", "since", "from", "read_at", "changed_at", "measured_at"):
                if key in record:
                    record[key] = f"{record[key][:11]}{number % 24:02}:{place % 60:02}:{number // 24:02}Z"
            whole = KINDS[kind]
            yield json.dumps(record | {path[0]: _filled(whole, path, text)})


def _filled(struct: type[msgspec.Struct], path: Path, text: str) -> Any:
    """A field's value with the text in it, in a list and in an inner struct where the field has one."""
    hints = get_type_hints(struct)
    name = next(each.name for each in msgspec.structs.fields(struct) if each.encode_name == path[0])
    value: Any = text if len(path) == 1 else {**INNER[path[0]], path[1]: text}
    return [value] if "tuple" in str(hints[name]) else value
