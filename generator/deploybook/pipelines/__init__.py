"""Pipelines as the files of a repository describe them: GitHub Actions and GitLab CI."""

from __future__ import annotations

from collections.abc import Mapping

from deploybook.pipelines import github, gitlab
from deploybook.pipelines.model import Job, Pipeline

__all__ = ["Job", "Pipeline", "included", "is_pipeline_file", "read"]


def is_pipeline_file(path: str) -> bool:
    """Whether a path is one that a forge reads a pipeline from."""
    return path == gitlab.FILE or github.is_workflow(path)


def included(files: Mapping[str, bytes], paths: tuple[str, ...]) -> set[str]:
    """Further files that those at hand include."""
    return gitlab.included(files, paths)


def read(files: Mapping[str, bytes], paths: tuple[str, ...]) -> tuple[Pipeline, ...]:
    """The pipelines of a repository, by file; what cannot be read is told and stops nothing."""
    return (*github.pipelines(files), *gitlab.pipelines(files, paths))
