"""How the team deploys: environments, cut-offs, windows, freezes, and who takes turns."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from deploybook.config.base import Model
from deploybook.config.values import (
    Clock,
    Country,
    Day,
    Every,
    Weekdays,
    Words,
    wrong,
)


class CutOff(Model):
    """Until when a change must be merged to be in the next deployment."""

    weekday: Weekdays
    """A weekday, a list of weekdays, or daily (Monday to Friday)."""
    time: Clock
    """Time of day in the site's time zone."""


class Window(Model):
    """When deployments to the last environment are done."""

    weekday: Weekdays
    """A weekday, a list of weekdays, or daily (Monday to Friday)."""
    from_: Clock = Field(alias="from")
    """Its begin, in the site's time zone."""
    to: Clock
    """Its end; earlier than `from`: on the next day."""

    @model_validator(mode="after")
    def _order(self) -> Window:
        if self.to == self.from_:
            raise wrong("`to` other than `from`")
        return self


class Freeze(Model):
    """Days on which nothing is deployed; both ends are in it."""

    from_: Day = Field(alias="from")
    """The first day."""
    to: Day
    """The last day."""
    because: str | None = None
    """Why."""

    @model_validator(mode="after")
    def _order(self) -> Freeze:
        if self.to < self.from_:
            raise wrong("`to` not before `from`")
        return self


class Decides(Model):
    """Who calls roll back or keep."""

    rotation: str
    """The rotation whose holder decides."""


class Before(Model):
    """How it was: what happened until then is judged by its own rules."""

    until: Day
    """The first day on which it no longer was so."""
    cut_off: CutOff | None = None
    """The cut-off of that time; absent: there was none."""
    window: Window | None = None
    """The window of that time; absent: there was none."""


class Meeting(Model):
    """Something that people come together for again and again, as planning and demos: for the calendar."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """What it is called."""
    weekday: Weekdays
    """A weekday, a list of weekdays, or daily (Monday to Friday)."""
    from_: Clock = Field(alias="from")
    """Its begin, in the site's time zone."""
    to: Clock
    """Its end, later on the same day."""
    every: Annotated[str, Field(pattern=r"^[1-9][0-9]?w$")] = "1w"
    """In which weeks, as 2w; weeks are counted from the one of `starts`."""
    starts: Day | None = None
    """The first day on which it may be; needed where it is not every week."""
    teams: Words = ()
    """Whose it is; default: everybody's."""
    about: str | None = None
    """Where it is, and what for."""

    @model_validator(mode="after")
    def _whole(self) -> Meeting:
        if self.to <= self.from_:
            raise wrong("`to` later than `from`")
        if self.every != "1w" and self.starts is None:
            raise wrong("`starts`, the first day, beside an `every` of several weeks")
        return self

    @property
    def weeks(self) -> int:
        """How many weeks lie between two of them."""
        return int(self.every[:-1])


class Stage(Model):
    """One step of the promotion: an environment, or several that are one step (regions, tenants)."""

    name: str
    """The environment, or what the group of them is called; lower-case."""
    members: tuple[str, ...]
    """The environments of the step, lower-case."""

    @model_validator(mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        if isinstance(data, str) and data.strip():
            return {"name": data.lower(), "members": (data.lower(),)}
        if isinstance(data, dict) and len(data) == 1:
            ((name, members),) = data.items()
            members = [members] if isinstance(members, str) else members
            if isinstance(members, list) and members and all(isinstance(each, str) for each in members):
                return {"name": str(name).lower(), "members": tuple(each.lower() for each in members)}
        raise wrong("an environment, or one group of them as {production: [prod-eu, prod-us]}")


class Process(Model):
    """How the team deploys."""

    environments: Annotated[tuple[Stage, ...], Field(min_length=1)] = (Stage.model_validate("production"),)
    """In the order of promotion, in any case; the last is where users are."""
    cut_off: CutOff | None = None
    """Until when a change must be merged."""
    window: Window | None = None
    """When deployments to the last environment are done."""
    holidays: Country | None = None
    """The country whose public holidays are no working days: DE, DE-BY."""
    freezes: tuple[Freeze, ...] = ()
    """Days on which nothing is deployed."""
    decides: Decides | None = None
    """Who calls roll back or keep."""
    before: tuple[Before, ...] = ()
    """How it was, oldest first."""
    meetings: tuple[Meeting, ...] = ()
    """Planning, demos and their like: in the calendar, never on a holiday."""


class Override(Model):
    """Someone else's turn; both days are in it."""

    from_: Day = Field(alias="from")
    """The first day."""
    to: Day
    """The last day."""
    person: str
    """Who takes it."""


class Rotation(Model):
    """People who take turns: by the file, or with neither `members` nor `starts` as a source says."""

    members: Words = ()
    """People, by their name in `people`, in the order of their turns."""
    every: Every = "1w"
    """How long a turn is: days, weeks or months, as 1d, 2w, 1m."""
    starts: Day | None = None
    """The day on which the first member's first turn began."""
    overrides: tuple[Override, ...] = ()
    """Turns that someone else takes."""

    @model_validator(mode="after")
    def _whole(self) -> Rotation:
        if bool(self.members) != (self.starts is not None):
            raise wrong("both `members` and `starts`, or neither where a source says whose turn it is")
        return self
