"""Which feeds a configuration asks for. The reader of a system is loaded where a configuration names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from threading import Lock
from typing import Any

from deploybook.config import Config
from deploybook.config.deployments import GitopsDeployments, TagDeployments
from deploybook.config.models import Codebase, SourceConfig
from deploybook.config.sources import (
    AlertmanagerOptions,
    ArgocdOptions,
    CdeventsOptions,
    CircleciOptions,
    CoverageOptions,
    DatadogOptions,
    GithubOptions,
    GitlabOptions,
    IcsOptions,
    JenkinsOptions,
    JiraOptions,
    JunitOptions,
    LaunchdarklyOptions,
    OpsgenieOptions,
    PagerdutyOptions,
    PrometheusOptions,
    RecordsOptions,
    StatuspageOptions,
    UnleashOptions,
    UpptimeOptions,
)
from deploybook.errors import SourceError
from deploybook.feed import Feed
from deploybook.sources import git, gitops, locks, tags
from deploybook.sources.matching import again_where_named
from deploybook.sources.repository import Repository, at_hand


@dataclass
class _Repositories:
    """The repositories of one run: each codebase's is fetched once, when its first feed needs it or before.

    One that cannot be had is asked for once, and is an error of each of its feeds. Several threads may ask.
    """

    root: Path
    workdir: Path
    found: dict[tuple[str, str], Callable[[], Repository]] = field(default_factory=dict)

    def get(self, location: str, name: str) -> Callable[[], Repository]:
        key = (location, name)
        if key not in self.found:
            self.found[key] = _once(
                lambda: at_hand(location, self.root, self.workdir / "mirrors" / f"{name}.git")
            )
        return self.found[key]


def _once(make: Callable[[], Repository]) -> Callable[[], Repository]:
    """What `make` makes, or why it cannot, the same for all who ask."""
    lock = Lock()
    made: list[Repository | SourceError] = []

    def get() -> Repository:
        with lock:
            if not made:
                try:
                    made.append(make())
                except SourceError as error:
                    made.append(error)
        if isinstance(made[0], SourceError):
            raise made[0]
        return made[0]

    return get


def _records(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import records

    patterns = RecordsOptions.model_validate(options).files
    return [records.feed(pattern, config.root, config.codebase_of, config.naming) for pattern in patterns]


def _cdevents(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import cdevents

    patterns = CdeventsOptions.model_validate(options).files
    return [again_where_named(cdevents.feed(pattern, config), config) for pattern in patterns]


def _junit(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import junit

    wanted = JunitOptions.model_validate(options)
    return [junit.feed(pattern, wanted, config.root) for pattern in wanted.files]


def _coverage(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import coverage

    wanted = CoverageOptions.model_validate(options)
    return [coverage.feed(pattern, wanted, config.root) for pattern in wanted.files]


def _github(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import github

    return github.feeds(GithubOptions.model_validate(options), config)


def _gitlab(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import gitlab

    return gitlab.feeds(GitlabOptions.model_validate(options), config)


def _upptime(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import upptime

    found = upptime.feed(UpptimeOptions.model_validate(options).repository, config)
    return [again_where_named(found, config)]


def _pagerduty(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import pagerduty, pagerduty_schedules

    wanted = PagerdutyOptions.model_validate(options)
    incidents = again_where_named(pagerduty.feed(wanted, config), config)
    return [incidents, *pagerduty_schedules.feeds(wanted, config)]


def _prometheus(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import prometheus

    found = prometheus.feeds(PrometheusOptions.model_validate(options), config)
    return [again_where_named(feed, config) if feed.name == prometheus.ALERTS else feed for feed in found]


def _alertmanager(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import alertmanager

    return [alertmanager.feed(AlertmanagerOptions.model_validate(options), config)]


def _unleash(options: Any, _: Config) -> list[Feed]:
    from deploybook.sources import unleash

    return [unleash.feed(UnleashOptions.model_validate(options))]


def _launchdarkly(options: Any, _: Config) -> list[Feed]:
    from deploybook.sources import launchdarkly

    return launchdarkly.feeds(LaunchdarklyOptions.model_validate(options))


def _jira(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import jira

    wanted = JiraOptions.model_validate(options)
    found = jira.feed(wanted, config)
    return [again_where_named(found, config) if wanted.incidents else found]


def _opsgenie(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import opsgenie, opsgenie_schedules

    wanted = OpsgenieOptions.model_validate(options)
    incidents = [again_where_named(feed, config) for feed in opsgenie.feeds(wanted, config)]
    return [*incidents, *opsgenie_schedules.feeds(wanted, config)]


def _statuspage(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import statuspage

    return [again_where_named(statuspage.feed(StatuspageOptions.model_validate(options), config), config)]


def _datadog(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import datadog, datadog_slos

    wanted = DatadogOptions.model_validate(options)
    slos = datadog_slos.feeds(wanted)
    if not wanted.incidents:
        return slos
    return [again_where_named(datadog.feed(wanted, config), config), *slos]


def _ics(options: Any, config: Config) -> list[Feed]:
    from deploybook.sources import ics

    return [ics.feed(IcsOptions.model_validate(options), config)]


def _jenkins(options: Any, _: Config) -> list[Feed]:
    from deploybook.sources import jenkins

    return jenkins.feeds(JenkinsOptions.model_validate(options))


def _circleci(options: Any, _: Config) -> list[Feed]:
    from deploybook.sources import circleci

    return circleci.feeds(CircleciOptions.model_validate(options))


SOURCES: dict[str, Callable[[Any, Config], list[Feed]]] = {
    "records": _records,
    "github": _github,
    "gitlab": _gitlab,
    "cdevents": _cdevents,
    "junit": _junit,
    "coverage": _coverage,
    "jenkins": _jenkins,
    "circleci": _circleci,
    "upptime": _upptime,
    "pagerduty": _pagerduty,
    "ics": _ics,
    "prometheus": _prometheus,
    "alertmanager": _alertmanager,
    "unleash": _unleash,
    "launchdarkly": _launchdarkly,
    "jira": _jira,
    "opsgenie": _opsgenie,
    "statuspage": _statuspage,
    "datadog": _datadog,
}
"""What each kind under `sources:` makes of its options."""

FILES = frozenset({"records", "cdevents", "junit", "coverage"})
"""Those that read files which are there: they come first, for git reads ahead in the meantime."""

GROUP = "deploybook.sources"
"""The entry points by which packages add kinds of their own: functions like those of `SOURCES`."""


def feeds(config: Config, workdir: Path) -> list[Feed]:
    """Everything that a configuration says is to be read; nothing is read yet.

    Args:
        config: The configuration.
        workdir: Where mirrors of remote repositories are kept.
    """
    repositories = _Repositories(config.root, workdir)
    found: list[Feed] = []
    for source in config.sources:
        if source.kind in FILES:
            found += _of_source(source, config, repositories)
    for name, codebase in config.codebases.items():
        found += _of_codebase(name, codebase, config, repositories)
    found += _gitops(config, repositories)
    found += _locks(config, repositories)
    for source in config.sources:
        if source.kind not in FILES:
            found += _of_source(source, config, repositories)
    return found


def _of_codebase(name: str, codebase: Codebase, config: Config, repositories: _Repositories) -> list[Feed]:
    if codebase.repository is None:
        return []
    repository = repositories.get(codebase.repository, name)
    wanted = git.Wanted(
        name, codebase.release_branch, codebase.path,
        files=any(area.paths for area in config.areas.values()), locks=config.locks.prefix,
    )  # fmt: skip
    found = [git.feed(wanted, repository)]
    if isinstance(codebase.deployments, TagDeployments):
        environment = codebase.deployments.environment or config.live[0]
        found.append(
            tags.feed(tags.Wanted(name, environment.lower(), codebase.deployments.pattern), repository)
        )
    return found


def _locks(config: Config, repositories: _Repositories) -> list[Feed]:
    """One feed for the locks of all codebases; each repository is read once."""
    own = {each.repository: name for name, each in config.codebases.items() if each.repository is not None}
    one = config.locks.repository
    kept = {one: own.get(one, "_locks")} if one is not None else own
    places = [repositories.get(location, name) for location, name in kept.items()]
    return [locks.feed(places, config.locks.prefix)] if places else []


def _of_source(source: SourceConfig, config: Config, repositories: _Repositories) -> list[Feed]:
    if source.kind == "argocd":  # the one that asks a codebase's tags which revision a version is
        from deploybook.sources import argocd

        own = {
            name: repositories.get(codebase.repository, name)
            for name, codebase in config.codebases.items()
            if codebase.repository is not None
        }
        return [argocd.feed(ArgocdOptions.model_validate(source.options), config, own)]
    if (make := SOURCES.get(source.kind)) is not None:
        return make(source.options, config)
    for point in entry_points(group=GROUP, name=source.kind):
        return list(point.load()(source.options, config))
    return []


def _gitops(config: Config, repositories: _Repositories) -> list[Feed]:
    """A feed a codebase; those of one repository and form share one reading of it."""
    groups: dict[gitops.Form, list[gitops.App]] = {}
    for name, codebase in config.codebases.items():
        said = codebase.deployments
        if isinstance(said, GitopsDeployments):
            own = repositories.get(codebase.repository, name) if codebase.repository else None
            form = gitops.Form(said.repository, said.message, said.file, said.key)
            groups.setdefault(form, []).append(gitops.App(name, said.app or name, said.revision, own))
    found = []
    for form, apps in groups.items():
        place = repositories.get(form.repository, f"gitops-{form.digest()}")
        history = gitops.History(form, place, frozenset(app.name for app in apps), config.live[0])
        found += [gitops.feed(app, history) for app in apps]
    return found
