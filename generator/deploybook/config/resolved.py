"""`Config`: the file's content, where it stands, and the questions the rest of the program asks of it."""

from __future__ import annotations

import os
from collections.abc import Container, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import PrivateAttr

from deploybook import periods
from deploybook.config.globs import Globs
from deploybook.config.models import Document
from deploybook.config.process import Before, Process
from deploybook.errors import UsageError, keep_secret


class Config(Document):
    """All of `deploybook.yml`, checked. Paths in it are relative to `root`."""

    _root: Path = PrivateAttr(default_factory=Path)
    _file: Path | None = PrivateAttr(default=None)
    _whole: Config | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, content: Mapping[str, Any], *, root: Path, file: Path | None = None) -> Self:
        """Make a configuration from plain values, as they stand in the file.

        Raises:
            pydantic.ValidationError: A value is wrong.
        """
        config = cls.model_validate(content)
        config._root = root
        config._file = file
        return config

    @property
    def root(self) -> Path:
        """The folder of the file; with no file, the checkout's."""
        return self._root

    @property
    def file(self) -> Path | None:
        """The file it was read from; none where it was found out from a checkout."""
        return self._file

    @property
    def by_hand(self) -> Path:
        """The folder of the pages that people write by hand."""
        return self.root / self.site.docs

    @property
    def build_dir(self) -> Path:
        """Working files."""
        return self.root / "build"

    @property
    def work_dir(self) -> Path:
        """What a build makes on its way: below `build_dir`, a team's part apart from the whole."""
        return self.build_dir if self._whole is None else self.build_dir / "teams" / next(iter(self.teams))

    @property
    def whole(self) -> Config | None:
        """What this is a team's part of; none where it is all there is."""
        return self._whole

    def only(self, team: str) -> Self:
        """One team's part: its codebases and nobody else's, by the same rules.

        Raises:
            UsageError: There is no such team, it has no codebase, or nothing says where the rest is.
        """
        if team not in self.teams:
            known = ", ".join(sorted(self.teams)) or "none is configured"
            raise UsageError(f"there is no team {team!r}", where="--only", next_step=f"one of: {known}")
        own = {name: codebase for name, codebase in self.codebases.items() if codebase.team == team}
        if not own:
            raise UsageError(
                f"no codebase is of the team {team!r}",
                where="--only",
                next_step=f"write `team: {team}` there",
            )
        if not self.site.url:
            raise UsageError(
                "nothing says where the rest is, which a team's site links to",
                where="--only", next_step="write the address of the whole site as `url:` below `site:`",
            )  # fmt: skip
        name = f"{self.teams[team].name or team}, {self.site.name}"
        meetings = tuple(each for each in self.process.meetings if not each.teams or team in each.teams)
        part = self.model_copy(
            update={
                "codebases": own,
                "teams": {team: self.teams[team]},
                "site": self.site.model_copy(update={"name": name}),
                "process": self.process.model_copy(
                    update={"meetings": tuple(_only(each, "teams", {team}) for each in meetings)}
                ),
                "annotations": tuple(
                    _only(each, "codebases", own)
                    for each in self.annotations
                    if each.codebases is None or not own.keys().isdisjoint(each.codebases)
                ),
            }
        )
        for each in set(vars(part)) - set(Config.model_fields):  # worked out of the whole
            del vars(part)[each]
        part._whole = self
        return part

    @property
    def history_url(self) -> str:
        """The address of the store; where the file says `env:NAME`, what the variable holds.

        Raises:
            UsageError: The variable is not set.
        """
        return secret(self.history) if self.history.startswith("env:") else self.history

    @property
    def engine_url(self) -> str:
        """What counts; where the file says `env:NAME`, what the variable holds.

        Raises:
            UsageError: The variable is not set.
        """
        return secret(self.engine) if self.engine.startswith("env:") else self.engine

    @cached_property
    def environments(self) -> tuple[tuple[str, ...], ...]:
        """Environments in the order of promotion, lower-case; those of one group together."""
        return tuple(stage.members for stage in self.process.environments)

    @property
    def live(self) -> tuple[str, ...]:
        """The environments where users are: the last group."""
        return self.environments[-1]

    def step_of(self, environment: str) -> str:
        """What a promotion goes to: of a group its name, where it is told under the first of them."""
        name = environment.lower()
        return next((stage.name for stage in self.process.environments if stage.members[0] == name), name)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.site.timezone)

    @cached_property
    def calendar(self) -> periods.Calendar:
        """Cut-offs and windows of the last environment, of every day by the rule of that day."""
        process = self.process
        return periods.Calendar(
            zone=self.zone,
            rule=_rule(process),
            before=tuple(_rule(before) for before in process.before),
            freezes=tuple(
                periods.Freeze(each.from_, each.to, each.because or "") for each in process.freezes
            ),
            holiday=periods.holidays_of(process.holidays) if process.holidays else periods.no_holidays,
        )

    def rotation(self, name: str, recorded: Iterable[periods.Turn] = ()) -> periods.Rotation:
        """A rotation of the file; `recorded` are its turns as history has them.

        Raises:
            KeyError: There is no such rotation.
        """
        rotation = self.rotations[name]
        overrides = tuple(
            periods.Turn(
                self._midnight(each.from_), self._midnight(each.to + timedelta(days=1)), each.person, True
            )
            for each in rotation.overrides
        )
        return periods.Rotation(
            rotation.members, rotation.every, rotation.starts, self.zone, overrides, tuple(recorded)
        )

    def _midnight(self, day: date) -> datetime:
        return periods.to_utc(day, time(), self.zone)

    @cached_property
    def _areas(self) -> tuple[tuple[str, frozenset[str], Globs, frozenset[str]], ...]:
        return tuple(
            (name, _folded(area.labels), Globs(area.paths), frozenset(area.codebases))
            for name, area in self.areas.items()
        )

    def area_of(self, labels: Iterable[str], paths: Iterable[str], codebase: str) -> str | None:
        """The first area that has one of the labels (any case), one of the paths, or the codebase."""
        have, touched = _folded(labels), tuple(paths)
        for name, wanted, globs, codebases in self._areas:
            if wanted & have or codebase in codebases or any(map(globs.match, touched)):
                return name
        return None

    @cached_property
    def _people(self) -> dict[str, str]:
        found: dict[str, str] = {}
        # What names one person best goes first: two may share a display name, never a key.
        for key in self.people:
            found.setdefault(key.casefold(), key)
        for names in ("github", "email", "name"):
            for key, person in self.people.items():
                if value := getattr(person, names):
                    found.setdefault(value.casefold(), key)
        for key, person in self.people.items():
            for value in person.also_known_as:
                found.setdefault(value.casefold(), key)
        return found

    def person_of(self, name: str | None) -> str | None:
        """Who goes by this key, login (with or without @), address, name or alias, in any case."""
        if not name:
            return None
        folded = name.strip().casefold()
        return self._people.get(folded) or self._people.get(folded.removeprefix("@"))

    @cached_property
    def _codebases(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {key.casefold(): key for key in self.codebases}
        for key, codebase in self.codebases.items():
            for alias in codebase.also_known_as:
                found.setdefault(alias.casefold(), key)
        addresses: dict[str, str | None] = {}
        for key, codebase in self.codebases.items():
            if codebase.repository and (address := repository_address(codebase.repository)):
                # A repository with several codebases in it names none of them.
                addresses[address] = None if address in addresses else key
        return addresses | found

    @property
    def naming(self) -> str:
        """A word that is another where `codebase_of` may answer otherwise."""
        return sha256(repr(sorted(self._codebases.items())).encode()).hexdigest()[:16]

    def codebase_of(self, name: str | None) -> str | None:
        """Which codebase other systems call so: its name, an alias, its repository's address; in any case."""
        if not name:
            return None
        folded = name.strip().casefold()
        return self._codebases.get(folded) or self._codebases.get(repository_address(folded))

    def flags_of(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The flags whose labels are among these, in the order of the file."""
        have = _folded(labels)
        return tuple(
            name for name, flag in self.flags.items() if flag.label and flag.label.casefold() in have
        )


def _only(entry: Any, field: str, known: Container[str]) -> Any:
    """An entry of the file with those of its names that are known."""
    named = getattr(entry, field)
    return entry.model_copy(update={field: named and tuple(each for each in named if each in known)})


def _rule(process: Process | Before) -> periods.Rule:
    cut_off, window = process.cut_off, process.window
    return periods.Rule(
        cut_off=periods.CutOffRule(cut_off.weekday, cut_off.time) if cut_off else None,
        window=periods.WindowRule(window.weekday, window.from_, window.to) if window else None,
        until=process.until if isinstance(process, Before) else None,
    )


def secret(reference: str) -> str:
    """What the environment variable of `env:NAME` holds.

    Raises:
        UsageError: It is not set, or empty; the message names the variable.
    """
    name = reference.removeprefix("env:")
    value = os.environ.get(name, "")
    if name == reference or not value:
        # The reference itself is not repeated where it is no reference: it may be the secret.
        raise UsageError(
            f"the environment variable {name} is not set"
            if name != reference
            else "a secret is not given as env:NAME",
            next_step=f"set {name}, in the schedule's secrets for one"
            if name != reference
            else "write env:NAME",
        )
    return keep_secret(value)


def repository_address(text: str) -> str:
    """One spelling for the addresses of one repository: `host/owner/name`, lower-case; empty for a path."""
    text = text.strip().casefold().removesuffix("/").removesuffix(".git")
    scheme, found, rest = text.partition("://")
    if found:
        rest = rest.rpartition("@")[2] if "@" in rest.partition("/")[0] else rest
        return "" if scheme == "file" else rest
    host, found, path = text.partition(":")
    if found and "/" not in host:
        return f"{host.rpartition('@')[2]}/{path.lstrip('/')}"
    return ""


def _folded(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.casefold() for word in words)
