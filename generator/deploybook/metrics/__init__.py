"""Figures: from what linking found and what the history holds to one long table."""

from deploybook.metrics.compute import compute, compute_arrow
from deploybook.metrics.model import KEYS, SCHEMA, Settings, Tables
from deploybook.metrics.settings import settings_of

__all__ = ["KEYS", "SCHEMA", "Settings", "Tables", "compute", "compute_arrow", "settings_of"]
