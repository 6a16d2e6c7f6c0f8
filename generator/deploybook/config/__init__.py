"""`deploybook.yml`: its models, how it is read, and what is found out with no file at all."""

from __future__ import annotations

from deploybook.config.detect import detect
from deploybook.config.load import find, load
from deploybook.config.resolved import Config, secret
from deploybook.config.schema import json_schema

__all__ = ["Config", "detect", "find", "json_schema", "load", "secret"]
