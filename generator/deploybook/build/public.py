"""`site.public: true`: people, what is said of incidents, and links inside the company never reach a page.

It is done once, before anything is told, so that no page, feed or data file has to remember it. What linking
needs of people (who is a robot, which branch is a hotfix) it still sees; what it hands on it does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from deploybook.config import Config
from deploybook.linking import Linked

OPEN_HOSTS = frozenset({"github.com", "gitlab.com", "codeberg.org", "bitbucket.org"})
"""Forges that anyone can open; links elsewhere are taken for internal."""

REPOSITORY = "not shown"
"""What stands for the address of a repository that is not on one of them."""

_BEFORE_LINKING: Mapping[str, tuple[str, ...]] = {"incidents": ("title",)}
_AFTER: Mapping[str, tuple[str, ...]] = {
    "changes": ("author", "branch", "body"),
    "commits": ("author",),
    "deployments": ("by",),
    "incidents": ("title",),
    "flag_changes": ("by",),
    "verdicts": ("override", "reasons"),
    "environment_rules": ("reviewers",),
    "locks": ("holder", "run", "reason", "forced"),
}
_NOBODYS = frozenset({"shifts"})
"""Tables of which every row is about a person."""


def hide_config(config: Config) -> Config:
    """The configuration without people, their rotations, and links to tools of the company."""
    known = config.people

    def owner(entry: Any) -> Any:
        return entry.model_copy(update={"owner": None}) if entry.owner in known else entry

    hidden = config.model_copy(
        update={
            "people": {},
            "rotations": {},
            "links": {},
            "process": config.process.model_copy(update={"decides": None, "meetings": ()}),
            "teams": {
                name: team.model_copy(
                    update=dict.fromkeys(("contact", "chat", "tracker", "documents", "on_call"))
                    | {"members": (), "notify": ()}
                )
                for name, team in config.teams.items()
            },
            "codebases": {
                name: codebase.model_copy(
                    update={
                        "links": {},
                        "repository": codebase.repository and _repository(codebase.repository),
                    }
                )
                for name, codebase in config.codebases.items()
            },
            "initiatives": {name: owner(each) for name, each in config.initiatives.items()},
            "flags": {name: owner(each) for name, each in config.flags.items()},
            "annotations": tuple(
                each.model_copy(update={"url": _address(each.url)}) for each in config.annotations
            ),
            "corrections": tuple(
                each.model_copy(update={"by": "a person", "because": "the reason is not public"})
                for each in config.corrections
            ),
        }
    )
    # What was worked out of the full configuration is worked out again.
    for name in set(vars(hidden)) - set(Config.model_fields):
        del vars(hidden)[name]
    return hidden


def hide_before(name: str, table: pa.Table) -> pa.Table:
    """A table of the history as linking may see it."""
    return _hide(table, _BEFORE_LINKING.get(name, ()))


def hide_after(config: Config, name: str, table: pa.Table) -> pa.Table:
    """A table of the history, or of what is linked, as pages may see it."""
    if name in _NOBODYS:
        return table.slice(0, 0)
    if name == "pipeline_runs":
        table = _only_release_branches(config, table)
    table = _hide(table, _AFTER.get(name, ()))
    for column, hide in _COLUMNS.items():
        if column in table.column_names:
            values = table.column(column)
            known = {value: hide(value) for value in values.unique().to_pylist()} if _flat(values) else None
            shown = [
                known[value] if known is not None else _each(value, hide) for value in values.to_pylist()
            ]
            table = table.set_column(
                table.column_names.index(column), column, pa.array(shown, type=values.type)
            )
    return table


def hide_linked(config: Config, linked: Linked) -> Linked:
    """What linking made, as pages may see it."""
    return replace(
        linked,
        changes=hide_after(config, "changes", linked.changes),
        deployments=hide_after(config, "deployments", linked.deployments),
        incidents=hide_after(config, "incidents", linked.incidents),
    )


def _only_release_branches(config: Config, runs: pa.Table) -> pa.Table:
    """Runs without the names of other branches: many are called after who works on them."""
    known = {each.release_branch or "main" for each in config.codebases.values()}
    branch = runs.column("branch")
    shown = pc.if_else(pc.is_in(branch, pa.array(sorted(known))), branch, pa.scalar(None, branch.type))
    return runs.set_column(runs.column_names.index("branch"), "branch", shown)


def _hide(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    for column in columns:
        if column in table.column_names:
            place = table.column_names.index(column)
            field = table.schema.field(place)
            table = table.set_column(place, column, pa.nulls(table.num_rows, field.type))
    return table


def _flat(values: pa.ChunkedArray) -> bool:
    return not pa.types.is_list(values.type)


def _each(value: list[str] | None, hide: Callable[[str | None], str | None]) -> list[str | None] | None:
    return None if value is None else [hide(one) for one in value]


def _address(url: str | None) -> str | None:
    """An address that anyone may open, else none."""
    if not url:
        return None
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return url if host in OPEN_HOSTS else None


def _repository(address: str) -> str:
    return _address(address) or REPOSITORY


def _issue(text: str | None) -> str | None:
    """An issue that a change names, as JSON, or several in a list."""
    if text is None:
        return None
    value = json.loads(text)
    for issue in value if isinstance(value, list) else [value]:
        if isinstance(issue, dict):
            issue["url"] = _address(issue.get("url"))
    return json.dumps(value)


def _subject(message: str | None) -> str | None:
    """The first line of a message: below it stand trailers with names and addresses."""
    return message.partition("\n")[0] if message else message


_COLUMNS: Mapping[str, Callable[[str | None], str | None]] = {
    "url": _address,
    "issues": _issue,
    "message": _subject,
}
