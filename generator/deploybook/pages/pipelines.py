"""`process/pipelines/`: each codebase's pipelines, drawn from their files, with how their stages went."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import pyarrow.compute as pc
from markupsafe import Markup

from deploybook import words
from deploybook.pages.book import MANY_CODEBASES, Book
from deploybook.pages.jobgraph import JobRow, graph
from deploybook.pages.page import Page
from deploybook.pipelines import Pipeline
from deploybook.text import slug

DAYS = 90
"""How far back stages are measured."""
_FEW = 5
_FEW_DRAWN = 2
"""Pipelines that the process page draws; all are on the page of pipelines."""


@dataclass(frozen=True)
class Drawn:
    """A pipeline with its jobs as a graph."""

    name: str
    says: str
    jobs: tuple[JobRow, ...]
    aside: tuple[str, ...]


@dataclass(frozen=True)
class CodebasePipelines:
    """The pipelines of a codebase: those on the way to users drawn, the others named."""

    name: str
    anchor: Markup
    drawn: tuple[Drawn, ...]
    others: tuple[tuple[object, ...], ...]
    stages: tuple[tuple[object, ...], ...]
    empty: str


@dataclass(frozen=True)
class PipelinesPage:
    """The model of `process/pipelines/`."""

    kicker: str
    sentence: str
    lead: str
    simulated: bool
    codebases: tuple[CodebasePipelines, ...]
    listed: tuple[tuple[object, ...], ...] = ()
    """Where there are many: each codebase, leading to its own page."""


@dataclass(frozen=True)
class Measured:
    """How a stage of a pipeline went."""

    pipeline: str
    stage: str
    seconds: tuple[float, ...]
    red: int
    runs: int


Stages = Mapping[str, Sequence[Measured]]
"""How the stages of each codebase went."""


def pages(book: Book, stages: Stages) -> Iterator[Page]:
    """The pipelines page, where a repository has one or a run is known."""
    told = tuple(_codebase(book, name, stages.get(name, ())) for name in book.codebases)
    drawn = sum(bool(each.drawn or each.others) for each in told)
    if not drawn and not any(each.stages for each in told):
        return
    of = words.count(len(told), "codebase")
    if drawn < len(told):
        some = words.spelled(drawn, start=True) if drawn else "None"
        has = "has a pipeline of its own" if drawn < 2 else "have a pipeline of their own"
        sentence = (
            f"{some} of {of} {has}." if len(told) > 1 else f"{told[0].name} has no pipeline of its own."
        )
    elif drawn == 1:
        sentence = f"{told[0].name} has a pipeline of its own."
    else:
        sentence = f"Each of {words.count(drawn, 'codebase', words=True)} has a pipeline of its own."
    model = PipelinesPage(
        kicker="Pipelines, as their files describe them",
        sentence=sentence,
        lead=f"A job waits for those that a line leads from. Times are of the last {DAYS} days.",
        simulated=book.config.site.simulated,
        codebases=told,
    )
    if len(told) <= MANY_CODEBASES:
        yield Page("process/pipelines", "pipelines.md.jinja", "Pipelines", model, toc=True)
        return
    yield Page(
        "process/pipelines",
        "pipelines.md.jinja",
        "Pipelines",
        replace(model, codebases=(), listed=_listed(told)),
    )
    for each in told:
        name = f"Pipelines of {each.name}"
        own = replace(
            model, kicker="Pipelines, as their files describe them", sentence=f"{name}.", codebases=(each,)
        )
        yield Page(f"process/pipelines/{each.anchor}", "pipelines.md.jinja", name, own, search=False)


def pipelines_href(book: Book, name: str) -> Markup:
    """Where the pipelines of a codebase are told."""
    own = len(book.codebases) > MANY_CODEBASES
    return Markup("~/process/pipelines/{}").format(f"{slug(name)}/" if own else f"#{slug(name)}")


def _listed(told: Iterable[CodebasePipelines]) -> tuple[tuple[object, ...], ...]:
    """Each codebase with the names of what is drawn of it, where each has a page of its own."""
    return tuple(
        (
            {"text": each.name, "href": Markup("~/process/pipelines/{}/").format(each.anchor)},
            ", ".join(drawn.name for drawn in each.drawn) or each.empty or "–",
        )
        for each in told
    )


def on_the_way(pipeline: Pipeline, live: tuple[str, ...]) -> bool:
    """Whether a pipeline is one that a change passes: it runs on its own for changes, or deploys."""
    if any(name in live for name in pipeline.environments):
        return True
    says = " ".join(pipeline.triggers)
    return ("every pull request" in says or "push" in says) and len(pipeline.jobs) > 1


def shown(book: Book, name: str) -> list[Pipeline]:
    """The pipelines of a codebase that a change passes, those that deploy to users last."""
    found = book.pipelines.get(name, ())
    known = set(book.config.live)
    ordered = sorted(found, key=lambda each: (bool(known & set(each.environments)), each.file))
    passed = [each for each in ordered if on_the_way(each, book.config.live)]
    names = {each.name for each in passed}
    return [each for each in ordered if each in passed or names.intersection(each.follows)]


def to_users(book: Book, name: str | None, stages: Stages) -> tuple[Drawn, ...]:
    """The pipelines that bring a codebase to users, drawn; without any, those that a change passes."""
    named = name or next((each for each in book.codebases if shown(book, each)), None)
    passed = shown(book, named) if named else []
    deploying = [each for each in passed if each.environments]
    own = stages.get(named or "", ())
    asked = asks(book, named) if named else {}
    return tuple(draw(each, own, asked) for each in (deploying or passed)[:_FEW_DRAWN])


def _codebase(book: Book, name: str, stages: Iterable[Measured]) -> CodebasePipelines:
    found = sorted(book.pipelines.get(name, ()), key=lambda each: each.file)
    passed = shown(book, name)
    return CodebasePipelines(
        name=name,
        anchor=Markup(slug(name)),
        drawn=tuple(draw(each, stages, asks(book, name)) for each in passed),
        others=tuple(
            (each.name, _when(each), len(each.jobs), each.file) for each in found if each not in passed
        ),
        stages=tuple(_stage_row(each) for each in stages),
        empty=_empty(book, name, bool(found)),
    )


def _empty(book: Book, name: str, found: bool) -> str:
    if found:
        return ""
    if book.config.codebases[name].repository is None:
        return "It has no repository here, so its pipeline cannot be read."
    return "Its repository has neither .github/workflows nor .gitlab-ci.yml on the release branch."


def draw(
    pipeline: Pipeline, stages: Iterable[Measured] = (), asked: Mapping[str, Sequence[str]] | None = None
) -> Drawn:
    """A pipeline as a graph of its jobs.

    Args:
        pipeline: What is drawn.
        stages: How its stages went: told with the job that has the name.
        asked: What the forge asks before a deployment to an environment.
    """
    own = {pipeline.name.casefold(), pipeline.file.rpartition("/")[2].rpartition(".")[0].casefold()}
    times = {each.stage.casefold(): _went(each) for each in stages if each.pipeline.casefold() in own}
    when = _when(pipeline) or "never by itself"
    more = f", with {words.count(len(pipeline.files), 'file')} that it uses" if pipeline.files else ""
    return Drawn(
        name=pipeline.name,
        says=f"{pipeline.file}{more}; runs {when}.",
        jobs=graph(pipeline, times, asked),
        aside=pipeline.aside,
    )


def _when(pipeline: Pipeline) -> str:
    """What starts it; parted by semicolons where one of them has commas of its own."""
    if any("," in each for each in pipeline.triggers):
        return "; ".join(pipeline.triggers)
    return words.joined(list(pipeline.triggers)) if pipeline.triggers else ""


def approvals(book: Book, codebase: str, environment: str) -> str:
    """Who may deploy to an environment, as far as the pipeline files and the forge's rules say."""
    found = []
    for pipeline in book.pipelines.get(codebase, ()):
        jobs = [job for job in pipeline.jobs if environment in {each.lower() for each in job.environments}]
        if any(job.approval for job in jobs):
            found.append(f"whoever presses the button of {pipeline.name}")
        elif jobs and pipeline.by_hand:
            found.append(f"whoever starts {pipeline.name}")
        elif jobs:
            when = f" ({words.joined(list(pipeline.triggers), 'or')})" if pipeline.triggers else ""
            found.append(f"its pipeline, {pipeline.name}{when}")
    told = [words.joined(found, "or")] if found else []
    told += _rules(book, codebase, environment)
    return "; ".join(told) if told else "no file says"


