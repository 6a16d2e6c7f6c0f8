"""A pipeline's jobs as rows with lanes beside them, as `git log --graph` draws commits.

Rows stay legible at any width and in print; the lanes show what waits for what, and the words say it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from deploybook import words
from deploybook.pipelines import Job, Pipeline

_NAMES = 20
"""Jobs of one row that are named; the others are counted."""
_LANES = 9
"""More lanes than that would take a phone's width: the words alone say it then."""
_STEP = 16
_JOIN = 26
_CONDITION = 200


@dataclass(frozen=True)
class Node:
    """Jobs that wait for the same and that the same wait for: one row."""

    jobs: tuple[Job, ...]
    needs: frozenset[int]
    """Numbers of the rows before that it waits for, without those that another of them waits for."""


@dataclass(frozen=True)
class JobRow:
    """A row as the page shows it."""

    name: str
    after: str
    says: tuple[str, ...]
    condition: str
    otherwise: str
    """What may be where the condition does not hold."""
    lanes: Markup
    gate: bool
    """A person has to press a button."""
    ships: bool
    """It deploys to an environment."""


def nodes(pipeline: Pipeline) -> list[Node]:
    """The rows of a pipeline, each after all that it waits for."""
    ordered = [job for layer in pipeline.layers for job in layer]
    known = {job.id for job in ordered}
    needs = {job.id: frozenset(job.needs) & known - {job.id} for job in ordered}
    waiting: dict[str, set[str]] = {job.id: set() for job in ordered}
    for name, before in needs.items():
        for each in before:
            waiting[each].add(name)
    groups: dict[object, list[Job]] = {}
    for job in ordered:
        alike = (
            needs[job.id], frozenset(waiting[job.id]), job.stage, job.approval, job.button, job.smoke,
            job.blocks, job.matrix and job.id, job.uses is None, job.condition, job.environments and job.id,
        )  # fmt: skip
        groups.setdefault(alike, []).append(job)
    number = {job.id: place for place, jobs in enumerate(groups.values()) for job in jobs}
    found: list[Node] = []
    above: list[frozenset[int]] = []  # all rows that a row waits for, by others too
    for place, jobs in enumerate(groups.values()):
        # A circle, which no forge would run, has a need further down: it is left out.
        direct = {number[need] for need in needs[jobs[0].id] if number[need] < place}
        implied = frozenset().union(*(above[each] for each in direct))
        above.append(implied | direct)
        found.append(Node(tuple(jobs), frozenset(direct - implied)))
    return found


def lanes(rows: Sequence[Node]) -> list[tuple[list[int | None], int, list[int | None]]]:
    """Of each row: what runs in each lane above it, its own lane, and what runs in each lane below it.

    A lane belongs to the row whose end others wait for, from that row to the last that does.
    """
    last: dict[int, int] = {}
    for place, row in enumerate(rows):
        for need in row.needs:
            last[need] = place
    taken: list[int | None] = []
    found = []
    for place in range(len(rows)):
        above = list(taken)
        ending = [lane for lane, source in enumerate(taken) if source is not None and last[source] == place]
        free = [lane for lane, source in enumerate(taken) if source is None or lane in ending]
        own = min(ending or free, default=len(taken))
        if own == len(taken):
            taken.append(None)
        for lane in ending:
            taken[lane] = None
        taken[own] = place if place in last else None
        found.append((above, own, list(taken)))
    return found


def graph(
    pipeline: Pipeline,
    times: Mapping[str, str] | None = None,
    asked: Mapping[str, Sequence[str]] | None = None,
) -> tuple[JobRow, ...]:
    """The rows of a pipeline, drawn.

    Args:
        pipeline: The pipeline.
        times: How jobs went, by their names or ids in small letters.
        asked: What the forge asks before a deployment to an environment, by its name in small letters.
    """
    rows = nodes(pipeline)
    placed = lanes(rows)
    width = max((len(below) for _, _, below in placed), default=0)
    staged = len({job.stage for job in pipeline.jobs}) > 1
    found = []
    for row, (above, own, below) in zip(rows, placed, strict=True):
        first = row.jobs[0]
        rules = list(
            dict.fromkeys(each for env in first.environments for each in (asked or {}).get(env.lower(), ()))
        )
        drawn = Markup("") if width > _LANES else _drawn(row, above, own, below, width)
        found.append(
            JobRow(
                name=_names(row.jobs),
                after=_after(row, rows),
                says=(*_says(row.jobs, staged=staged), *rules, *_went(row.jobs, times or {})),
                condition="" if _always(first) else _short(_bare(first.condition or "")),
                otherwise="otherwise somebody may press a button" if first.button else "",
                lanes=drawn,
                gate=first.approval or any("approves" in rule for rule in rules),
                ships=bool(first.environments),
            )
        )
    return tuple(found)


