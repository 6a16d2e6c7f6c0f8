"""GitHub's answers for one made-up repository: REST and GraphQL over the same rows."""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from tests.support.loopback import Asked, Loopback, Reply

START = datetime(2024, 11, 1, 8, tzinfo=UTC)


def at(minutes: float) -> str:
    """An instant as GitHub writes it, these minutes after the start."""
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def pull(number: int, minutes: float, **more: Any) -> dict[str, Any]:
    """A merged pull request as GraphQL tells it."""
    commit = {"commit": {"oid": f"{number:039x}f", "authoredDate": at(minutes - 400)}}
    review = {"state": "APPROVED", "submittedAt": at(minutes - 60), "author": {"login": "bo-acme"}}
    return {
        "number": number, "title": f"Change {number}", "body": "",
        "url": f"https://github.test/acme/shop/pull/{number}",
        "createdAt": at(minutes - 300), "mergedAt": at(minutes), "updatedAt": at(minutes),
        "additions": 3, "deletions": 1, "baseRefName": "main", "headRefName": f"b{number}",
        "author": {"login": "ana-acme"}, "mergeCommit": {"oid": f"{number:040x}"}, "milestone": None,
        "labels": {"nodes": [{"name": "area/checkout"}]},
        "commits": {"totalCount": 1, "nodes": [commit]},
        "reviews": {"totalCount": 1, "nodes": [review]},
        "closingIssuesReferences": {"nodes": []},
        **more,
    }  # fmt: skip


def run(number: int, minutes: float, **more: Any) -> dict[str, Any]:
    """A run that ended, as REST tells it; its jobs are made from it."""
    return {
        "id": number, "name": "ci", "path": ".github/workflows/ci.yml", "run_attempt": 1, "event": "push",
        "head_sha": f"{number:040x}", "head_branch": "main", "status": "completed", "conclusion": "success",
        "created_at": at(minutes), "run_started_at": at(minutes), "updated_at": at(minutes + 60 * 24 * 40),
        "html_url": f"https://github.test/acme/shop/actions/runs/{number}",
        "check_suite_node_id": f"CS_{number}",
        **more,
    }  # fmt: skip


def deployment(number: int, minutes: float, *states: str, **more: Any) -> dict[str, Any]:
    """A deployment with a status every minute after it, as GraphQL tells it."""
    statuses = [
        {
            "state": state,
            "createdAt": at(minutes + 1 + after),
            "logUrl": f"https://github.test/acme/shop/actions/runs/{number}/job/1",
            "environmentUrl": None,
            "creator": {"login": "bot"},
        }
        for after, state in enumerate(states)
    ]
    return {
        "databaseId": number, "environment": "production", "commitOid": f"{number:040x}",
        "createdAt": at(minutes),
        "task": "deploy", "creator": {"login": "ana-acme"}, "ref": {"name": "main", "prefix": "refs/heads/"},
        "statuses": {"totalCount": len(statuses), "nodes": statuses[::-1]},
        **more,
    }  # fmt: skip


def issue(number: int, minutes: float, **more: Any) -> dict[str, Any]:
    """An incident's issue as REST tells it."""
    return {
        "id": 10_000 + number, "number": number, "title": f"Incident {number}", "created_at": at(minutes),
        "updated_at": at(minutes + 30), "closed_at": at(minutes + 30), "labels": [{"name": "incident"}],
        "html_url": f"https://github.test/acme/shop/issues/{number}", **more,
    }  # fmt: skip


def artifact(number: int, minutes: float, name: str = "junit", **more: Any) -> dict[str, Any]:
    """An artifact of the run with the same number, as REST tells it."""
    return {
        "id": number, "name": name, "size_in_bytes": 500, "expired": False, "created_at": at(minutes),
        "workflow_run": {"id": number, "head_branch": "main", "head_sha": f"{number:040x}"}, **more,
    }  # fmt: skip


