"""Argo CD on loopback, its applications in the shapes of its own API description."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.gitrepo import GitRepo
from tests.support.loopback import Asked, Loopback, Reply
from tests.support.shelf import Shelf

from deploybook.config import Config
from deploybook.errors import SourceError
from deploybook.feed import Ask
from deploybook.records import Deployment
from deploybook.sources import feeds

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
START = datetime(2026, 11, 2, 9, tzinfo=UTC)
OWN = "https://github.com/acme/shop-web"
OPS = {"repoURL": "https://github.com/acme/ops", "path": "shop"}


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def synced(
    number: int, revision: str = "", source: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A sync that went well, begun `number` hours after the start, and took 40 seconds."""
    began = START + timedelta(hours=number)
    return {
        "id": number, "deployStartedAt": stamp(began), "deployedAt": stamp(began + timedelta(seconds=40)),
        "revision": revision or f"{number:040x}", "source": source or {"repoURL": OWN, "path": "deploy"},
        "initiatedBy": {"automated": True}, **more,
    }  # fmt: skip


def kustomized(version: str) -> dict[str, Any]:
    return OPS | {
        "kustomize": {"images": ["redis:7", f"ghcr.io/acme/shop-web=ghcr.io/acme/shop-web:{version}"]}
    }


def charted(**helm: Any) -> dict[str, Any]:
    return OPS | {"helm": helm}


class Argo:
    """The list of applications, of all projects or of one."""

    def __init__(self, *apps: dict[str, Any]) -> None:
        self.apps = list(apps)

    def answer(self, asked: Asked) -> Reply:
        if asked.headers["Authorization"] != "Bearer hush":
            return Reply({"error": "invalid session", "code": 16, "message": "invalid session"}, 401)
        assert asked.path == "/api/v1/applications"
        project = asked.query.get("project")
        found = [app for app in self.apps if project in {None, app["spec"]["project"]}]
        return Reply({"metadata": {"resourceVersion": "1"}, "items": found or None})


def app(name: str, *history: dict[str, Any], project: str = "shop", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "argocd"}, "spec": {"project": project},
        "status": {"history": list(history), "sync": {"status": "Synced"}, **status},
    }  # fmt: skip


@pytest.fixture
def argo() -> Argo:
    return Argo(app("shop-web-production", synced(1), synced(2), synced(3)))