def asks(book: Book, codebase: str) -> dict[str, list[str]]:
    """What the forge asks of deployments of a codebase, by environment."""
    names = sorted(name for owner, name in book.once(_last_rules) if owner == codebase)
    return {name: told for name in names if (told := _rules(book, codebase, name))}


def _last_rules(book: Book) -> dict[tuple[str, str], dict[str, Any]]:
    """What was last read of each codebase's environments."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in book.history["environment_rules"].to_pylist():
        key = (row["codebase"], row["environment"].lower())
        if key not in found or row["read_at"] > found[key]["read_at"]:
            found[key] = row
    return found


def _rules(book: Book, codebase: str, environment: str) -> list[str]:
    """What the forge asks of a deployment to an environment, as it was last read."""
    row = book.once(_last_rules).get((codebase, environment))
    if row is None:
        return []
    told: list[str] = []
    if row["reviewers"]:
        names = [book.person(who) or who for who in row["reviewers"]]
        who = "somebody of the reviewers" if book.config.site.public else words.joined(names, "or")
        themselves = ", not of their own" if row["self_review"] is False else ""
        told.append(f"{who} approves{themselves}")
    if row["wait_minutes"]:
        told.append(f"after {words.duration(row['wait_minutes'] * 60)}")
    if row["branches"]:
        some = ["protected branches" if each == "protected" else each for each in row["branches"]]
        told.append(f"only from {words.joined(some, 'or')}")
    return told


def measured(book: Book) -> dict[str, tuple[Measured, ...]]:
    """How long each stage took on the release branch in the last 90 days, and how often it was red."""
    since = book.as_of - timedelta(days=DAYS)
    seconds: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    red: dict[tuple[str, str, str], int] = defaultdict(int)
    runs: dict[tuple[str, str, str], int] = defaultdict(int)
    table = book.history["pipeline_runs"].select(["codebase", "pipeline", "started_at", "stages"])
    at = pc.field("started_at")
    for row in table.filter((at >= since) & (at <= book.as_of) & pc.is_valid(pc.field("stages"))).to_pylist():
        for stage in json.loads(row["stages"]) or ():
            key = (row["codebase"], row["pipeline"], str(stage.get("name")))
            outcome = stage.get("outcome")
            if outcome in ("skip", "skipped", "cancel", "cancelled", None):
                continue
            runs[key] += 1
            red[key] += outcome not in ("success", "pass")
            length = _length(stage.get("started_at"), stage.get("finished_at"))
            if length is not None:
                seconds[key].append(length)
    found: dict[str, list[Measured]] = defaultdict(list)
    for key, count in runs.items():
        found[key[0]].append(Measured(key[1], key[2], tuple(seconds[key]), red[key], count))
    return {name: tuple(each) for name, each in found.items()}


def _length(first: str | None, last: str | None) -> float | None:
    if not first or not last:
        return None
    length = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
    return length if length >= 0 else None


def _went(stage: Measured) -> str:
    took = f"{words.duration(median(stage.seconds))} at the median" if len(stage.seconds) >= _FEW else ""
    red = f"red {words.rate(stage.red, stage.runs)}" if stage.red else ""
    return ", ".join(part for part in (took, red) if part)


def _stage_row(stage: Measured) -> tuple[object, ...]:
    took = words.duration(median(stage.seconds)) if len(stage.seconds) >= _FEW else "–"
    return (stage.stage, stage.pipeline, took, words.rate(stage.red, stage.runs) or "–")
