from __future__ import annotations

import pytest

from deploybook.ownership import Files

PATHS = (
    "src/pay.py", "tests/test_pay.py", "tests/api/test_find.py", "tests/web/test_find.py",
    "src/test/java/com/acme/PayTest.java", "web/pay.test.ts", "spec/models/card_spec.rb", "test_top.py",
)  # fmt: skip


@pytest.mark.parametrize(
    ("suite", "path"),
    [
        ("tests.test_pay", "tests/test_pay.py"),
        ("tests.test_pay.TestCard.TestRefused", "tests/test_pay.py"),
        ("test_pay", "tests/test_pay.py"),
        ("com.acme.PayTest", "src/test/java/com/acme/PayTest.java"),
        ("com.acme.PayTest$Inner", None),
        ("web/pay.test.ts", "web/pay.test.ts"),
        ("spec.models.card_spec", "spec/models/card_spec.rb"),
        ("tests.api.test_find", "tests/api/test_find.py"),
        ("test_find", None),
        ("test_top", "test_top.py"),
        ("smoke", None),
        ("..", None),
        (None, None),
    ],
)
def test_a_suite_is_in_the_one_file_that_its_name_fits(suite: str | None, path: str | None) -> None:
    assert Files(PATHS).of(suite) == path
