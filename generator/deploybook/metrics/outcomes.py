"""What runs of pipelines say: their outcomes and triggers, as the release branch is judged by."""

GREEN = ("success",)
RED = ("failure", "error", "timeout", "timed_out", "startup_failure")
"""Outcomes of runs that ended; all others, cancelled ones first, are passed over."""
BEFORE_MERGE = ("pull_request", "pull_request_target", "merge_request_event", "merge_request")
"""Triggers of runs that test what is not merged yet, even from a branch of the same name."""
NOT_BY_COMMIT = ("schedule", "cron", "workflow_dispatch", "manual", "web")
"""Triggers of runs that no commit asks for."""
RETIRED_DAYS = 30
"""A pipeline that nobody requires and that has not run for so long is held to be gone."""
