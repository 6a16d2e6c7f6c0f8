"""What is read of each codebase that is on GitHub: one feed a list, each with its own cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from deploybook.config import Config
from deploybook.config.deployments import GithubDeployments, ReleaseDeployments, WorkflowDeployments
from deploybook.config.models import Codebase
from deploybook.config.sources import GithubOptions
from deploybook.feed import FORGE, Ask, Feed, Item
from deploybook.sources.github.artifacts import artifacts
from deploybook.sources.github.deployments import deployments, releases
from deploybook.sources.github.door import Door, Place
from deploybook.sources.github.issues import incidents
from deploybook.sources.github.pulls import changes
from deploybook.sources.github.rules import rules
from deploybook.sources.github.runs import runs
from deploybook.sources.matching import Names


def feeds(options: GithubOptions, config: Config) -> list[Feed]:
    """The feeds of every codebase whose repository is on this GitHub; nothing is asked yet."""
    door = Door(options)
    found: list[Feed] = []
    for name, codebase in config.codebases.items():
        known = door.repository(codebase.repository)
        if known is not None:
            place = Place(name, *known, path=codebase.path)
            found += _of_codebase(door, place, codebase, config)
            if options.artifacts:
                found.append(_artifacts(door, place, options.artifacts))
    return found


def _of_codebase(door: Door, place: Place, codebase: Codebase, config: Config) -> list[Feed]:
    files = any(area.paths for area in config.areas.values())
    said = codebase.deployments

    def feed(what: str, pull: Callable[[Ask], Iterator[Item]]) -> Feed:
        return Feed(f"github:{place.codebase}/{what}", FORGE, pull, said=door.said)

    def deploys_to(run: dict[str, Any]) -> str | None:
        if not isinstance(said, WorkflowDeployments) or not _is_workflow(run, said.workflow):
            return None
        return (said.environment or config.live[0]).lower()

    found = [
        feed("pulls", lambda ask: changes(door, place, ask, files=files)),
        feed(
            "runs",
            lambda ask: runs(
                door, place, deploys_to, as_deployments=isinstance(said, WorkflowDeployments), ask=ask
            ),
        ),
        Feed(
            f"github:{place.codebase}/rules", FORGE,
            lambda ask: rules(door, place, codebase.release_branch, ask), snapshot=True, said=door.said,
        ),
    ]  # fmt: skip
    if isinstance(said, GithubDeployments):

        def pull_deployments(ask: Ask) -> Iterator[Item]:
            yield from deployments(door, place, Names(config, f"github:{place.codebase}/deployments"), ask)

        found.append(feed("deployments", pull_deployments))
    if isinstance(said, ReleaseDeployments):
        environment = (said.environment or config.live[0]).lower()
        found.append(feed("releases", lambda ask: releases(door, place, environment, ask)))
    if codebase.incidents is not None and codebase.incidents.from_ == "github":
        labels = codebase.incidents.labels
        found.append(feed("incidents", lambda ask: incidents(door, place, labels, ask)))
    return found


def _artifacts(door: Door, place: Place, patterns: tuple[str, ...]) -> Feed:
    def pull(ask: Ask) -> Iterator[Item]:
        yield from artifacts(door, place, patterns, ask)

    return Feed(f"github:{place.codebase}/artifacts", FORGE, pull, said=door.said)


def _is_workflow(run: dict[str, Any], wanted: str) -> bool:
    """Whether a run is of a workflow, by its name, its file's name or its path; in any case."""
    path = str(run.get("path") or "").partition("@")[0].casefold()
    folded = wanted.casefold()
    names = {str(run.get("name") or "").casefold(), path, path.rpartition("/")[2]}
    return folded in names
