"""What the served tables and their columns mean, and the same as a Data Package."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pyarrow as pa

TABLES: dict[str, str] = {
    "availability": "What monitors saw: up, down or degraded, from when to when.",
    "branch_commits": "Every first-parent commit of a release branch.",
    "coverage": "Every report of how much the tests run.",
    "changes": "Every change and what became of it.",
    "deployments": "Every deployment, its kind, and whether it needed a fix and why.",
    "flags": "Every switch of a feature flag.",
    "incidents": "Every incident, one row for each deployment that it is tied to, or one with none.",
    "metrics": "Every figure of every week, month and quarter, with what it was made from.",
    "outliers": "Changes and deployments of the last 26 weeks beyond 95 % of their own codebase's.",
    "pipeline_runs": "Every run of a pipeline.",
    "practices": "What each codebase does of what a weekly and a daily deploy ask.",
    "verdicts": "What the gate said of a revision.",
}
"""Each table in a sentence."""

_ANY: dict[str, str] = {
    "codebase": "The codebase's name.",
    "environment": "The environment's name, lower-case.",
    "revision": "The full revision in git.",
    "title": "As the source has it.",
    "url": "Where its source is.",
    "started_at": "When it began, UTC.",
    "finished_at": "When it ended, UTC.",
    "outcome": "success, failure, error or cancel.",
    "flag": "The feature flag.",
}
"""Columns that mean the same in every table."""
_OWN: dict[str, dict[str, str]] = {
    "availability": {
        "monitor": "Which monitor.",
        "from": "Since when, UTC.",
        "to": "Until when, UTC.",
        "state": "up, down or degraded.",
    },
    "branch_commits": {"committed_at": "When it was committed, UTC."},
    "coverage": {
        "unit": "lines or branches.",
        "measured_at": "When it was measured, UTC.",
        "covered": "How many the tests run.",
        "total": "Of how many.",
    },
    "verdicts": {
        "judged_at": "When it was judged, UTC.",
        "verdict": "pass, fail or no_proof.",
    },
    "changes": {
        "id": "The pull request's number, or the full revision of a direct push.",
        "author": "Who wrote it, by the name that readers know.",
        "area": "The product owners' area.",
        "merged_at": "When it was merged, UTC.",
        "merge_revision": "The revision that merged it.",
        "state": "waiting, baseline, live, withdrawn, undone or unmatched.",
        "deployment": "The id of the deployment that first made it live.",
        "deployed_at": "When it first reached users, UTC.",
        "withdrawn_at": "When users no longer had it, UTC.",
        "lead_time_seconds": "First commit to first live.",
        "coding_seconds": "First commit to opened.",
        "pickup_seconds": "Opened to the first review by someone else.",
        "review_seconds": "First review to merged.",
        "waiting_seconds": "Merged to live.",
        "additions": "Lines added.",
        "deletions": "Lines removed.",
        "approvals": "How many approved it.",
        "team": "The team of the codebase.",
        "bot": "Whether a machine wrote it.",
        "environment": "The live environment that it reached first.",
        "live_again_at": "When it came back after it was withdrawn, UTC.",
        "reverts": "The id of the change that it takes back.",
        "reverted_by": "The id of the change that took it back.",
        "original": "For a cherry-pick, the id of the change that it copies: counts leave it out.",
        "flags": "The feature flags that it is behind, with a blank between.",
        "approved": "Whether someone else approved it before the merge; empty where reviews are unknown.",
    },
    "deployments": {
        "id": "Its id in the codebase and environment.",
        "version": "What people call the revision.",
        "previous": "The revision that ran there before.",
        "reached": "Whether it got to users.",
        "rollout": "The id of the first deployment of the same roll-out.",
        "kind": "planned, hotfix, revert or rollback.",
        "needed_intervention": "Whether it failed, by what was said, undone or mended.",
        "evidence": "said, undone, mended, near, with a blank between; strongest first.",
        "recovered_at": "When the failure was over, UTC.",
        "recovery_seconds": "Its finish to the end of the failure.",
        "changes": "How many changes it delivered.",
        "live": "Whether the environment is where users are.",
        "counted": "Whether counts include it: a roll-out over several places once.",
        "baseline": "Whether it is the first known: what it contains was live before.",
        "matched": "Whether git has its revision, or it names its changes.",
        "time_from": "What stands for its finish, where that is not its own: a tag or a commit.",
        "by": "Who deployed.",
        "duration_seconds": "Its start to its finish.",
        "rollback_seconds": "The same, of a rollback.",
        "corrected": "Whether a person's word stands against the rule's.",
        "pipeline_run": "The run that deployed it.",
    },
    "flags": {
        "changed_at": "When it was switched, UTC.",
        "state": "on, off, or the share of users from 0 to 1.",
        "codebases": "The codebases that it is about, with a blank between.",
        "by": "Who switched it.",
    },
    "incidents": {
        "id": "Its id, with its codebase where a forge numbers it.",
        "severity": "As the source has it.",
        "started_at": "When the trouble began, UTC.",
        "detected_at": "When it was noticed, UTC.",
        "resolved_at": "When it was over, UTC.",
        "deployment": "The id of a deployment that it is tied to.",
        "matched_by": "said or near.",
        "flag": "The feature flag that it names as its cause.",
        "down": "Whether users were down.",
        "unmatched_because": "Why no deployment is tied to it.",
        "time_to_restore_seconds": "Its start to its end.",
        "time_to_detect_seconds": "The deployment's finish to the detection.",
    },
    "metrics": {
        "scope": "site, codebase, team or flag.",
        "name": "Which; empty for the site.",
        "period": "week, month or quarter.",
        "period_start": "The period's first day, in the site's time zone.",
        "metric": "The metric's name.",
        "value": "The figure; empty where there is nothing to count.",
        "unit": "What the value is in: deployments, seconds, share, …",
        "numerator": "What was counted.",
        "denominator": "What it was counted among.",
        "missing": "Rows that could not be counted.",
    },
    "pipeline_runs": {
        "id": "Its id.",
        "attempt": "Which attempt of the run, from 1.",
        "pipeline": "The pipeline's name.",
        "branch": "The branch that it ran on.",
        "trigger": "What started it.",
        "job": "The job, where each is a run.",
        "queued_at": "When it was asked for, UTC.",
        "deploys_to": "The environment that it deploys to, if any.",
    },
    "outliers": {
        "kind": "change or deployment.",
        "id": "The id of the change or deployment.",
        "at": "When it was live or finished, UTC.",
        "measure": "A stage as review_time, lead_time, size, duration or recovery.",
        "value": "What it was: seconds, lines, or changes.",
        "limit": "The 95th percentile of its codebase, in the same unit.",
        "of": "How many values the limit is made from.",
    },
    "practices": {
        "practice": "The practice's stable id.",
        "stage": "weekly or daily.",
        "status": "met, not_met, not_applicable or not_measured.",
        "value": "The figure that it was judged by.",
        "threshold": "What is asked.",
        "evidence": "What it was judged from, in words.",
    },
}


def describe(table: str, column: str) -> str:
    """What a column means.

    Raises:
        KeyError: Nobody has said yet.
    """
    own = _OWN[table]
    return own[column] if column in own else _ANY[column]


def type_of(type_: pa.DataType) -> str:
    """The name of a type in the Table Schema of the Data Package standard."""
    if pa.types.is_boolean(type_):
        return "boolean"
    if pa.types.is_integer(type_):
        return "integer"
    if pa.types.is_floating(type_):
        return "number"
    if pa.types.is_timestamp(type_):
        return "datetime"
    return "date" if pa.types.is_date(type_) else "string"


def package(name: str, tables: Mapping[str, pa.Table]) -> bytes:
    """`datapackage.json`: each table as CSV and as Parquet with its schema, by the Data Package standard."""
    resources = []
    for table, rows in tables.items():
        fields = [
            {"name": field.name, "type": type_of(field.type), "description": describe(table, field.name)}
            for field in rows.schema
        ]
        for form, media in (("csv", "text/csv"), ("parquet", "application/vnd.apache.parquet")):
            resources.append(
                {
                    "name": table if form == "csv" else f"{table}-parquet",
                    "path": f"{table}.{form}",
                    "format": form,
                    "mediatype": media,
                    "description": TABLES[table],
                    "schema": {"fields": fields, "missingValues": [""]},
                }
            )
    content = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "deploybook",
        "title": name,
        "resources": resources,
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
