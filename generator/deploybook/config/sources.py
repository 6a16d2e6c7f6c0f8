"""What stands behind each kind under `sources:`: one model a kind."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from deploybook.config.base import Model
from deploybook.config.values import Address, Duration, Repository, Secret, Words, wrong


def _value(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        raise wrong("a text, or env:NAME")
    return value


Value = Annotated[str, BeforeValidator(_value), WithJsonSchema({"type": ["string", "integer"]})]
"""A text, or `env:NAME` where each run brings its own."""


def value_of(reference: str | None) -> str | None:
    """The text, or what the environment variable of `env:NAME` holds; `None` where that is empty."""
    if reference is None or not reference.startswith("env:"):
        return reference
    return os.environ.get(reference.removeprefix("env:")) or None


class _Files(Model):
    """Options that begin with files; a text or a list alone stands for `files`."""

    files: Annotated[Words, Field(min_length=1)]
    """A pattern as "events/*.jsonl", a folder, or several of them."""

    @model_validator(mode="before")
    @classmethod
    def _files_alone(cls, data: Any) -> Any:
        return {"files": data} if isinstance(data, (str, list)) else data


class CdeventsOptions(_Files):
    """CDEvents in files, or in a folder that pipelines write to."""


class JunitOptions(_Files):
    """Test reports: JUnit XML and its relatives of NUnit and xUnit.net."""

    codebase: str
    """Whose tests they are."""
    revision: Value | None = None
    """The revision that was tested, as env:GIT_SHA."""
    run: Value | None = None
    """The pipeline run that they are of, as env:GITHUB_RUN_ID."""
    attempt: Value | None = None
    """Its attempt, as env:GITHUB_RUN_ATTEMPT."""
    job: Value | None = None
    """The job that they are of; default: the report's file, so that the legs of a matrix stay apart."""


class CoverageOptions(_Files):
    """Coverage reports: Cobertura, coverage.py's JSON, LCOV, JaCoCo."""

    codebase: str
    """Whose code it is."""
    revision: Value | None = None
    """The revision that was measured, as env:GIT_SHA."""


class RecordsOptions(_Files):
    """Record files: one JSON object a line."""


class GithubApp(Model):
    """A GitHub App that may read the repositories."""

    id: int
    """The App's id."""
    installation: int
    """The id of its installation in the organisation."""
    key: Secret
    """env:NAME, the variable that holds its private key."""


class GithubOptions(Model):
    """GitHub or GitHub Enterprise Server."""

    token: Secret | None = None
    """env:NAME, the variable that holds a token that may read."""
    app: GithubApp | None = None
    """A GitHub App in place of a token."""
    url: Address = "https://api.github.com"
    """Where its API is: for GitHub Enterprise Server https://HOST/api/v3."""
    artifacts: Words = ("*junit*", "*test-report*", "*test-result*", "*test_result*", "*coverage*")
    """Names of the artifacts of runs in which test and coverage reports are; [] reads none."""

    @model_validator(mode="after")
    def _one_way_in(self) -> GithubOptions:
        if (self.token is None) == (self.app is None):
            raise wrong("either `token: env:NAME` or `app:`")
        return self


class GitlabOptions(Model):
    """GitLab, gitlab.com or one's own."""

    token: Secret
    """env:NAME, the variable that holds a token with the scope read_api."""
    url: Address = "https://gitlab.com"
    """Where it is."""


class UpptimeOptions(Model):
    """An Upptime repository."""

    repository: Repository
    """Its address, or a path to a clone."""


class PagerdutyOptions(Model):
    """PagerDuty."""

    token: Secret
    """env:NAME, the variable that holds a read-only REST API key."""
    url: Address = "https://api.pagerduty.com"
    """Where its API is: for accounts in the EU https://api.eu.pagerduty.com."""
    schedules: dict[str, str] = Field(default={})
    """The schedule of each rotation whose turns are read, by its id: {on-call: PI7DH85}."""


class IcsOptions(Model):
    """A calendar that says whose turn it is: a file, or an address to subscribe to."""

    rotation: str
    """Which rotation it is of."""
    file: str | None = None
    """A file, from where `deploybook.yml` is."""
    url: Secret | Address | None = None
    """An address, or env:NAME where the address itself is secret."""
    only: Words = ()
    """Only events whose title has one of these words in it, in any case; default: all."""

    @model_validator(mode="after")
    def _one_place(self) -> IcsOptions:
        if (self.file is None) == (self.url is None):
            raise wrong("either `file:` or `url:`")
        return self


