"""Where a site's configuration becomes the settings of its figures."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from deploybook.config import Config
from deploybook.metrics.model import Settings
from deploybook.periods import days, holidays_of, local_date

_OLDEST = 30 * 366
"""Days back for which working days leave out holidays."""


def settings_of(
    config: Config,
    as_of: datetime,
    *,
    branches: Mapping[str, str] | None = None,
    required: Mapping[str, tuple[str, ...]] | None = None,
) -> Settings:
    """The settings of a configuration.

    Args:
        config: The site's.
        as_of: The clock.
        branches: Release branches as the remotes have them; the configuration's own stand before.
        required: Pipelines that branch rules require; the configuration's own stand before.
    """
    last = local_date(as_of, config.zone)
    holiday = holidays_of(config.process.holidays) if config.process.holidays else None
    own = config.codebases.items()
    return Settings(
        zone=config.zone,
        as_of=as_of,
        live=config.live,
        teams={name: codebase.team for name, codebase in own if codebase.team},
        codebases=tuple(config.codebases),
        flags=tuple(config.flags),
        holidays=frozenset(
            day for day in days(last - timedelta(days=_OLDEST), last + timedelta(days=1)) if holiday(day)
        )
        if holiday
        else frozenset(),
        repositories={name: str(codebase.repository) for name, codebase in own if codebase.repository},
        required={**(required or {}), **{name: each.required for name, each in own if each.required}},
        branches={
            **(branches or {}),
            **{name: codebase.release_branch for name, codebase in own if codebase.release_branch},
        },
        lead_time_limit_seconds=_limit(config, "change_lead_time"),
        recovery_limit_seconds=_limit(config, "failed_deployment_recovery_time"),
        near_hours=config.counting.near_hours,
    )


def _limit(config: Config, metric: str) -> int | None:
    """The upper target of a duration in seconds: the median's, else the 90th percentile's."""
    for name in (f"{metric}_p50", f"{metric}_p90"):
        target = config.targets.get(name)
        if target and target.at_most is not None:
            return int(target.at_most)
    return None
