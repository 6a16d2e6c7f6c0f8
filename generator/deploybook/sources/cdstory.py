"""What CDEvents tell together: several events about one thing become one record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from deploybook.config import Config
from deploybook.feed import Rejected
from deploybook.records import (
    Cause,
    Change,
    Deployment,
    Incident,
    Issue,
    PipelineRun,
    Record,
    TestCaseRun,
)
from deploybook.sources.cdevent import Event
from deploybook.sources.matching import Names, as_revision, package_version

Events = dict[str, Event]
"""One event of each predicate about one thing: of those it begins with the earliest, else the newest."""

_BEGIN = frozenset({"created", "detected", "queued", "reported", "reviewed", "started"})

_CASE: dict[str, Literal["pass", "fail", "error", "skip"]] = {
    "success": "pass",
    "failure": "fail",
    "error": "error",
    "cancel": "skip",
}
_KIND: dict[str, Literal["epic", "story", "bug"]] = {"bug": "bug", "epic": "epic", "story": "story"}
_USED = {
    "artifact": {"packaged", "published"},
    "change": {"created", "reviewed", "merged"},
    "incident": {"detected", "reported", "resolved"},
    "pipelinerun": {"queued", "started", "finished"},
    "service": {"deployed", "upgraded", "rolledback"},
    "testcaserun": {"started", "finished", "skipped"},
    "testsuiterun": {"started", "finished"},
    "ticket": {"created", "updated", "closed"},
}


class Story:
    """The events of one feed, in any order.

    Args:
        config: Matches the names that they use.
        where: The source, for messages.
    """

    def __init__(self, config: Config, where: str) -> None:
        self._names = Names(config, where)
        self._where = where
        self._things: dict[tuple[str, str, str], Events] = {}
        self._artifacts: dict[str, str] = {}
        self._chains: dict[str, str] = {}
        self._suites: dict[str, str] = {}
        self._config = config

    def add(self, event: Event) -> bool:
        """Take an event; false where nothing is made of its type. One sent twice counts once."""
        subject, _, predicate = event.kind.partition(".")
        if predicate not in _USED.get(subject, ()):
            return False
        if subject == "artifact":
            self._artifact(event)
        elif subject == "testsuiterun":
            if name := event.text("testSuite", "name") or event.text("testSuite", "id"):
                self._suites[event.subject] = name
        else:
            # A service is deployed again and again: each deployment is an event of its own.
            thing = event.id if subject == "service" else event.subject
            events = self._things.setdefault((subject, event.subject_source, thing), {})
            before = events.get(predicate)
            if before is None or (event.at < before.at) == (predicate in _BEGIN):
                events[predicate] = event
        return True

    def _artifact(self, event: Event) -> None:
        change = event.text("change", "id")
        if change is None:
            return
        self._artifacts[event.subject] = change
        if event.chain:
            self._chains[event.chain] = change

    def told(self) -> Iterator[Record | Rejected]:
        """The records, then the names that matched nothing."""
        tellers: dict[str, Callable[[str, Events], Record | Rejected | None]] = {
            "change": self._change,
            "incident": self._incident,
            "pipelinerun": self._run,
            "service": self._deployment,
            "testcaserun": self._case,
            "ticket": self._issue,
        }
        for (subject, _, thing), events in self._things.items():
            if (record := tellers[subject](thing, events)) is not None:
                yield record
        yield from self._names.strange()

    def _revision(self, artifact: str | None, chain: str | None = None) -> str | None:
        """The revision that an artifact was packaged from, else the one its version is."""
        if artifact is not None:
            found = as_revision(self._artifacts.get(artifact)) or as_revision(package_version(artifact))
            if found is not None:
                return found
        return as_revision(self._chains.get(chain)) if chain else None

    def _deployment(self, thing: str, events: Events) -> Record | None:
        ((predicate, event),) = list(events.items())[:1]
        artifact = event.text("artifactId")
        codebase = self._names.codebase(
            event.subject, artifact, event.subject_source, event.source, self._artifacts.get(artifact or "")
        )
        if codebase is None:
            return None
        return Deployment(
            codebase=codebase,
            id=thing,
            environment=self._names.environment(event.text("environment", "id") or ""),
            revision=self._revision(artifact, event.chain),
            version=package_version(artifact) if artifact else None,
            finished_at=event.at,
            outcome="success",
            kind="rollback" if predicate == "rolledback" else None,
            url=_url(event),
        )

    def _run(self, thing: str, events: Events) -> Record | Rejected | None:
        end = events.get("finished")
        if end is None:
            return None
        name = _first(events, "pipelineName") or thing
        codebase = self._names.codebase(name, end.subject_source, end.source, _repository(end))
        if codebase is None:
            return None
        outcome = end.text("outcome") or ("error" if end.text("errors") else None)
        if outcome is None:
            return Rejected(
                f"{self._where}: pipeline run {thing[:200]}", "it finished without an `outcome`", ""
            )
        begun, queued = events.get("started"), events.get("queued")
        return PipelineRun(
            codebase=codebase,
            id=thing,
            pipeline=name,
            outcome=outcome,
            revision=self._revision(None, end.chain),
            queued_at=queued.at if queued else None,
            started_at=begun.at if begun else None,
            finished_at=end.at,
            url=next((url for event in events.values() if (url := _url(event))), None),
        )

    def _case(self, thing: str, events: Events) -> Record | None:
        end = events.get("finished") or events.get("skipped")
        if end is None:
            return None
        suite_run = end.text("testSuiteRun", "id")
        codebase = self._names.codebase(
            end.subject_source, end.source, end.text("testSuiteRun", "source"), _repository(end)
        )
        name = end.text("testCase", "name") or end.text("testCase", "id") or thing
        if codebase is None:
            return None
        begun = events.get("started")
        took = (end.at - begun.at).total_seconds() if begun and begun.at <= end.at else None
        skipped = end.kind == "testcaserun.skipped"
        return TestCaseRun(
            codebase=codebase,
            name=name,
            outcome="skip" if skipped else _CASE.get(end.text("outcome") or "", "error"),
            suite=self._suites.get(suite_run or "", suite_run),
            revision=self._revision(None, end.chain),
            run=thing,
            job=end.text("environment", "id"),
            started_at=begun.at if begun else end.at,
            duration_seconds=took,
        )

    def _change(self, thing: str, events: Events) -> Record | None:
        merged = events.get("merged")
        if merged is None:
            return None
        repository, source = _first(events, "repository", "id"), _first(events, "repository", "source")
        codebase = self._names.codebase(
            f"{source.rstrip('/')}/{repository}" if source and repository else repository,
            repository,
            merged.subject_source,
        )
        if codebase is None:
            return None
        opened, reviewed = events.get("created"), events.get("reviewed")
        about = _first(events, "description") or ""
        return Change(
            codebase=codebase,
            id=thing,
            title=about.strip().partition("\n")[0] or thing,
            merged_at=merged.at,
            opened_at=opened.at if opened else None,
            first_review_at=reviewed.at if reviewed else None,
            merge_revision=as_revision(thing),
        )

    def _incident(self, thing: str, events: Events) -> Record | Rejected | None:
        seen = [event for name in ("detected", "reported") if (event := events.get(name))]
        end = events.get("resolved")
        if not seen:
            reason = "it was resolved, and nothing says when it began"
            return Rejected(f"{self._where}: incident {thing[:200]}", reason, "")
        begun = min(seen, key=lambda event: event.at)
        service, artifact = _first(events, "service", "id"), _first(events, "artifactId")
        codebase = self._names.codebase(service, artifact)
        revision = self._revision(artifact)
        severity = next((event.custom.get("severity") for event in seen if event.custom), None)
        environment = begun.text("environment", "id")
        return Incident(
            id=thing,
            started_at=begun.at,
            title=_first(events, "description"),
            codebases=(codebase,) if codebase else None,
            detected_at=events["detected"].at if "detected" in events else None,
            resolved_at=end.at if end else None,
            severity=severity if isinstance(severity, str) else None,
            environment=self._names.environment(environment) if environment else None,
            caused_by=(Cause(revision=revision),) if revision else None,
            url=_first(events, "ticketURI"),
        )

    def _issue(self, thing: str, events: Events) -> Record:
        newest = max(events.values(), key=lambda event: event.at)
        opened, closed = events.get("created"), events.get("closed")
        labels: Any = next((event.content.get("labels") for event in events.values()), None)
        known = self._config.codebase_of(newest.subject_source) or self._config.codebase_of(newest.source)
        return Issue(
            id=thing,
            title=_first(events, "summary") or thing,
            codebase=known,
            kind=_KIND.get((_first(events, "ticketType") or "").lower()),
            state="closed" if closed else "open",
            opened_at=opened.at if opened else None,
            closed_at=closed.at if closed else None,
            labels=tuple(str(each) for each in labels) if isinstance(labels, list) else None,
            url=_url(newest),
        )


def _first(events: Events, *path: str) -> str | None:
    """The text that the newest event about a thing has of it."""
    for event in sorted(events.values(), key=lambda event: event.at, reverse=True):
        if (found := event.text(*path)) is not None:
            return found
    return None


def _url(event: Event) -> str | None:
    return event.text("uri") or event.text("url")


def _repository(event: Event) -> str | None:
    return event.text("repository", "id")
