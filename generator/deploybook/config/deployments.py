"""Where a codebase's deployments and incidents are read from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from deploybook.config.base import Model
from deploybook.config.values import (
    Repository,
    Words,
    wrong,
)


class GithubDeployments(Model):
    """GitHub's deployments and their statuses."""

    from_: Literal["github"] = Field(alias="from")
    """Where deployments are read from."""


class GitlabDeployments(Model):
    """GitLab's deployments."""

    from_: Literal["gitlab"] = Field(alias="from")
    """Where deployments are read from."""


class WorkflowDeployments(Model):
    """Runs of one workflow are deployments."""

    from_: Literal["workflow"] = Field(alias="from")
    """Where deployments are read from."""
    workflow: str
    """The workflow's file or name."""
    environment: str | None = None
    """What it deploys to; default: the last of `process.environments`."""


class TagDeployments(Model):
    """Each tag is a deployment."""

    from_: Literal["tags"] = Field(alias="from")
    """Where deployments are read from."""
    pattern: str | None = None
    """Which tags, as v*; default: those like a version, without pre-releases."""
    environment: str | None = None
    """What a tag deploys to; default: the last of `process.environments`."""


class ReleaseDeployments(Model):
    """Each release of the forge is a deployment."""

    from_: Literal["releases"] = Field(alias="from")
    """Where deployments are read from."""
    environment: str | None = None
    """What a release deploys to; default: the last of `process.environments`."""


class GitopsDeployments(Model):
    """The history of the repository that Argo CD or Flux deploys from."""

    from_: Literal["gitops"] = Field(alias="from")
    """Where deployments are read from."""
    repository: Repository
    """That repository: an address, or a path to a clone."""
    message: str | None = None
    """A commit's subject, as "Update {codebase} image tag to {version} for {environment}"."""
    file: str | None = None
    """The file that holds the version, as "image-tags/{environment}/{codebase}"."""
    key: str | None = None
    """The key of that file that holds the version, as image_tag."""
    app: str | None = None
    """What the codebase is called there; default: its name."""
    revision: str = "{version}"
    """The tag or revision of the codebase that a version is, as "v{version}"."""

    @model_validator(mode="after")
    def _one_way(self) -> GitopsDeployments:
        if (self.message is None) == (self.file is None):
            raise wrong("either `message` or `file` with `key`")
        if (self.file is None) != (self.key is None):
            raise wrong("`file` and `key` together")
        return self


class RecordDeployments(Model):
    """Deployments come from records alone."""

    from_: Literal["records"] = Field(alias="from")
    """Where deployments are read from."""


Deployments = Annotated[
    GithubDeployments
    | GitlabDeployments
    | WorkflowDeployments
    | TagDeployments
    | ReleaseDeployments
    | GitopsDeployments
    | RecordDeployments,
    Field(discriminator="from_"),
]


class Incidents(Model):
    """Where a codebase's incidents are read from."""

    from_: Literal["github", "gitlab", "records"] = Field(alias="from")
    """Where incidents are read from."""
    labels: Words = ("incident",)
    """An issue with one of these labels is an incident."""
