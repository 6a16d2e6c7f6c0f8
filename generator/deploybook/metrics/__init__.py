"""Figures: from what linking found and what the history holds to one long table."""

from deploybook.metrics.compute import compute_arrow, outliers
from deploybook.metrics.model import INPUTS, KEYS, SCHEMA, Settings
from deploybook.metrics.restate import Restatement, is_settled, restatements
from deploybook.metrics.running import Engine, Runs
from deploybook.metrics.settings import settings_of
from deploybook.metrics.trends import Point, Segment, Signal, limits, signals

__all__ = [
    "INPUTS",
    "KEYS",
    "SCHEMA",
    "Engine",
    "Point",
    "Restatement",
    "Runs",
    "Segment",
    "Settings",
    "Signal",
    "compute_arrow",
    "is_settled",
    "limits",
    "outliers",
    "restatements",
    "settings_of",
    "signals",
]
