"""How people call a deployment: not by forty letters."""

from __future__ import annotations

import pytest

from deploybook.linking.model import called, shortened

HASH = "fb485de9561d67b66c3e6fdcb372e6fdb1e13402"


@pytest.mark.parametrize(
    ("id_", "version", "name"),
    [
        ("1841", "v3.1", "1841"),
        ("v3.1", None, "v3.1"),
        (HASH, "v3231", "v3231"),
        (HASH, None, "fb485de956"),
        (HASH, HASH[::-1], "20431e1bdf"),
        (HASH, f"release-{HASH}", "release-fb485de956"),
        (f"{HASH}-eu", None, "fb485de956-eu"),
        ("1841", f"release-{HASH}", "1841"),
    ],
)
def test_a_deployment_is_called_by_its_id_or_by_its_version_where_that_is_a_hash(
    id_: str, version: str | None, name: str
) -> None:
    assert called(id_, version) == name


def test_what_is_no_hash_stays_as_it_is() -> None:
    for name in ("deadbeef", "a" * 39, "g" * 40, HASH.upper(), f"x{HASH}", f"{HASH}0", "shop-web/1841"):
        assert shortened(name) == name
    assert shortened("0" * 64) == "0" * 10