@pytest.fixture
def server(argo: Argo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    monkeypatch.setenv("ARGOCD_TEST", "hush")
    with Loopback(argo.answer) as running:
        yield running


def sync(
    server: Loopback, shelf: Shelf, root: Path = Path(), repository: str | None = None, **more: Any
) -> SourceError | None:
    config = Config.of(
        {
            "codebases": {"shop-web": {"repository": repository, "also_known_as": [OWN, "Till"]}, "web": {}},
            "process": {"environments": ["staging", "production"]},
            "sources": [{"argocd": {"url": server.url, "token": "env:ARGOCD_TEST", **more}}],
        },
        root=root,
    )
    (feed,) = [feed for feed in feeds(config, root / "build") if feed.name == "argocd"]
    return shelf.sync(feed, Ask(NOW, shelf.cursors.get("argocd"), wait=lambda _: None))


def rows(shelf: Shelf) -> list[dict[str, Any]]:
    return sorted(shelf.of(Deployment), key=lambda row: (row["started_at"] or row["finished_at"], row["id"]))


def test_each_sync_is_a_deployment_with_its_own_times_and_revision(server: Loopback, argo: Argo) -> None:
    argo.apps[0]["status"]["history"][2] |= {"initiatedBy": {"username": "ana"}}
    shelf = Shelf()
    assert sync(server, shelf) is None
    one, _, three = rows(shelf)
    assert (one["codebase"], one["environment"], one["outcome"]) == ("shop-web", "production", "success")
    assert (one["id"], one["revision"]) == ("shop-web-production-20261102T100000Z", f"{1:040x}")
    assert one["finished_at"] - one["started_at"] == timedelta(seconds=40)
    assert (one["by"], three["by"]) == (None, "ana")
    assert one["url"] == f"{server.url}/applications/argocd/shop-web-production"
    assert len(server.asked) == 1
    assert shelf.rejected == []


def test_what_an_application_forgets_is_kept_and_what_is_new_is_read(server: Loopback, argo: Argo) -> None:
    shelf = Shelf()
    for newest in range(3, 40, 4):
        history = [synced(number) for number in range(max(1, newest - 9), newest + 1)]
        argo.apps[0]["status"]["history"] = history
        assert sync(server, shelf) is None
    assert [row["revision"] for row in rows(shelf)] == [f"{number:040x}" for number in range(1, 40)]


def test_drift_put_back_is_no_deployment_and_a_sync_again_by_hand_is(server: Loopback, argo: Argo) -> None:
    same = f"{1:040x}"
    argo.apps[0]["status"]["history"] = [
        synced(1), synced(2, same), synced(3, same, initiatedBy={"username": "ana"}), synced(4), synced(5),
    ]  # fmt: skip
    shelf = Shelf()
    sync(server, shelf)
    assert [row["started_at"].hour - 9 for row in rows(shelf)] == [1, 3, 4, 5]
    # Later only syncs of drift are remembered: the oldest of them is not taken for something new.
    argo.apps[0]["status"]["history"] = [synced(number, f"{5:040x}") for number in range(5, 15)]
    sync(server, shelf)
    argo.apps[0]["status"]["history"] = [synced(number, f"{5:040x}") for number in range(6, 16)]
    sync(server, shelf)
    assert len(rows(shelf)) == 4


def test_a_sync_that_failed_is_told_and_parts_rehearsals_and_running_ones_are_not(
    server: Loopback, argo: Argo
) -> None:
    began = START + timedelta(hours=8)
    failed = {
        "phase": "Failed", "startedAt": stamp(began), "finishedAt": stamp(began + timedelta(minutes=3)),
        "operation": {"sync": {"revision": "b" * 40}, "initiatedBy": {"username": "ana"}},
        "syncResult": {"revision": "b" * 40, "source": {"repoURL": OWN}},
    }  # fmt: skip
    argo.apps[0]["status"]["operationState"] = failed
    shelf = Shelf()
    sync(server, shelf)
    last = rows(shelf)[-1]
    assert (last["outcome"], last["revision"], last["by"]) == ("failure", "b" * 40, "ana")
    assert last["finished_at"] - last["started_at"] == timedelta(minutes=3)
    for other in (
        {"phase": "Running"}, {"phase": "Succeeded"},
        {"operation": {"sync": {"dryRun": True}}}, {"operation": {"sync": {"resources": [{"kind": "Job"}]}}},
    ):  # fmt: skip
        argo.apps[0]["status"]["operationState"] = failed | other
        again = Shelf()
        sync(server, again)
        assert len(rows(again)) == 3


@pytest.mark.parametrize(
    ("source", "images", "version"),
    [
        (kustomized("v1.4.0"), [], "v1.4.0"),
        (OPS | {"kustomize": {"images": ["x/till@sha256:" + "a" * 64]}}, [], None),
        (OPS | {"kustomize": {"images": ["localhost:5000/till", "b:2"]}}, [], "2"),
        (charted(parameters=[{"name": "db.image.tag", "value": "7"}, {"name": "image.tag", "value": "1.5"}]),
         [], "1.5"),
        (charted(parameters=[{"name": "web.image.tag", "value": "1.6"}]), [], "1.6"),
        (charted(values="image: {tag: v1.7}\nredis: {image: {tag: 7}}"), [], "v1.7"),
        (charted(values="web: {image: {tag: 1.8}}\nredis: {image: {tag: 7}}"), [], None),
        (charted(valuesObject={"image": {"tag": "v1.9"}}), [], "v1.9"),
        (charted(values="{not yaml"), ["ghcr.io/acme/till:v2.0@sha256:" + "a" * 64, "redis:7"], "v2.0"),
        (OPS, ["redis:7", "busybox:1"], None),
        ({"repoURL": "https://charts.acme.test", "chart": "shop-web"}, [], "1.2.3"),
    ],
)  # fmt: skip
def test_the_version_is_that_of_the_codebases_image_else_of_its_chart(
    server: Loopback, argo: Argo, source: dict[str, Any], images: list[str], version: str | None
) -> None:
    argo.apps[:] = [app("shop-web-staging", synced(1, "1.2.3", source), summary={"images": images})]
    shelf = Shelf()
    sync(server, shelf)
    (one,) = rows(shelf)
    assert (one["version"], one["revision"]) == (version, None)


def test_images_that_run_say_nothing_of_older_syncs_or_of_one_that_is_not_in_place(
    server: Loopback, argo: Argo
) -> None:
    running = {"images": ["acme/till:v2"]}
    argo.apps[:] = [app("shop-web-production", synced(1, "", OPS), synced(2, "", OPS), summary=running)]
    shelf = Shelf()
    sync(server, shelf)
    assert [row["version"] for row in rows(shelf)] == [None, "v2"]
    argo.apps[0]["status"]["sync"]["status"] = "OutOfSync"
    again = Shelf()
    sync(server, again)
    assert [row["version"] for row in rows(again)] == [None, None]


def test_of_several_sources_the_codebases_own_says_the_revision(server: Loopback, argo: Argo) -> None:
    entry = synced(1)
    entry |= {"sources": [OPS, {"repoURL": f"{OWN}.git"}], "revisions": ["c" * 40, "d" * 40]}
    argo.apps[0]["status"]["history"] = [{key: entry[key] for key in entry.keys() - {"source", "revision"}}]
    shelf = Shelf()
    sync(server, shelf, repository=OWN)
    assert rows(shelf)[0]["revision"] == "d" * 40


def test_a_version_is_the_revision_of_its_tag_or_of_the_commit_that_it_names(
    server: Loopback, argo: Argo, tmp_path: Path
) -> None:
    repo = GitRepo(tmp_path / "shop")
    first = repo.commit("One")
    repo.tag("v1.4.0")
    second = repo.commit("Two")
    history = [synced(1, "", kustomized("1.4.0")), synced(2, "", kustomized("9.9"))]
    argo.apps[:] = [app("shop-web-production", *history)]
    shelf = Shelf()
    assert sync(server, shelf, tmp_path, "shop", revision="v{version}") is None
    assert [row["revision"] for row in rows(shelf)] == [first, None]
    argo.apps[0]["status"]["history"][1] = synced(2, "", kustomized(second[:9]))
    again = Shelf()
    sync(server, again, tmp_path, "shop")
    assert [row["revision"] for row in rows(again)] == [None, second]


def test_applications_are_matched_by_their_names_and_strange_ones_are_listed_with_what_mends_it(
    server: Loopback, argo: Argo
) -> None:
    argo.apps[:] = [
        app("till-PRD", synced(1)), app("web-staging", synced(2)), app("till-live", synced(3)),
        app("cert-manager", synced(4)), app("office-production", synced(5), project="office"),
    ]  # fmt: skip
    known = {"till-live": {"codebase": "shop-web", "environment": "production"}}
    shelf = Shelf()
    assert sync(server, shelf, projects=["shop"], environments={"prd": "production"}, apps=known) is None
    assert [(row["codebase"], row["environment"]) for row in rows(shelf)] == [
        ("shop-web", "production"), ("web", "staging"), ("shop-web", "production"),
    ]  # fmt: skip
    (reason,) = shelf.rejected
    assert 'apps: {"cert-manager": {codebase: …, environment: …}}' in reason
    other = Shelf()
    argo.apps[:] = [app("production.Till", synced(1))]
    sync(server, other, name="{environment}.{codebase}")
    assert [row["codebase"] for row in rows(other)] == ["shop-web"]


def test_a_strange_application_is_set_aside_and_none_at_all_is_told(server: Loopback, argo: Argo) -> None:
    argo.apps.append(app("web-staging", {"id": 1}))
    shelf = Shelf()
    assert sync(server, shelf) is None
    assert len(rows(shelf)) == 3
    assert "not as expected" in shelf.rejected[0]
    argo.apps[:] = []
    empty = Shelf()
    assert sync(server, empty) is None
    assert "this account sees none" in empty.rejected[0]


def test_a_sync_that_was_stopped_or_cut_off_loses_nothing(server: Loopback) -> None:
    shelf = Shelf()
    server.fault = lambda number, _: Reply({}, cut=True) if number < 7 else None
    assert sync(server, shelf) is not None
    server.forget()
    server.fault = lambda number, _: Reply({}, 502) if number == 1 else None
    assert sync(server, shelf) is None
    assert len(rows(shelf)) == 3


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply({"message": "invalid session"}, 401), "Argo CD does not know the token (invalid session)"),
        (Reply({"message": "permission denied"}, 403), "the token may not read this (permission denied)"),
        (Reply({}, 404), "no such thing"),
        (Reply({}, 429, {"Retry-After": "4000"}), "asks to wait 67 min"),
        (Reply({}, 500), "6 times: it answered 500"),
        (Reply({"hello": "world"}), "not Argo CD's"),
        (Reply(text="<html>login</html>"), "no JSON"),
    ],
    ids=["401", "403", "404", "429", "500", "elsewhere", "a page"],
)  # fmt: skip
def test_what_goes_wrong_is_told_with_the_next_step_and_without_the_token(
    server: Loopback, reply: Reply, says: str
) -> None:
    server.fault = lambda _number, _asked: reply
    error = sync(server, Shelf())
    assert error is not None
    assert says in error.what
    assert error.next_step
    assert "hush" not in f"{error}{error.next_step}"
