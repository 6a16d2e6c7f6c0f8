"""What tests of several parts share: a server, and the engines that keep a history."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support import postgres


@pytest.fixture(scope="session")
def server() -> Iterator[postgres.Server]:
    """A PostgreSQL server of this run's own."""
    with postgres.server() as found:
        yield found


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Tests of a module once with each engine: `support.opened` opens its store there."""
    with pytest.MonkeyPatch.context() as patched:
        if request.param == "postgres":
            patched.setenv("HISTORY_SERVER", request.getfixturevalue("server").url())
        yield request.param
