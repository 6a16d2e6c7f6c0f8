"""What a target's sentence says of the way there: only what the limits allow."""

from __future__ import annotations

import pytest
from tests.pages.test_readings import USUAL, counts, read

from deploybook.config.models import Target
from deploybook.pages.targets import progress


@pytest.mark.parametrize(
    ("bound", "end"),
    [
        (1, "Met in 13 of 13\u00a0weeks; at this pace every week will meet it."),
        (5, "Met in 9 of 13\u00a0weeks; at this pace some will meet it and some will not."),
        (20, "Met in 0 of 13\u00a0weeks; at this pace none will, the limits end at 8.1."),
    ],
)
def test_the_pace_is_told_by_the_limits(bound: int, end: str) -> None:
    target = Target.model_validate({"at_least": bound, "per": "week"})
    assert progress(read(counts(*USUAL, 5)), target) == f"Target: at least {bound} a week. {end}"


def test_without_limits_nothing_is_said_of_the_pace() -> None:
    target = Target.model_validate({"at_least": 5, "per": "week"})
    assert progress(read(counts(4, 6)), target) == "Target: at least 5 a week. Met in 1 of 2\u00a0weeks."


def test_without_a_target_there_is_no_sentence() -> None:
    assert progress(read(counts(4, 6)), None) == ""
