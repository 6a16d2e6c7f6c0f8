"""A change as pages tell it: its words, its area, its state, who and when."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from markupsafe import Markup

from deploybook import news, words
from deploybook.linking.model import LinkedChange
from deploybook.messages import author_name
from deploybook.pages.book import Book, change_anchor
from deploybook.pages.flagstate import FlagState, flag_states
from deploybook.periods import Period, Week
from deploybook.text import escape, link, slug

ELSEWHERE = "Everything else"
"""The area of what no area of the configuration claims; without any area, codebases stand for them."""

Tone = Literal["ok", "watch", "bad", "quiet", "flag"]


@dataclass(frozen=True)
class State:
    """Where a change stands, as a pill: a shape, a word, then a colour."""

    tone: Tone
    says: str


@dataclass(frozen=True)
class Told:
    """A change, ready for a page."""

    codebase: str
    id: str
    anchor: Markup
    words: str
    more: str
    kind: news.Kind
    label: str
    """The kind as a reader's word: New, Improved, Fixed, Removed, Changed."""
    silent: bool
    described: bool
    """Whether somebody wrote words for readers, or an issue did."""
    authored: bool
    """Whether the words were written for readers: better than an issue's title."""
    area: str
    state: State | None
    """Only where it is not simply live for everyone."""
    when: Markup | None
    """When it went live; with when it went out and came back, where it did."""
    live_at: datetime | None
    number: str
    """How people name it: `#1841`, or the first letters of a revision."""
    url: Markup | None
    href: Markup
    person: str | None
    bot: bool
    hotfix: bool
    team: str | None


LABELS: dict[news.Kind, str] = {
    "new": "New",
    "improved": "Improved",
    "fixed": "Fixed",
    "removed": "Removed",
    "changed": "Changed",
    "behind": "Behind the scenes",
    "dependency": "Dependencies",
}


