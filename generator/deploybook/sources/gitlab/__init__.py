"""GitLab: merge requests with approvals, pipelines with jobs, deployments, incidents, releases."""

from __future__ import annotations

from deploybook.sources.gitlab.feeds import feeds

__all__ = ["feeds"]
