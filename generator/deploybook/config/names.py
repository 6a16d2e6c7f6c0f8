"""Names with a fixed meaning: paths of the site, placeholders of links, metrics."""

from __future__ import annotations

RESERVED = frozenset(
    {
        *(
            "404",
            "areas",
            "assets",
            "calendar",
            "changes",
            "data",
            "deployments",
            "environments",
            "feed",
            "flags",
        ),
        *(
            "flaky-tests",
            "how-to",
            "how-we-count",
            "incidents",
            "index",
            "initiatives",
            "javascripts",
            "metrics",
            "outliers",
        ),
        *("owners", "practices", "process", "release-branch", "search", "shipped", "site", "sitemap"),
        *("stylesheets", "tags", "teams", "uptime", "waiting"),
    }
)
"""Names that are paths of the site: no codebase, team or flag may have one."""

EVERYTHING = "everything"
"""Among what a team or a person follows: all that goes live."""

PLACEHOLDERS = frozenset(
    {
        *("codebase", "environment", "revision", "version", "id", "team"),
        *("from", "to", "from_s", "to_s", "from_ms", "to_ms"),
    }
)
"""What a `links:` address may hold in braces."""

METRICS = (
    *("deployment_frequency", "deployment_days", "change_lead_time_p50", "change_lead_time_p90"),
    *("coding_time_p50", "pickup_time_p50", "review_time_p50", "waiting_time_p50", "change_fail_rate"),
    *("change_fail_rate_said", "change_fail_rate_near", "failed_deployment_recovery_time_p50"),
    *("failed_deployment_recovery_time_p90", "deployment_rework_rate", "time_to_restore_p50"),
    *(
        "time_to_detect_p50",
        "rollback_duration_p50",
        "deployment_duration_p50",
        "stopped_promotions",
        "uptime",
    ),
    *("flaky_share", "flaky_run_share", "coverage", "tested_commits", "green_time", "break_duration_p50"),
    *(
        "change_lead_time_within_target",
        "failed_deployment_recovery_within_target",
        "change_fail_rate_without",
    ),
    *("flag_switch_fail_rate", "flag_time_to_on_p50", "flag_recovery_time_p50", "reviewed_share"),
    *("batch_lines_p50", "batch_changes_p50"),
)
"""The metrics that may have a target."""
