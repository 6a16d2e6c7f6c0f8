"""GitHub and GitHub Enterprise Server: pull requests, runs, deployments, releases, incidents."""

from __future__ import annotations

from deploybook.sources.github.feeds import feeds

__all__ = ["feeds"]
