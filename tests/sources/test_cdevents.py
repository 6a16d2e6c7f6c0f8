from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploybook.config import Config
from deploybook.errors import SourceError
from deploybook.feed import Ask, Cursor, Item, Rejected, Unchanged
from deploybook.records import (
    Cause,
    Change,
    Deployment,
    Incident,
    Issue,
    PipelineRun,
    Record,
    TestCaseRun,
)
from deploybook.sources import cdevents
from deploybook.sources.cdevent import EventError, read

EXAMPLES = Path(__file__).parents[3] / "shared/conformance/cdevents/conformance"
needs_examples = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the specification's examples are not here")

SHA = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
IMAGE = "pkg:oci/shop-web@sha256%3A" + "0b" * 32


def event(kind: str, subject: str, at: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
    context = {
        "specversion": "0.5.1", "id": more.pop("id", f"{kind} {subject} {at}"), "source": "/ci",
        "type": f"dev.cdevents.{kind}.0.3.0", "timestamp": f"2026-11-20T{at}Z",
    }  # fmt: skip
    custom = {"customData": more.pop("custom")} if "custom" in more else {}
    return {"context": {**context, **more}, "subject": {"id": subject, "content": content}, **custom}


def pull(root: Path, events: list[dict[str, Any]] | None = None, cursor: str | None = None) -> list[Item]:
    if events is not None:
        (root / "events.jsonl").write_text("\n".join(json.dumps(each) for each in events))
    config = Config.of(
        {
            "codebases": {
                "shop": {
                    "repository": "https://git.test/acme/shop",
                    "also_known_as": ["pkg:oci/shop-web", "svc-shop", "/ci/shop"],
                }
            },
            "process": {"environments": ["staging", "production"]},
        },
        root=root,
    )
    feed = cdevents.feed("events.jsonl", config)
    return list(feed.pull(Ask(datetime(2026, 12, 1, tzinfo=UTC), cursor=cursor)))


def records(items: list[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def minute(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-20T{text}:00+00:00")


@needs_examples
def test_every_example_of_the_specification_is_accepted() -> None:
    examples = sorted(EXAMPLES.glob("*.json"))
    assert len(examples) == 45
    kinds = {read(json.loads(file.read_text())).kind.replace(".", "_") for file in examples}
    assert kinds == {file.stem for file in examples}


REQUIRED = {
    "artifact_packaged": ["change", "change.id", "sbom.uri"],
    "artifact_signed": ["signature"],
    "branch_created": ["repository.id"],
    "change_merged": ["repository.id"],
    "incident_detected": ["environment", "environment.id", "service.id"],
    "incident_reported": ["environment", "environment.id", "service.id", "ticketURI"],
    "incident_resolved": ["environment", "environment.id", "service.id"],
    "pipelinerun_started": ["pipelineName", "uri"],
    "repository_created": ["name", "uri"],
    "service_deployed": ["environment", "environment.id", "artifactId"],
    "service_published": ["environment.id"],
    "service_removed": ["environment.id"],
    "service_rolledback": ["environment", "environment.id", "artifactId"],
    "service_upgraded": ["environment", "environment.id", "artifactId"],
    "taskrun_started": ["pipelineRun.id"],
    "testcaserun_finished": ["outcome", "environment", "environment.id", "testCase.id"],
    "testcaserun_queued": ["environment", "environment.id", "testCase.id"],
    "testcaserun_skipped": ["environment.id", "testSuiteRun.id", "testCase.id"],
    "testcaserun_started": ["environment", "environment.id", "testCase.id"],
    "testoutput_published": ["outputType", "format", "testCaseRun.id"],
    "testsuiterun_finished": ["outcome", "environment", "environment.id", "testSuite.id"],
    "testsuiterun_queued": ["environment", "environment.id", "testSuite.id"],
    "testsuiterun_started": ["environment", "environment.id", "testSuite.id"],
    "ticket_closed": ["uri", "resolution"],
    "ticket_created": ["summary", "creator", "uri"],
    "ticket_updated": ["uri"],
}
"""What the specification's schemas of 0.5.1 require of the content, by type."""


def without(event: dict[str, Any], path: str) -> dict[str, Any]:
    found = place = copy.deepcopy(event)
    *way, last = path.split(".")
    for key in way:
        place = place.get(key, {})
    if last not in place:
        pytest.fail(f"the example has no {path}")
    del place[last]
    return found


@needs_examples
def test_each_example_is_refused_by_name_once_a_required_field_is_gone() -> None:
    for file in sorted(EXAMPLES.glob("*.json")):
        example = json.loads(file.read_text())
        always = ["context.specversion", "context.id", "context.source", "context.type", "context.timestamp"]
        own = [f"subject.content.{path}" for path in REQUIRED.get(file.stem, [])]
        for path in [*always, "context", "subject", "subject.id", "subject.content", *own]:
            with pytest.raises(EventError, match="missing") as refused:
                read(without(example, path))
            assert path in str(refused.value), (file.stem, path, str(refused.value))


def test_an_event_of_0_4_is_read_with_its_own_names() -> None:
    old = event("pipelinerun.started", "r1", "10:00:00", {"pipelineName": "ci", "url": "https://ci.test/1"})
    old["context"]["version"] = old["context"].pop("specversion")
    assert read(old).text("url") == "https://ci.test/1"


def test_a_deployment_finds_its_revision_through_the_artifact(tmp_path: Path) -> None:
    items = pull(
        tmp_path,
        [
            # The order of events in a file is no promise.
            event(
                "service.deployed",
                "svc-shop",
                "10:05:00",
                {"environment": {"id": "Production"}, "artifactId": IMAGE},
                id="d1",
            ),
            event("artifact.packaged", IMAGE, "10:00:00", {"change": {"id": SHA}}),
            event(
                "service.rolledback",
                "svc-shop",
                "11:00:00",
                {"environment": {"id": "production"}, "artifactId": "pkg:oci/shop-web@1.4.2"},
                id="d2",
            ),
        ],
    )
    assert records(items) == [
        Deployment(
            codebase="shop", id="d1", environment="production", revision=SHA,
            finished_at=minute("10:05"), outcome="success",
        ),
        Deployment(
            codebase="shop", id="d2", environment="production", version="1.4.2",
            finished_at=minute("11:00"), outcome="success", kind="rollback",
        ),
    ]  # fmt: skip


def test_several_events_of_one_thing_become_one_record(tmp_path: Path) -> None:
    suite = {
        "testSuiteRun": {"id": "s1"},
        "testCase": {"id": "t", "name": "pays"},
        "environment": {"id": "e"},
    }
    items = pull(
        tmp_path,
        [
            event("pipelinerun.queued", "r1", "10:00:00", {}, source="/ci/shop"),
            event("pipelinerun.finished", "r1", "10:09:00", {"outcome": "failure"}, source="/ci/shop"),
            event(
                "pipelinerun.started",
                "r1",
                "10:01:00",
                {"pipelineName": "ci", "uri": "https://ci.test/1"},
                source="/ci/shop",
            ),
            event(
                "testsuiterun.started",
                "s1",
                "10:02:00",
                {"environment": {"id": "e"}, "testSuite": {"id": "x", "name": "checkout"}},
                source="/ci/shop",
            ),
            event("testcaserun.started", "c1", "10:02:00", suite, source="/ci/shop"),
            event(
                "testcaserun.finished", "c1", "10:02:07", {"outcome": "failure", **suite}, source="/ci/shop"
            ),
            event("testcaserun.skipped", "c2", "10:02:08", {"testCase": {"id": "u"}}, source="/ci/shop"),
        ],
    )
    assert records(items) == [
        PipelineRun(
            codebase="shop", id="r1", pipeline="ci", outcome="failure", queued_at=minute("10:00"),
            started_at=minute("10:01"), finished_at=minute("10:09"), url="https://ci.test/1",
        ),
        TestCaseRun(
            codebase="shop", name="pays", outcome="fail", suite="checkout", run="c1", job="e",
            started_at=minute("10:02"), duration_seconds=7.0,
        ),
        TestCaseRun(
            codebase="shop", name="u", outcome="skip", run="c2",
            started_at=datetime(2026, 11, 20, 10, 2, 8, tzinfo=UTC),
        ),
    ]  # fmt: skip


def test_an_incident_is_known_by_its_service_and_caused_by_its_artifact(tmp_path: Path) -> None:
    place = {"environment": {"id": "production"}, "service": {"id": "svc-shop"}, "artifactId": IMAGE}
    seen = {"description": "Slow", **place}
    items = pull(
        tmp_path,
        [
            event("artifact.packaged", IMAGE, "09:00:00", {"change": {"id": SHA}}),
            event("incident.detected", "i1", "10:00:00", seen, custom={"severity": "high"}),
            event("incident.reported", "i1", "10:02:00", {"ticketURI": "https://t.test/1", **place}),
            event("incident.resolved", "i1", "10:30:00", place),
            event("incident.resolved", "i2", "10:30:00", place),
        ],
    )
    assert records(items) == [
        Incident(
            id="i1", started_at=minute("10:00"), detected_at=minute("10:00"), resolved_at=minute("10:30"),
            title="Slow", codebases=("shop",), severity="high", environment="production",
            caused_by=(Cause(revision=SHA),), url="https://t.test/1",
        )
    ]  # fmt: skip
    assert [item.reason for item in items if isinstance(item, Rejected)] == [
        "it was resolved, and nothing says when it began"
    ]


def test_a_change_and_a_ticket_are_read(tmp_path: Path) -> None:
    here = {"repository": {"id": "acme/shop", "source": "https://git.test"}}
    items = pull(
        tmp_path,
        [
            event("change.created", "12", "08:00:00", {"description": "Pay later\n\nmore", **here}),
            event("change.reviewed", "12", "09:00:00", here),
            event("change.merged", "12", "10:00:00", here),
            event(
                "ticket.created",
                "T-1",
                "07:00:00",
                {
                    "summary": "Pay",
                    "creator": "a",
                    "uri": "https://t.test/T-1",
                    "ticketType": "bug",
                    "labels": ["x"],
                },
            ),
            event("ticket.closed", "T-1", "11:00:00", {"uri": "https://t.test/T-1", "resolution": "done"}),
        ],
    )
    assert records(items) == [
        Change(
            codebase="shop", id="12", title="Pay later", merged_at=minute("10:00"),
            opened_at=minute("08:00"), first_review_at=minute("09:00"),
        ),
        Issue(
            id="T-1", title="Pay", kind="bug", state="closed", opened_at=minute("07:00"),
            closed_at=minute("11:00"), labels=("x",), url="https://t.test/T-1",
        ),
    ]  # fmt: skip


def test_what_matches_nothing_is_listed_with_the_line_that_mends_it(tmp_path: Path) -> None:
    place = {"environment": {"id": "moon"}, "artifactId": "pkg:oci/other@1"}
    items = pull(
        tmp_path,
        [
            event("service.deployed", "other", "10:00:00", place, id="a"),
            event("service.deployed", "other", "11:00:00", place, id="b"),
            event("service.deployed", "svc-shop", "11:00:00", place, id="c"),
        ],
    )
    said = {item.where: item.reason for item in items if isinstance(item, Rejected)}
    assert said == {
        "cdevents events.jsonl: other": "no codebase is called so, 2 times: under `codebases:`, "
        'give the codebase that it is `also_known_as: ["other"]`',
        "cdevents events.jsonl: moon": "no environment is called so, once: "
        'if deployments there should count, add "moon" to `process.environments`',
    }


def test_types_that_are_not_used_are_counted_and_bad_lines_set_aside(tmp_path: Path) -> None:
    unused = event("build.queued", "b", "10:00:00", {})
    strange = event("x.y", "b", "10:00:00", {})
    strange["context"]["type"] = "dev.cdeventsx.acme-thing.moved.0.1.0"
    lines = [json.dumps(unused), json.dumps(unused), "{", json.dumps({"context": {}}), json.dumps(strange)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    said = [
        (item.where, item.reason.partition(":")[0]) for item in pull(tmp_path) if isinstance(item, Rejected)
    ]
    assert said == [
        ("events.jsonl:3", "this is no JSON"),
        ("events.jsonl:4", "subject is missing"),
        ("cdevents events.jsonl: build.queued", "kept, not used"),
        ("cdevents events.jsonl: dev.cdeventsx.acme-thing.moved.0.1.0", "kept, not used"),
    ]  # fmt: skip


def test_a_folder_of_single_events_is_read_and_is_unchanged_the_next_time(tmp_path: Path) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    change = event("change.merged", SHA, "10:00:00", {"repository": {"id": "shop"}})
    (tmp_path / "in/deep/a.json").write_text(json.dumps(change, indent=1))
    (tmp_path / "in/b.json").write_text(json.dumps([change, change]))
    feed = cdevents.feed("in", Config.of({"codebases": {"shop": {}}}, root=tmp_path))
    items = list(feed.pull(Ask(datetime(2026, 12, 1, tzinfo=UTC))))
    assert [item.id for item in items if isinstance(item, Change)] == [SHA]
    assert isinstance(items[-1], Cursor)
    again = feed.pull(Ask(datetime(2026, 12, 1, tzinfo=UTC), cursor=items[-1].text))
    assert list(again) == [Unchanged()]


def test_a_pattern_that_finds_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cdevents: events\.jsonl"):
        pull(tmp_path)
