"""What is read of each codebase that is on GitLab: one feed a list, each with its own cursor."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deploybook.config import Config
from deploybook.config.deployments import GitlabDeployments, ReleaseDeployments
from deploybook.config.sources import GitlabOptions
from deploybook.feed import FORGE, Ask, Feed, Item
from deploybook.sources.gitlab import merges, pipelines
from deploybook.sources.gitlab.door import Door, Place
from deploybook.sources.matching import Names


def feeds(options: GitlabOptions, config: Config) -> list[Feed]:
    """The feeds of every codebase whose repository is on this GitLab; nothing is asked yet."""
    door = Door(options)
    found: list[Feed] = []
    for name, codebase in config.codebases.items():
        project = door.project(codebase.repository)
        # A monorepo's merge requests are not told apart by folder: git tells its changes.
        if project is not None:
            found += _of_codebase(door, Place(name, project), config, whole=codebase.path is None)
    return found


def _of_codebase(door: Door, place: Place, config: Config, *, whole: bool) -> list[Feed]:
    codebase = config.codebases[place.codebase]
    said = codebase.deployments

    def feed(what: str, pull: Callable[[Ask], Iterator[Item]], *, snapshot: bool = False) -> Feed:
        return Feed(f"gitlab:{place.codebase}/{what}", FORGE, pull, snapshot=snapshot, said=door.said)

    found = [feed("merges", lambda ask: merges.changes(door, place, ask))] if whole else []
    found.append(feed("pipelines", lambda ask: pipelines.runs(door, place, ask)))
    if isinstance(said, GitlabDeployments):

        def deployments(ask: Ask) -> Iterator[Item]:
            names = Names(config, f"gitlab:{place.codebase}/deployments")
            yield from pipelines.deployments(door, place, names, ask)

        found.append(feed("deployments", deployments))
    if isinstance(said, ReleaseDeployments):
        environment = (said.environment or config.live[0]).lower()
        found.append(
            feed("releases", lambda ask: pipelines.releases(door, place, environment, ask), snapshot=True)
        )
    if codebase.incidents is not None and codebase.incidents.from_ == "gitlab":
        labels = codebase.incidents.labels
        found.append(feed("incidents", lambda ask: pipelines.incidents(door, place, labels, ask)))
    return found
