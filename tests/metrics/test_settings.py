"""A configuration as the settings of figures, and the names that figures go by."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.metrics.support import at

from deploybook.config import Config
from deploybook.config.names import METRICS
from deploybook.metrics import ready, settings_of

AS_OF = at("2026-11-23 10:00")


def test_what_a_configuration_says_is_what_is_counted_by() -> None:
    config = Config.of(
        {
            "site": {"timezone": "Europe/Berlin"},
            "teams": {"web": {}},
            "codebases": {
                "shop": {"repository": "repos/all", "path": "shop", "team": "web", "required": ["ci"]},
                "till": {"repository": "repos/all", "path": "till", "release_branch": "trunk"},
            },
            "flags": {"one-page": {"label": "flag:one-page"}},
            "process": {"environments": ["staging", {"production": ["eu", "us"]}], "holidays": "DE"},
            "targets": {"change_lead_time_p50": {"at_most": "48h"}},
            "counting": {"near_hours": 6},
        },
        root=Path(),
    )
    found = settings_of(
        config, AS_OF, branches={"shop": "main", "till": "main"}, required={"till": ("lint",)}
    )
    assert found.zone.key == "Europe/Berlin"
    assert found.live == ("eu", "us")
    assert found.teams == {"shop": "web"}
    assert found.codebases == ("shop", "till")
    assert found.flags == ("one-page",)
    assert found.required == {"shop": ("ci",), "till": ("lint",)}
    assert found.branches == {"shop": "main", "till": "trunk"}
    assert date(2026, 10, 3) in found.holidays
    assert date(2026, 10, 5) not in found.holidays
    assert (found.lead_time_limit_seconds, found.recovery_limit_seconds) == (2 * 86400, None)
    assert found.near_hours == 6
    assert found.shared_repositories


def test_every_metric_that_may_have_a_target_is_counted() -> None:
    names = [figure.metric for part in ready.parts() for figure in part.figures]
    assert len(names) == len(set(names))
    # What incidents alone say of the uptime stands beside that of the monitors, and is no target.
    assert set(names) == {*METRICS, "uptime_incidents"}
