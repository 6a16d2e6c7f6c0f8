"""What people were told and what they wrote: notices that were sent, notes on what was unusual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from deploybook.linking.model import LinkedChange, LinkedDeployment
from deploybook.pages.book import Book
from deploybook.periods import local_date
from deploybook.practices.model import Evidence, Outlier

_OWN = ("last run", "wants|")
"""How keys begin that are no notice: when it was last looked, and since when who asks for what."""
_PATIENCE = timedelta(days=1)


@dataclass(frozen=True)
class Notices:
    """Notices of the history."""

    since: datetime | None
    """When the first was accepted."""
    told: Mapping[str, frozenset[tuple[str, str]]]
    """Environment and id of the deployments that were told, by codebase."""
    waiting: Mapping[str, datetime | None]
    """Targets that lines wait for, with the last that each accepted."""

    @classmethod
    def of(cls, book: Book) -> Notices:
        """The notices that a book knows of."""
        told: dict[str, set[tuple[str, str]]] = defaultdict(set)
        accepted: dict[str, datetime] = {}
        waits: set[str] = set()
        first: list[datetime] = []
        for row in book.notices.to_pylist() if book.notices is not None else []:
            if row["key"].startswith(_OWN):
                continue
            if row["sent_at"] is None:
                waits.add(row["to"])
                continue
            first.append(row["sent_at"])
            accepted[row["to"]] = max(accepted.get(row["to"], row["sent_at"]), row["sent_at"])
            _, _, event = row["key"].partition("|deployed|")
            codebase, _, rest = event.partition("|")
            environment, _, id_ = rest.partition("|")
            if event:
                told[codebase].add((environment, id_))
        since = min(first, default=None)
        return cls(
            since,
            {name: frozenset(each) for name, each in told.items()},
            {target: accepted.get(target) for target in waits},
        )

    def refused(self, codebase: str, book: Book) -> int:
        """How many targets of the codebase's team and its people have taken nothing for a day."""
        key = book.config.codebases[codebase].team or ""
        team = book.config.teams.get(key)
        people = [(who, book.config.people.get(who)) for who in (team.members if team else ())]
        asked = {f"team:{key}>{address}" for address in (team.notify if team else ())}
        asked |= {f"person:{who}>{address}" for who, person in people if person for address in person.notify}
        return sum(
            target in asked and (at is None or book.as_of - at > _PATIENCE)
            for target, at in self.waiting.items()
        )


def noted(book: Book) -> dict[str, list[Outlier]]:
    """What was unusual in the last 26 weeks, by codebase, once each however many of its measures were.

    It is noted where an annotation of its codebase is on its day or says its name, `codebase/id`, or where a
    person corrected what is said of it.
    """
    if "outliers" not in book.tables:
        return {}
    changes = {(change.codebase, change.id): change for change in book.changes}
    written: dict[str, set[date]] = defaultdict(set)
    texts: list[str] = [each.deployment for each in book.config.corrections]
    for on, text, codebases in _annotations(book):
        texts.append(text)
        for name in book.codebases if codebases is None else codebases:
            written[name].add(on)
    said = "\n".join(texts)
    found: dict[str, dict[tuple[str, ...], Outlier]] = defaultdict(dict)
    for row in book.tables["outliers"].to_pylist():
        codebase, id_, environment = row["codebase"], row["id"], row["environment"] or ""
        key = (row["kind"], environment if row["kind"] == "deployment" else "", id_)
        if key in found[codebase]:
            continue
        what: LinkedChange | LinkedDeployment | None = (
            changes.get((codebase, id_))
            if row["kind"] == "change"
            else book.deployment.get((codebase, environment, id_))
        )
        name = f"{codebase}/{id_}"
        told = local_date(row["at"], book.zone) in written[codebase] or _names(said, name)
        change = what if isinstance(what, LinkedChange) else None
        deployment = what if isinstance(what, LinkedDeployment) else None
        evidence = Evidence(row["at"], name, deployment=deployment, change=change)
        found[codebase][key] = Outlier(row["at"], told, evidence)
    return {codebase: list(each.values()) for codebase, each in found.items()}


def _names(said: str, name: str) -> bool:
    """Whether a text names something whole: `shop/12` is not in `shop/123`."""
    at = said.find(name)
    while at >= 0:
        end = at + len(name)
        if end == len(said) or not said[end].isalnum():
            return True
        at = said.find(name, end)
    return False


def _annotations(book: Book) -> list[tuple[date, str, tuple[str, ...] | None]]:
    """Annotations of the configuration and of the history."""
    found = [(each.on, each.text, each.codebases) for each in book.config.annotations]
    for row in book.history["annotations"].to_pylist():
        names = None if row["codebases"] is None else tuple(row["codebases"])
        found.append((row["on"], row["text"], names))
    return found