class PrometheusQuery(Model):
    """What says whether a codebase is up."""

    codebase: str
    """Whose availability it is."""
    query: str
    """PromQL: 1 is up, 0 is down, between or mixed is degraded, as probe_success{job="shop"}."""


class PrometheusOptions(Model):
    """Prometheus: availability, and alerts that fired as incidents."""

    url: Address
    """Where it is, as https://prometheus.acme.test."""
    token: Secret | None = None
    """env:NAME, the variable that holds a bearer token; absent: none is needed."""
    availability: tuple[PrometheusQuery, ...] = ()
    """A query for each codebase whose availability it knows."""
    alerts: str | None = None
    """The alerts that are incidents, as ALERTS{alertstate="firing",severity="page"}; absent: none."""
    step: Duration = timedelta(minutes=1)
    """How far samples are apart."""
    first: Duration = timedelta(days=90)
    """How far back the first sync reads: as far as it keeps samples."""


class AlertmanagerOptions(Model):
    """Alertmanager: the alerts that fire, as incidents."""

    url: Address
    """Where it is, as https://alertmanager.acme.test."""
    token: Secret | None = None
    """env:NAME, the variable that holds a bearer token; absent: none is needed."""
    filters: Words = ()
    """Which alerts are incidents, each a matcher, as severity="critical"; default: all."""


class UnleashOptions(Model):
    """Unleash: switches of feature flags."""

    url: Address
    """Where it is, as https://unleash.acme.test."""
    token: Secret
    """env:NAME, the variable that holds a token that may read events."""
    projects: Words = ()
    """Only the flags of these projects; default: all."""
    environments: dict[str, str] = Field(default={})
    """What its environments are called here, where they differ: {production-eu: prod-eu}."""


class LaunchdarklyOptions(Model):
    """LaunchDarkly: switches and roll-outs of feature flags."""

    token: Secret
    """env:NAME, the variable that holds an access token with the role Reader."""
    url: Address = "https://app.launchdarkly.com"
    """Where its API is: for accounts in the EU https://app.eu.launchdarkly.com."""
    projects: Words = ()
    """Only the flags of these projects, by their keys; default: all."""
    environments: dict[str, str] = Field(default={})
    """What its environments are called here, where they differ: {live: production}."""


class JiraOptions(Model):
    """Jira: issues, epics and incidents."""

    url: Address
    """Where it is, as https://acme.atlassian.net."""
    user: str | None = None
    """Whose token it is, by mail address; absent: the token is a bearer token (Server, Data Center)."""
    token: Secret
    """env:NAME, the variable that holds an API token that may browse the projects."""
    projects: Annotated[Words, Field(min_length=1)]
    """Their keys, as SHOP."""
    incidents: Words = ()
    """Which types of issues are incidents, as Incident; default: none."""
    cloud: bool = True
    """False for Jira Server and Data Center."""


class CircleciOptions(Model):
    """CircleCI, its cloud or one's own server."""

    token: Secret
    """env:NAME, the variable that holds a personal API token that may read the projects."""
    url: Address = "https://circleci.com"
    """Where it is."""
    projects: Annotated[dict[str, str], Field(min_length=1)]
    """The codebase of each project, by the project's slug: {gh/acme/shop-web: shop-web}."""
    deploys: dict[str, str] = Field(default={})
    """What a workflow or a job deploys to, by its name: {deploy-live: production}; default: none deploys."""


class ArgocdApp(Model):
    """Whose an application is, and where."""

    codebase: str
    """The codebase that it deploys."""
    environment: str
    """The environment that it deploys to."""


class ArgocdOptions(Model):
    """Argo CD: syncs of its applications, as deployments."""

    url: Address
    """Where it is, as https://argocd.acme.test."""
    token: Secret
    """env:NAME, the variable that holds the token of an account that may get applications."""
    projects: Words = ()
    """Only the applications of these projects; default: all that the account may see."""
    name: str = "{codebase}-{environment}"
    """How applications are called: {codebase} and {environment} stand for the names of each."""
    apps: dict[str, ArgocdApp] = Field(default={})
    """Applications that are called otherwise: {till-live: {codebase: shop-web, environment: production}}."""
    environments: dict[str, str] = Field(default={})
    """What environments are called in the names of applications, where they differ: {prd: production}."""
    revision: str = "{version}"
    """The tag or revision of the codebase that a version is, as "v{version}"."""

    @model_validator(mode="after")
    def _holes(self) -> ArgocdOptions:
        if self.name.count("{codebase}") != 1 or self.name.count("{environment}") != 1:
            raise wrong("`name:` with {codebase} and {environment} in it, each once")
        return self