def _drawn(row: Node, above: list[int | None], own: int, below: list[int | None], width: int) -> Markup:
    """The lanes of a row: a part of fixed height in which they meet, and one that grows with the words."""
    lines = []
    for lane, source in enumerate(above):
        if source is None:
            continue
        if source in row.needs:
            middle = _JOIN / 2
            curve = f"M{_x(lane)} 0C{_x(lane)} {middle / 2:g} {_x(own)} {middle / 2:g} {_x(own)} {middle:g}"
            lines.append(curve)
        if lane < len(below) and below[lane] == source:
            lines.append(f"M{_x(lane)} 0V{_JOIN}")
    if own < len(below) and below[own] is not None:
        lines.append(f"M{_x(own)} {_JOIN / 2:g}V{_JOIN}")
    rest = "".join(f"M{_x(lane)} 0V10" for lane, source in enumerate(below) if source is not None)
    size = width * _STEP
    return Markup(
        '<span class="db-jobs__lanes" aria-hidden="true">'
        '<svg width="{w}" height="{h}" viewBox="0 0 {w} {h}" focusable="false"><path d="{d}"/>'
        '<circle cx="{x}" cy="{y}" r="5"/></svg>'
        '<svg class="db-jobs__rest" width="{w}" viewBox="0 0 {w} 10" preserveAspectRatio="none"'
        ' focusable="false">'
        '<path d="{rest}"/></svg></span>'
    ).format(w=size, h=_JOIN, d=Markup("".join(lines)), x=_x(own), y=f"{_JOIN / 2:g}", rest=Markup(rest))


def _x(lane: int) -> int:
    return lane * _STEP + _STEP // 2


def _names(jobs: Sequence[Job]) -> str:
    names = [job.name for job in jobs[:_NAMES]]
    if len(jobs) > _NAMES:
        return f"{', '.join(names)} and {words.count(len(jobs) - _NAMES, 'more', 'more')}"
    return words.joined(names)


def _after(row: Node, rows: Sequence[Node]) -> str:
    before = [job.name for need in sorted(row.needs) for job in rows[need].jobs]
    if not before:
        return "at once"
    if len(before) > _NAMES:
        return f"after {words.count(len(before), 'job')}: {', '.join(before[:_NAMES])} …"
    return f"after {words.joined(before)}"


def _says(jobs: Sequence[Job], *, staged: bool) -> list[str]:
    first = jobs[0]
    told: list[str] = []
    if staged and first.stage:
        told.append(f"stage {first.stage}")
    if len(jobs) > 1:
        told.append(f"{words.count(len(jobs), 'job')} side by side")
    if first.environments:
        names = [known(each) for each in first.environments]
        one = f"{words.joined(names, 'or')}, as whoever starts it chooses"
        one += f", else to {first.fallback}" if first.fallback else ""
        told.append(f"deploys to {one if first.chosen else words.joined(names)}")
    if len(jobs) == 1 and first.matrix:
        told.append(f"once for each {words.joined(list(first.matrix))}")
    if first.approval:
        told.append("somebody presses a button")
    if first.smoke:
        told.append("looks at what runs, and may stop it here")
    if _always(first):
        told.append("even where one of them failed")
    if not first.blocks:
        told.append("a failure stops nothing")
    elsewhere = list(dict.fromkeys(job.uses for job in jobs if job.uses))
    if len(elsewhere) > 1:
        # Of several workflows the repository says enough: their addresses would fill the row.
        elsewhere = list(dict.fromkeys(each.partition("/.github/")[0] for each in elsewhere))
    if elsewhere:
        told.append(f"described elsewhere, in {words.joined([_short(each) for each in elsewhere[:6]])}")
    return told


def _went(jobs: Sequence[Job], times: Mapping[str, str]) -> Iterator[str]:
    """How long a job took and how often it was red; of jobs side by side nobody knows which is meant."""
    if len(jobs) == 1:
        job = jobs[0]
        if told := times.get(job.name.casefold()) or times.get(job.id.casefold()):
            yield told


def _always(job: Job) -> bool:
    """Whether it runs whatever became of those before: not a condition, but the lack of one."""
    return _bare(job.condition or "") in ("always()", "!cancelled()", "success() || failure()")


def _bare(condition: str) -> str:
    """A condition without the brackets of an expression."""
    return re.sub(r"^\$\{\{\s*|\s*\}\}$", "", condition.strip())


def known(environment: str) -> str:
    """An environment as a person says it; one that is an expression is known only when it runs."""
    return "an environment chosen when it runs" if "$" in environment else environment


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _CONDITION else plain[: _CONDITION - 1].rstrip() + "…"
