"""One CDEvent: what the specification requires of it, whatever version it was written to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_TYPE = re.compile(r"dev\.cdevents\.([a-z]+\.[a-z]+)\.\d+\.\d+\.\d+(?:-draft)?")

# What each type's content must have beyond nothing; in 0.4 `uri` was called `url`.
_REQUIRED = {
    "artifact.packaged": ("change.id",),
    "artifact.signed": ("signature",),
    "incident.detected": ("environment.id",),
    "incident.reported": ("environment.id", "ticketURI"),
    "incident.resolved": ("environment.id",),
    "pipelinerun.started": ("pipelineName", "uri"),
    "repository.created": ("name", "uri"),
    "service.deployed": ("environment.id", "artifactId"),
    "service.rolledback": ("environment.id", "artifactId"),
    "service.upgraded": ("environment.id", "artifactId"),
    "testcaserun.finished": ("outcome", "environment.id"),
    "testcaserun.queued": ("environment.id",),
    "testcaserun.started": ("environment.id",),
    "testoutput.published": ("outputType", "format"),
    "testsuiterun.finished": ("outcome", "environment.id"),
    "testsuiterun.queued": ("environment.id",),
    "testsuiterun.started": ("environment.id",),
    "ticket.closed": ("uri", "resolution"),
    "ticket.created": ("summary", "creator", "uri"),
    "ticket.updated": ("uri",),
}
# What must be inside a part of the content where that part is there.
_INSIDE = {
    "artifact.packaged": ("sbom.uri",),
    "artifact.published": ("sbom.uri",),
    "incident": ("service.id",),
    "branch": ("repository.id",),
    "change": ("repository.id",),
    "service.published": ("environment.id",),
    "service.removed": ("environment.id",),
    "taskrun": ("pipelineRun.id",),
    "testcaserun": ("environment.id", "testSuiteRun.id", "testCase.id"),
    "testoutput": ("testCaseRun.id",),
    "testsuiterun": ("testSuite.id",),
}


class EventError(ValueError):
    """Something is no CDEvent, or lacks what its type requires; the message says what."""


@dataclass(frozen=True, slots=True)
class Event:
    """A CDEvent as it was sent."""

    kind: str
    """Subject and predicate, as `service.deployed`; of a type that is not the specification's, all of it."""
    id: str
    source: str
    at: datetime
    subject: str
    subject_source: str
    content: dict[str, Any]
    chain: str | None
    custom: dict[str, Any]

    def text(self, *path: str) -> str | None:
        """A text of the content, one key in the other; `None` where it is absent, empty or no text."""
        value: Any = self.content
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, str) and value else None


def read(value: Any) -> Event:
    """Read one event of 0.4 (`version`) or 0.5 (`specversion`).

    Raises:
        EventError: It is none, or a required field is gone.
    """
    context, subject = _mapping(value, "context"), _mapping(value, "subject")
    if not (context.get("specversion") or context.get("version")):
        raise EventError("context.specversion is missing (in 0.4: context.version)")
    kind, source, name = (_text(context, f"context.{key}") for key in ("type", "source", "id"))
    content = subject.get("content")
    if not isinstance(content, dict):
        raise EventError("subject.content is missing")
    known = _TYPE.fullmatch(kind)
    event = Event(
        kind=known[1] if known else kind,
        id=name,
        source=source,
        at=_instant(_text(context, "context.timestamp")),
        subject=_text(subject, "subject.id"),
        subject_source=str(subject.get("source") or source),
        content=content,
        chain=str(context["chainId"]) if context.get("chainId") else None,
        custom=value["customData"] if isinstance(value.get("customData"), dict) else {},
    )
    _check(event)
    return event


def _check(event: Event) -> None:
    for path in _REQUIRED.get(event.kind, ()):
        if _at(event.content, path) is None:
            raise EventError(f"subject.content.{path} is missing")
    for family in (event.kind.partition(".")[0], event.kind):
        for path in _INSIDE.get(family, ()):
            if path.partition(".")[0] in event.content and _at(event.content, path) is None:
                raise EventError(f"subject.content.{path} is missing")


def _at(content: dict[str, Any], path: str) -> Any:
    value: Any = content
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get("url") if key == "uri" and "uri" not in value else value.get(key)
    return value or None


def _mapping(value: Any, key: str) -> dict[str, Any]:
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise EventError(f"{key} is missing" if isinstance(value, dict) else "this is no CDEvent: no object")
    return found


def _text(mapping: dict[str, Any], path: str) -> str:
    found = mapping.get(path.rpartition(".")[2])
    if not isinstance(found, str) or not found.strip():
        raise EventError(f"{path} is missing")
    return found


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise EventError(f"context.timestamp is no instant: {text[:40]!r}") from error
    if found.tzinfo is None:
        raise EventError("context.timestamp has no offset")
    return found
