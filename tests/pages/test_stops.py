from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tests.pages.support import SHOP, book, deployment

from deploybook.pages.home import home_page
from deploybook.pages.stops import stops
from deploybook.pages.telling import Teller
from deploybook.pages.week import Weeks, week_page

CONFIG = SHOP | {"process": {"environments": ["staging", "production"]}}


def verdict(answer: str, at: str, revision: str = "a" * 40, **more: Any) -> dict[str, Any]:
    reasons = [{"check": "smoke", "answer": "fail", "says": "smoke: <b>pay</b> failed"}]
    return {
        "type": "verdict", "codebase": "shop", "environment": "production", "revision": revision,
        "verdict": answer, "judged_at": at, "reasons": json.dumps(reasons),
    } | more  # fmt: skip


def run(outcome: str, at: str, revision: str, to: str = "production") -> dict[str, Any]:
    return {
        "type": "pipeline_run", "codebase": "shop", "id": f"r{at}", "pipeline": "deliver", "attempt": 1,
        "outcome": outcome, "finished_at": at, "deploys_to": to, "revision": revision, "branch": "main",
    }  # fmt: skip


def told(*records: dict[str, Any]) -> list[str]:
    return [str(stop.says) for stop in stops(book(records, CONFIG))]


def test_a_refused_promotion_is_told_once_with_its_first_reason_as_text() -> None:
    (says,) = told(
        verdict("fail", "2026-11-19T10:00:00+00:00"), verdict("no_proof", "2026-11-19T11:00:00+00:00")
    )
    assert says.startswith("shop to production, ")
    assert "stopped at aaaaaaaaaa. Smoke&#58; &lt;b&gt;pay&lt;/b&gt; failed." in says


def test_an_override_is_told_with_name_and_reason() -> None:
    override = json.dumps({"by": "ana", "because": "users cannot pay"})
    (says,) = told(verdict("fail", "2026-11-19T10:00:00+00:00", override=override))
    assert says.endswith(" ana decided to go on: Users cannot pay.")


def test_a_red_run_towards_users_is_a_stop_and_one_to_staging_or_a_green_one_is_not() -> None:
    (says,) = told(
        run("failure", "2026-11-19T10:00:00+00:00", "b" * 40),
        run("success", "2026-11-19T11:00:00+00:00", "c" * 40),
        run("failure", "2026-11-19T12:00:00+00:00", "d" * 40, to="staging"),
    )
    assert says.endswith("stopped at bbbbbbbbbb. Deliver was red.")


def test_passes_and_what_is_still_to_come_are_not_told() -> None:
    assert (
        told(verdict("pass", "2026-11-19T10:00:00+00:00"), verdict("fail", "2026-11-21T10:00:00+00:00")) == []
    )


def test_a_forced_lock_is_told_with_name_and_reason() -> None:
    lock = {
        "type": "lock", "environment": "production", "codebase": "shop", "claim": "c1",
        "since": datetime.fromisoformat("2026-11-19T10:00:00+00:00"),
        "forced": json.dumps({"by": "bo", "because": "ana is on a train"}),
    }  # fmt: skip
    (says,) = told(lock | {"environment": "prod-eu"}, lock | {"environment": "prod-us"})
    assert says.startswith("shop in prod-eu and prod-us, ")
    assert says.endswith(": bo forced the lock. Ana is on a train.")


def test_the_week_and_the_home_page_show_what_was_stopped_and_no_deployment_failed() -> None:
    shop = book(
        [
            deployment("1", "2026-11-17T10:00:00+00:00"),
            run("success", "2026-11-19T09:00:00+00:00", "a" * 40, to="staging"),
            run("success", "2026-11-19T09:30:00+00:00", "a" * 40) | {"deploys_to": None},
            verdict("fail", "2026-11-19T10:00:00+00:00"),
        ],
        CONFIG,
    )
    tell = Teller(shop)
    page = week_page(shop, tell, shop.this_week, Weeks(shop))
    assert [str(says).partition(",")[0] for says in page.stopped] == ["shop to production"]
    assert page.lead == "1\N{NO-BREAK SPACE}deployment went to users."
    branches = next(part for part in home_page(shop, tell).parts if part.id == "branches")
    assert str(branches.lines[-1]).startswith("shop to production, ")
