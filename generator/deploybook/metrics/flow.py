"""How work flows: the size of what goes out together, and whether someone else looked at it."""

from __future__ import annotations

from ibis import _

from deploybook.metrics.measures import Measure, Percentile, Rate


def of_changes() -> list[Measure]:
    """Lines a change, and the share approved by someone other than the author before the merge."""
    return [
        Percentile("batch_lines_p50", "lines", _.additions + _.deletions),
        Rate("reviewed_share", _.approved.fill_null(False), _.approved.notnull(), _.approved.isnull()),
    ]


def of_deployments() -> list[Measure]:
    """Changes a deployment, of the successful ones after the baseline whose changes are known."""
    counted = (_.outcome == "success") & ~_.baseline
    return [Percentile("batch_changes_p50", "changes", _.matched.ifelse(_.changes, None), of=counted)]
