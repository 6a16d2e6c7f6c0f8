"""Argo CD: the syncs of its applications, as deployments (`/api/v1/applications`).

An application keeps its last syncs that went well (ten, unless `revisionHistoryLimit` says more) and its last
operation, however it ended. One request tells them all; what an application has forgotten since, the history
keeps. A sync of what was there already, begun by Argo CD itself, put back what had drifted: no deployment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from deploybook.config import Config
from deploybook.config.sources import ArgocdOptions
from deploybook.feed import RECORDS, Ask, Cursor, Feed, Item, Rejected, Unchanged
from deploybook.records import Deployment, Outcome
from deploybook.sources.argoversions import sources_of, version_of
from deploybook.sources.http import Client
from deploybook.sources.repository import Repository
from deploybook.sources.vendors import UNEXPECTED, Vendor
from deploybook.sources.versions import revisions_of

_ADVICE = (
    "Check the variable that `token:` names: a token of an Argo CD account whose role may get applications "
    "(p, role:deploybook, applications, get, */*, allow)."
)
_FAILED: dict[str, Outcome] = {"Failed": "failure", "Error": "error"}

Row = dict[str, Any]
Own = Mapping[str, Callable[[], Repository]]


def feed(options: ArgocdOptions, config: Config, own: Own) -> Feed:
    """The feed of the syncs of all applications that match a codebase and an environment.

    Args:
        options: Where Argo CD is, and what its applications are called.
        config: Matches their names.
        own: The repository of each codebase that has one: its tags say which revision a version is.
    """
    source = _Source(options, config, own)
    return Feed("argocd", RECORDS, source.pull, said=source.vendor.said)


class _Source:
    def __init__(self, options: ArgocdOptions, config: Config, own: Own) -> None:
        self._options, self._config, self._own = options, config, own
        environments = {name: name for stage in config.environments for name in stage}
        aliases = {key.casefold(): value.casefold() for key, value in options.environments.items()}
        # The longest first: of prod and eu-prod, shop-eu-prod is in the second.
        self._environments = sorted((environments | aliases).items(), key=lambda each: -len(each[0]))
        self.vendor = Vendor("Argo CD", options.url, _ADVICE, {"Authorization": ("Bearer {}", options.token)})

    def pull(self, ask: Ask) -> Iterator[Item]:
        """All that each application still knows."""
        client = self.vendor.open(ask)
        rows = self._listed(client)
        ask.progress("applications of Argo CD", len(rows), len(rows))
        last = _saved(ask.cursor)
        reached: dict[str, str] = {}
        made: dict[str, list[Deployment]] = {}
        for row in rows:
            where = f"Argo CD: {_called(row)}"
            try:
                place = self._place(_called(row))
                if place is None:
                    yield Rejected(where, _strange(_called(row)), "")
                    continue
                told, reached[_key(row)] = self._syncs(row, *place, last.get(_key(row), ""))
                made.setdefault(place[0], []).extend(told)
            except UNEXPECTED as error:
                yield self.vendor.unexpected(where, error, row.get("metadata"))
        if not rows:
            reason = "this account sees none: its role has to be allowed to get them, or `projects:` is wrong"
            yield Rejected("Argo CD", reason, "")
        for codebase, deployments in made.items():
            yield from self._revised(codebase, deployments)
        text = json.dumps({"last": dict(sorted((last | reached).items()))})
        yield Cursor(text) if made or ask.cursor != text else Unchanged()

    def _listed(self, client: Client) -> list[Row]:
        found: list[Row] = []
        for project in self._options.projects or (None,):
            # `project` is the older name of `projects`, which every version understands.
            content = client.get("/api/v1/applications", {"project": project}).content
            if not isinstance(content, dict) or "items" not in content or "metadata" not in content:
                raise self.vendor.stranger()
            found += [row for row in content["items"] or () if isinstance(row, dict)]
        return found

    def _place(self, called: str) -> tuple[str, str] | None:
        """The codebase and the environment of an application: as the options say, else by its name."""
        if (said := self._options.apps.get(called)) is not None:
            return said.codebase, said.environment.lower()
        for name, environment in self._environments:
            begin, _, end = (
                self._options.name.casefold().replace("{environment}", name).partition("{codebase}")
            )
            folded = called.casefold()
            if folded.startswith(begin) and folded.endswith(end) and len(folded) > len(begin) + len(end):
                codebase = self._config.codebase_of(folded[len(begin) : len(folded) - len(end)])
                if codebase is not None:
                    return codebase, environment
        return None

    def _syncs(self, row: Row, codebase: str, environment: str, last: str) -> tuple[list[Deployment], str]:
        """The deployments of an application, and when the newest of its syncs ended.

        The oldest sync that it remembers stands after one that it has forgotten: whether it brought anything
        nobody can say. At the first reading it counts; later it has been judged before.
        """
        status = row.get("status") or {}
        history = sorted(
            status.get("history") or (), key=lambda entry: (entry["deployedAt"], entry.get("id", 0))
        )
        made = []
        before: Any = None
        for entry in history:
            same = before is not None and _content(entry) == _content(before)
            first = before is None and int(entry.get("id") or 0) > 0 and entry["deployedAt"] <= last
            before = entry
            if first or (same and (entry.get("initiatedBy") or {}).get("automated")):
                continue
            made.append(self._sync(row, entry, codebase, environment, newest=entry is history[-1]))
        if (
            failed := self._failed(row, status.get("operationState") or {}, codebase, environment)
        ) is not None:
            made.append(failed)
        return made, max([last, *(entry["deployedAt"] for entry in history)])

    def _sync(self, row: Row, entry: Row, codebase: str, environment: str, *, newest: bool) -> Deployment:
        ended = _instant(entry["deployedAt"])
        began = _instant(entry.get("deployStartedAt")) or None
        images = _images(row) if newest else ()
        return self._deployment(
            row, entry, codebase, environment, began or ended, images,
            started_at=began, finished_at=ended, outcome="success", by=_by(entry.get("initiatedBy")),
        )  # fmt: skip

    def _failed(self, row: Row, state: Row, codebase: str, environment: str) -> Deployment | None:
        """The last operation, where it was a whole sync, for real, and ended otherwise than well."""
        operation = state.get("operation") or {}
        sync = operation.get("sync")
        outcome = _FAILED.get(str(state.get("phase")))
        if outcome is None or sync is None or sync.get("dryRun") or sync.get("resources"):
            return None
        began, ended = _instant(state["startedAt"]), _instant(state.get("finishedAt"))
        return self._deployment(
            row, state.get("syncResult") or sync, codebase, environment, began, (),
            started_at=began, finished_at=ended, outcome=outcome, by=_by(operation.get("initiatedBy")),
        )  # fmt: skip

    def _deployment(  # noqa: PLR0917
        self, row: Row, entry: Row, codebase: str, environment: str, at: datetime | None,
        images: tuple[str, ...], **facts: Any,
    ) -> Deployment:  # fmt: skip
        own = [each for each in sources_of(entry) if self._config.codebase_of(each.repository) == codebase]
        version = version_of(entry, images, lambda name: self._config.codebase_of(name) == codebase)
        namespace = (row.get("metadata") or {}).get("namespace")
        path = f"{namespace}/{_called(row)}" if namespace else _called(row)
        return Deployment(
            # By when it began: numbers begin anew where an application is made anew, and a failure has none.
            codebase=codebase, id=f"{_called(row)}-{at:%Y%m%dT%H%M%SZ}", environment=environment,
            revision=own[0].revision if own and not own[0].chart else None, version=version,
            url=f"{self._options.url.rstrip('/')}/applications/{path}", **facts,
        )  # fmt: skip

    def _revised(self, codebase: str, made: list[Deployment]) -> Iterator[Deployment]:
        """Each deployment, with the revision that its version is where nothing else says it."""
        versions = {each.version for each in made if each.version and not each.revision}
        open_ = self._own.get(codebase) if versions else None
        known = revisions_of(versions, self._options.revision, open_()) if open_ else {}
        for each in made:
            revision = each.revision or known.get(each.version or "")
            yield msgspec.structs.replace(each, revision=revision)


def _content(entry: Row) -> Any:
    """What a sync brought: its sources with their parameters, and their revisions."""
    return entry.get("source"), entry.get("sources"), entry.get("revision"), entry.get("revisions")


def _images(row: Row) -> tuple[str, ...]:
    """The images that run now; what they say of the newest sync holds while all is in sync."""
    status = row.get("status") or {}
    synced = (status.get("sync") or {}).get("status") == "Synced"
    return tuple((status.get("summary") or {}).get("images") or ()) if synced else ()


def _called(row: Row) -> str:
    return str((row.get("metadata") or {}).get("name"))


def _key(row: Row) -> str:
    metadata = row.get("metadata") or {}
    return f"{metadata.get('namespace') or ''}/{metadata.get('name')}"


def _by(initiator: Row | None) -> str | None:
    return (initiator or {}).get("username") or None


def _strange(called: str) -> str:
    word = json.dumps(called[:200], ensure_ascii=False)
    return (
        "no codebase and environment is called so: under `argocd:`, say "
        f"`apps: {{{word}: {{codebase: …, environment: …}}}}`, or leave it out by `projects:`"
    )


def _saved(cursor: str | None) -> dict[str, str]:
    try:
        return {str(key): str(value) for key, value in json.loads(cursor or "{}")["last"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
