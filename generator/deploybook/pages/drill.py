"""From a row to where more is known: addresses of other tools, with the time range filled in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from markupsafe import Markup

from deploybook.linking.model import LinkedDeployment, LinkedIncident
from deploybook.pages.book import Book
from deploybook.text import link

BEFORE = timedelta(minutes=15)
"""How long before the start a range begins, and after the end it stops."""
AFTER = timedelta(minutes=45)
"""How long what came after a deployment is looked at, where nothing went wrong."""
STILL_OPEN = timedelta(hours=24)
"""How far the range of an incident goes that is not over: by its start, so that it stays what it is."""


@dataclass(frozen=True)
class Span:
    """What a link is about."""

    codebase: str
    environment: str
    revision: str
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Way:
    """A way to another tool."""

    words: str
    href: Markup


def of_deployment(deployment: LinkedDeployment) -> Span:
    """From before its start to after what followed: its recovery, where it failed."""
    start = deployment.started_at or deployment.at
    end = max(deployment.recovered_at or deployment.at + AFTER, deployment.at)
    return Span(
        deployment.codebase, deployment.environment, deployment.revision or "", start - BEFORE, end + BEFORE
    )


def of_incident(book: Book, incident: LinkedIncident) -> Span:
    """From before it started to after it was over."""
    environment = incident.environment or incident.deployment_environment or book.config.live[0]
    end = incident.resolved_at or incident.started_at + STILL_OPEN
    tied = book.deployment.get(
        (incident.codebase or "", incident.deployment_environment or "", incident.deployment or "")
    )
    revision = (tied.revision if tied else None) or ""
    return Span(incident.codebase or "", environment, revision, incident.started_at - BEFORE, end + BEFORE)


def ways(book: Book, span: Span) -> tuple[Way, ...]:
    """Every address that `links:` names for the codebase and the site, filled in; none on a public site."""
    if book.config.site.public:
        return ()
    own = book.config.codebases.get(span.codebase)
    templates = {**book.config.links, **(own.links if own else {})}
    found = ((name, link(fill(template, span))) for name, template in sorted(templates.items()))
    return tuple(Way(name, href) for name, href in found if href)


def fill(template: str, span: Span) -> str:
    """An address from its template; every value is encoded, so that it stays one value."""
    for place, value in _PLACES.items():
        if place in template:
            template = template.replace(place, quote(value(span), safe=""))
    return template


def _ms(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_PLACES: dict[str, Callable[[Span], str]] = {
    "{from_ms}": lambda span: str(_ms(span.start)),
    "{to_ms}": lambda span: str(_ms(span.end)),
    "{from}": lambda span: _instant(span.start),
    "{to}": lambda span: _instant(span.end),
    "{codebase}": lambda span: span.codebase,
    "{revision}": lambda span: span.revision,
    "{environment}": lambda span: span.environment,
}