@dataclass
class Hub:
    """A repository `acme/shop`; rows may be changed while it is served."""

    pulls: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    releases: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    branch: dict[str, Any] = field(default_factory=lambda: {"name": "main", "protected": False})
    protection: dict[str, Any] | None = None
    """Of the branch, where it has one and the token may read it."""
    ruleset: list[dict[str, Any]] | None = field(default_factory=list)
    """Rules of active rulesets; `None` on a server that knows none."""
    environments: list[dict[str, Any]] | None = field(default_factory=list)
    """`None` where the token may not read them."""
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    files: dict[int, bytes] = field(default_factory=dict)
    """The ZIP files of artifacts."""
    where: str = ""
    """Where these are kept: the address of this server, in a test that reads them."""
    jobs: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    unknown_fields: tuple[str, ...] = ()
    """GraphQL fields that this server is too old for."""
    hidden: dict[str, Any] | None = None
    """An error that GraphQL tells beside the data, as it does of what the token may not see."""
    no_checks: bool = False
    """Whether the token may not read check suites."""
    most: int = 100
    """More than this at once is more than GraphQL can do in its time."""
    _by_id: dict[int, dict[str, Any]] = field(default_factory=dict)
    _times: list[str] = field(default_factory=list)

    def serve(self) -> Loopback:
        """The server of this repository."""
        return Loopback(self.answer, {"X-RateLimit-Remaining": "4900", "X-RateLimit-Limit": "5000"})

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("/graphql"):
            return self._graphql(asked.body["query"], asked.body["variables"])
        if kept := re.fullmatch(r"/kept/(\d+)", asked.path):
            assert "Authorization" not in asked.headers
            assert asked.query == {"sig": "hush"}
            file = self.files.get(int(kept[1]))
            return Reply({}, 404) if file is None else Reply(data=file)
        prefix, _, path = asked.path.partition("/repos/acme/shop")
        if prefix not in {"", "/api/v3"} or asked.path == prefix:
            return Reply({"message": "Not Found"}, 404)
        size, page = int(asked.query.get("per_page", 30)), int(asked.query.get("page", 1))
        if path == "/actions/runs":
            return self._runs(asked.query.get("created"), size, page)
        if (found := self._rules(path)) is not None:
            return Reply(found)
        if path == "/actions/artifacts":
            listed = sorted(self.artifacts, key=lambda row: int(row["id"]), reverse=True)
            rows = listed[(page - 1) * size : page * size]
            return Reply({"total_count": len(listed), "artifacts": rows})
        if found := re.fullmatch(r"/actions/artifacts/(\d+)/zip", path):
            return Reply(status=302, headers={"Location": f"{self.where}/kept/{found[1]}?sig=hush"})
        if path == "/pulls":
            rows = sorted(self.pulls, key=lambda row: str(row["updatedAt"]), reverse=True)
            return Reply([{"number": row["number"], "updated_at": row["updatedAt"]} for row in rows[:size]])
        if path == "/deployments":
            # A deployment's `updated_at` moves with its statuses.
            rows = sorted(self.deployments, key=lambda row: str(row["createdAt"]), reverse=True)[:size]
            return Reply(
                [{"id": row["databaseId"], "updated_at": json.dumps(row["statuses"])} for row in rows]
            )
        if path == "/releases":
            return Reply([[row["tagName"], row["isDraft"], row["publishedAt"]] for row in self.releases])
        if path == "/issues":
            since = asked.query.get("since", "")
            rows = sorted(
                (
                    row
                    for row in self.issues
                    if row["updated_at"] >= since and {"name": asked.query["labels"]} in row["labels"]
                ),
                key=lambda row: str(row["updated_at"]),
            )
            return Reply(rows[(page - 1) * size : page * size])
        if job := re.fullmatch(r"/actions/runs/(\d+)/jobs", path):
            return Reply({"jobs": self.jobs.get(int(job[1]), [])})
        return Reply({"message": "Not Found"}, 404)

    def _rules(self, path: str) -> Any:
        """The repository itself and what guards it; `None` for any other path."""
        if path == "":
            return {"default_branch": self.branch["name"]}
        name = quote(self.branch["name"], safe="")
        environments = None if self.environments is None else {"environments": self.environments}
        return {
            f"/branches/{name}": self.branch, f"/branches/{name}/protection": self.protection,
            f"/rules/branches/{name}": self.ruleset, "/environments": environments,
        }.get(path)  # fmt: skip

    def _runs(self, created: str | None, size: int, page: int) -> Reply:
        rows = self.runs if created is None else self._between(created)
        newest = rows[::-1]
        start = (page - 1) * size
        return Reply({"total_count": len(rows), "workflow_runs": newest[start : min(start + size, 1000)]})

    def _between(self, created: str) -> list[dict[str, Any]]:
        if len(self._times) != len(self.runs):
            self._times = [str(row["created_at"]) for row in self.runs]  # in order: the newest is added last
        times = self._times
        low, high = "", "9"
        if created.startswith(">="):
            low = created[2:]
        elif created.startswith("<="):
            high = created[2:]
        else:
            low, high = created.split("..")
        return self.runs[bisect_left(times, low) : bisect_right(times, high)]

    def _graphql(self, query: str, variables: dict[str, Any]) -> Reply:
        for name in self.unknown_fields:
            if name in query:
                return _errors("undefinedField", name)
        if "query Suites" in query:
            if self.no_checks:
                return _error("FORBIDDEN", "Resource not accessible by personal access token")
            return Reply({"data": {"nodes": [self._suite(each) for each in variables["ids"]]}})
        if variables["first"] > self.most:
            return Reply({"message": "Bad Gateway"}, 502)
        if (variables["owner"], variables["name"]) != ("acme", "shop"):
            return _error("NOT_FOUND", "Could not resolve to a Repository")
        word = re.search(r"query (\w+)", query)
        lists = {
            "Pulls": ("pullRequests", self.pulls, "updatedAt"),
            "Deployments": ("deployments", self.deployments, "createdAt"),
            "Releases": ("releases", self.releases, "createdAt"),
        }
        name, rows, time = lists[word[1] if word else ""]
        data = {"repository": {name: _connection(rows, time, variables)}}
        return Reply({"data": data, **({"errors": [self.hidden]} if self.hidden else {})})

    def _suite(self, node: str) -> dict[str, Any]:
        number = int(node.removeprefix("CS_"))
        if len(self._by_id) != len(self.runs):
            self._by_id = {row["id"]: row for row in self.runs}
        row = self._by_id[number]
        begun = datetime.fromisoformat(row["run_started_at"])
        usual = {
            "name": "test", "conclusion": row["conclusion"],
            "started_at": _text(begun + timedelta(seconds=30)),
            "completed_at": _text(begun + timedelta(minutes=5)),
        }  # fmt: skip
        jobs = [
            {
                "name": job["name"],
                "conclusion": job["conclusion"].upper(),
                "startedAt": job["started_at"],
                "completedAt": job["completed_at"],
            }
            for job in self.jobs.get(number, [usual])
        ]
        return {"id": node, "checkRuns": {"totalCount": len(jobs), "nodes": jobs}}


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def _connection(rows: list[dict[str, Any]], time: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Newest first; a cursor is a place in that order and not a number, as GitHub's are."""

    def key(row: dict[str, Any]) -> tuple[str, str]:
        return str(row[time]), str(row.get("number") or row.get("databaseId") or row["tagName"])

    ordered = sorted(rows, key=key, reverse=True)
    if variables.get("after"):
        after = tuple(json.loads(base64.b64decode(variables["after"])))
        ordered = [row for row in ordered if key(row) < after]
    page = ordered[: variables["first"]]
    last = key(page[-1]) if page else None
    return {
        "totalCount": len(rows),
        "pageInfo": {
            "hasNextPage": len(ordered) > len(page),
            "endCursor": base64.b64encode(json.dumps(last).encode()).decode() if last else None,
        },
        "nodes": page,
    }


def _error(kind: str, message: str) -> Reply:
    return Reply({"data": None, "errors": [{"type": kind, "message": message}]})


def _errors(code: str, name: str) -> Reply:
    said = f"Field '{name}' doesn't exist on type 'X'"
    return Reply({"errors": [{"message": said, "extensions": {"code": code, "fieldName": name}}]})