class Teller:
    """Tells changes, each once, with what the book knows of flags and regions."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._told: dict[tuple[str, str], Told] = {}
        self._news: dict[tuple[str, str], news.News] = {}
        self._flags: dict[str, FlagState] = flag_states(book)
        self._live_in = _live_in(book)
        self._notes = site_notes(book.config.root / "notes") if book.config.file else {}

    def __call__(self, change: LinkedChange) -> Told:
        """The change as pages tell it."""
        key = (change.codebase, change.id)
        if key not in self._told:
            self._told[key] = self._tell(change)
        return self._told[key]

    def worded(self, change: LinkedChange) -> news.News:
        """Its words alone."""
        key = (change.codebase, change.id)
        if key not in self._news:
            self._news[key] = self._word(change)
        return self._news[key]

    def _word(self, change: LinkedChange) -> news.News:
        issues = [json.loads(issue) for issue in change.issues]
        return news.tell(
            change.title,
            body=change.body,
            note=self._notes.get((change.codebase, change.id)) or change.notes,
            issue_titles=[issue.get("title") for issue in issues],
            labels=change.labels,
            author=author_name(change.author) if change.author else None,
            bot=change.bot,
            house=self.book.houses.get(change.codebase, news.HOUSELESS),
        )

    def _tell(self, change: LinkedChange) -> Told:
        news_ = self.worded(change)
        return Told(
            codebase=change.codebase,
            id=change.id,
            anchor=change_anchor(change.codebase, change.id),
            words=news_.words,
            more=news_.more,
            kind=news_.kind,
            label=LABELS[news_.kind],
            silent=news_.silent,
            described=news_.described,
            authored=news_.origin in ("override", "block", "section", "note"),
            area=change.area or (ELSEWHERE if self.book.config.areas else change.codebase),
            state=self._state(change),
            when=self._when(change),
            live_at=change.deployed_at,
            number=number(change),
            url=link(change.url),
            href=self.book.change_href(change),
            person=self.book.person(change.author),
            bot=change.bot,
            hotfix=self._is_hotfix(change),
            team=change.team,
        )

    def _state(self, change: LinkedChange) -> State | None:
        if change.state == "withdrawn":
            return State("bad", "withdrawn")
        if change.state in ("waiting", "unmatched", "baseline", "undone"):
            return State("quiet", change.state)
        for flag in change.flags:
            state = self._flags.get(flag)
            if state is None:
                return State("flag", f"behind flag {flag}")
            if state.off:
                return State("flag", f"ready, flag {flag} is off")
            if not state.on:
                return State("flag", f"flag {flag}, {state.says}")
        regions = len(self.book.config.live)
        here = self._live_in.get((change.codebase, change.id), 0)
        if regions > 1 and 0 < here < regions:
            return State("watch", f"live in {words.spelled(here)} of {words.spelled(regions)} regions")
        return None

    def _when(self, change: LinkedChange) -> Markup | None:
        if change.deployed_at is None:
            return None
        zone = self.book.zone
        week = Week.of(change.deployed_at, zone)
        says = Markup("live ") + words.moment(change.deployed_at, zone)
        if change.withdrawn_at is not None:
            says += Markup(", out ") + during(week, change.withdrawn_at, zone)
        if change.live_again_at is not None:
            says += Markup(", back ") + during(week, change.live_again_at, zone)
        for flag in change.flags:
            state = self._flags.get(flag)
            if state is not None and state.on and state.since > change.deployed_at:
                says += Markup(", flag {} on since {}").format(
                    escape(flag), words.moment(state.since, zone, "when")
                )
        return says

    def _is_hotfix(self, change: LinkedChange) -> bool:
        labels = {label.casefold() for label in self.book.config.hotfix.labels}
        return any(label.casefold() in labels for label in change.labels)


def number(change: LinkedChange) -> str:
    """How people name a change: `#1841`, `!12` stays, a revision by its first ten letters."""
    if not change.by_pull_request:
        return change.id[:10]
    return f"#{change.id}" if change.id.isdigit() else change.id


def during(week: Period, moment: datetime, zone: ZoneInfo) -> Markup:
    """A moment on the page of a week: with its date outside the week, with its year outside the year."""
    if week.contains(moment, zone):
        return words.moment(moment, zone)
    same = moment.astimezone(zone).year in (week.start.year, week.year)
    return words.moment(moment, zone, "when" if same else "long")


def _live_in(book: Book) -> Mapping[tuple[str, str], int]:
    """In how many of the live environments each change is now."""
    live = set(book.config.live)
    now: dict[tuple[str, str], set[str]] = defaultdict(set)
    for delivery in sorted(book.deliveries, key=lambda d: d.at):
        if delivery.environment not in live:
            continue
        places = now[delivery.codebase, delivery.change]
        if delivery.event == "withdrawn":
            places.discard(delivery.environment)
        else:
            places.add(delivery.environment)
    return {key: len(places) for key, places in now.items()}


def site_notes(folder: Path) -> dict[tuple[str, str], str]:
    """Notes that people keep in the site repository: `notes/<codebase>/<change>.md`."""
    notes: dict[tuple[str, str], str] = {}
    for path in sorted(folder.glob("*/*.md")):
        if path.parent.name == "weeks":
            continue
        notes[path.parent.name, path.stem] = _without_front_matter(path.read_text("utf-8", "replace"))
    return notes


def week_note(folder: Path, week: str) -> tuple[str, dict[str, str]] | None:
    """An editor's note of a week, `notes/weeks/<week>.md`: its text, and its front matter's words."""
    path = folder / "weeks" / f"{week}.md"
    if not path.is_file():
        return None
    text = path.read_text("utf-8", "replace")
    meta: dict[str, str] = {}
    if text.startswith("---\n"):
        head, _, _ = text[4:].partition("\n---")
        for line in head.splitlines():
            key, colon, value = line.partition(":")
            if colon:
                meta[key.strip()] = value.strip().strip("\"'")
    return _without_front_matter(text), meta


def _without_front_matter(text: str) -> str:
    if text.startswith("---\n"):
        _, end, rest = text[4:].partition("\n---")
        text = rest.partition("\n")[2] if end else text
    return text.strip()


def area_anchor(area: str) -> Markup:
    """The anchor of an area on a page."""
    return Markup(f"area-{slug(area)}")


def ahead(moment: Markup) -> Markup:
    """A moment of `words.moment` to which the browser adds how long it is off."""
    return moment.replace(Markup("<time "), Markup("<time data-db-until "), 1)


def ago(moment: Markup) -> Markup:
    """A moment of `words.moment` to which the browser adds how long ago it was."""
    return moment.replace(Markup("<time "), Markup("<time data-db-age "), 1)