class OpsgenieOptions(Model):
    """Opsgenie: incidents, alerts that are incidents, and schedules."""

    token: Secret
    """env:NAME, the variable that holds an API key with read access."""
    url: Address = "https://api.opsgenie.com"
    """Where its API is: for accounts in the EU https://api.eu.opsgenie.com."""
    incidents: bool = True
    """Whether its incidents are read: plans without them have alerts alone."""
    alerts: str | None = None
    """The alerts that are incidents, as a query: priority: P1; absent: none."""
    schedules: dict[str, str] = Field(default={})
    """The schedule of each rotation whose turns are read, by its id."""


class StatuspageOptions(Model):
    """Statuspage: incidents as they were told to customers."""

    page: str | None = None
    """The page's id, with `token:`: all of its history is read."""
    token: Secret | None = None
    """env:NAME, the variable that holds an API key of a user of the page."""
    url: Address = "https://api.statuspage.io"
    """Without `page:`, a public page, as https://status.acme.test: its last 50 incidents are read."""

    @model_validator(mode="after")
    def _one_way_in(self) -> StatuspageOptions:
        if (self.token is None) != (self.page is None):
            raise wrong("both `page:` and `token: env:NAME`, or `url:` of a public page alone")
        if self.page is None and "url" not in self.model_fields_set:
            raise wrong("`page:` and `token: env:NAME`, or `url:` of a public page")
        return self


class DatadogSlo(Model):
    """What says whether a codebase is up."""

    codebase: str
    """Whose availability it is."""
    slo: str
    """The id of its SLO, of monitors or of time slices."""


class DatadogOptions(Model):
    """Datadog: incidents, and availability by SLOs."""

    api_key: Secret
    """env:NAME, the variable that holds an API key."""
    app_key: Secret
    """env:NAME, the variable that holds an application key with incident_read and slos_read."""
    url: Address = "https://api.datadoghq.com"
    """Where its API is: for the EU https://api.datadoghq.eu."""
    incidents: bool = True
    """Whether its incidents are read."""
    query: str = "state:(active OR stable OR resolved OR completed)"
    """Which incidents, as a query; default: all."""
    availability: tuple[DatadogSlo, ...] = ()
    """The SLO of each codebase whose availability it knows."""
    first: Duration = timedelta(days=90)
    """How far back the first sync reads the SLOs."""


class JenkinsOptions(Model):
    """Jenkins."""

    url: Address
    """Where it is."""
    user: str
    """Who reads."""
    token: Secret
    """env:NAME, the variable that holds that user's API token."""
    jobs: Annotated[dict[str, str], Field(min_length=1)]
    """The codebase of each job, by the job's path: {shop/web/main: shop-web}."""


SOURCE_OPTIONS: dict[str, type[Model]] = {
    "github": GithubOptions,
    "gitlab": GitlabOptions,
    "records": RecordsOptions,
    "cdevents": CdeventsOptions,
    "junit": JunitOptions,
    "coverage": CoverageOptions,
    "jenkins": JenkinsOptions,
    "circleci": CircleciOptions,
    "argocd": ArgocdOptions,
    "upptime": UpptimeOptions,
    "pagerduty": PagerdutyOptions,
    "ics": IcsOptions,
    "prometheus": PrometheusOptions,
    "alertmanager": AlertmanagerOptions,
    "unleash": UnleashOptions,
    "launchdarkly": LaunchdarklyOptions,
    "jira": JiraOptions,
    "opsgenie": OpsgenieOptions,
    "statuspage": StatuspageOptions,
    "datadog": DatadogOptions,
}
"""The model of each kind of source that is part of Deploybook."""

_INCIDENTS: dict[str, tuple[str, ...] | None] = {
    "pagerduty": None, "statuspage": None, "alertmanager": None, "upptime": None,
    "prometheus": ("alerts",), "jira": ("incidents",), "opsgenie": ("incidents", "alerts"),
    "datadog": ("incidents",),
}  # fmt: skip
"""The sources that tell incidents: always, or where one of these options is set."""


def tells_incidents(kind: str, options: object) -> bool:
    """Whether a source of a kind is asked for incidents."""
    if kind not in _INCIDENTS:
        return False
    asks = _INCIDENTS[kind]
    if asks is None:
        return True
    wanted = SOURCE_OPTIONS[kind].model_validate(options)
    return any(getattr(wanted, option) for option in asks)
