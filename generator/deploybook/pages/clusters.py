"""DORA's yearly clusters: what other teams reported, as dated context. They are medians, no thresholds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cluster:
    """One group of one year's survey, in the report's own terms."""

    year: int
    name: str
    frequency: str
    lead_time: str
    fail_rate: str
    recovery: str


SOURCE = (
    "DORA’s State of DevOps reports of 2023 and 2024. Clusters are found anew each year among those who"
    " answered: they say what groups of teams had in common, not what is good. In 2024 they were not even in"
    " order: the second failed more often than the third. The report of 2025 has no such levels."
)
CLUSTERS = (
    Cluster(2024, "Elite", "on demand", "under a day", "5 %", "under an hour"),
    Cluster(2024, "High", "daily to weekly", "a day to a week", "20 %", "under a day"),
    Cluster(2024, "Medium", "weekly to monthly", "a week to a month", "10 %", "under a day"),
    Cluster(2024, "Low", "monthly to half-yearly", "1 to 6 months", "40 %", "a week to a month"),
    Cluster(2023, "Elite", "on demand", "under a day", "5 %", "under an hour"),
    Cluster(2023, "High", "daily to weekly", "a day to a week", "10 %", "under a day"),
    Cluster(2023, "Medium", "weekly to monthly", "a week to a month", "15 %", "a day to a week"),
    Cluster(2023, "Low", "weekly to monthly", "a week to a month", "64 %", "1 to 6 months"),
)
