"""`deploybook.yml`: its models, how it is read, and what is found out with no file at all."""

from __future__ import annotations

from deploybook.config.resolved import Config, secret

__all__ = ["Config", "secret"]
