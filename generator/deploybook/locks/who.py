"""Who asks: the CI run and the person, from the variables that CI systems set."""

from __future__ import annotations

from collections.abc import Mapping

_RUNS = (
    ("github", ("GITHUB_REPOSITORY", "GITHUB_RUN_ID")),
    ("gitlab", ("CI_PROJECT_PATH", "CI_PIPELINE_ID")),
    ("jenkins", ("JENKINS_URL", "BUILD_TAG")),
    ("buildkite", ("BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_ID")),
    ("circleci", ("CIRCLE_PROJECT_REPONAME", "CIRCLE_WORKFLOW_ID")),
    ("azure", ("SYSTEM_TEAMPROJECT", "BUILD_BUILDID")),
)
_PEOPLE = (
    "GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID",
    "BUILDKITE_BUILD_CREATOR", "CIRCLE_USERNAME", "BUILD_REQUESTEDFOR", "USER", "LOGNAME", "USERNAME",
)  # fmt: skip
_LONGEST = 200


def run_of(environment: Mapping[str, str]) -> str | None:
    """The run that we are part of, as `github:acme/shop-web/123`; `None` outside CI.

    It is the whole run, not a job or an attempt of it: a lock that one job took is released by another, and
    a run that is tried again finds the lock that it left.
    """
    for system, names in _RUNS:
        parts = [environment.get(name, "") for name in names]
        if all(parts):
            return f"{system}:{'/'.join(parts)}"[:_LONGEST]
    return None


def holder_of(environment: Mapping[str, str]) -> str | None:
    """The person who started the run, or whose shell it is."""
    return next((environment[name][:_LONGEST] for name in _PEOPLE if environment.get(name)), None)
