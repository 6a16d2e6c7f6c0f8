"""What was published before, and where a settled figure is another one today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from deploybook import words
from deploybook.config import Config
from deploybook.metrics import Restatement, is_settled, restatements
from deploybook.metrics.restate import FAILURE_METRICS
from deploybook.periods import Kind, Period

KEYS = ("scope", "name", "period", "period_start", "metric")
PARTS = ("value", "numerator", "denominator", "missing")
COLUMNS = (*KEYS, "value", "unit", "numerator", "denominator", "missing", "published_at")
"""What is kept of a published figure; by its keys and the clock of its publishing."""

_EMPTY = pa.schema(
    [
        *((name, pa.string()) for name in KEYS[:3]),
        ("period_start", pa.date32()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("unit", pa.string()),
        ("numerator", pa.float64()),
        ("denominator", pa.float64()),
        ("missing", pa.int64()),
        ("published_at", pa.timestamp("us", tz="UTC")),
    ]
).empty_table()


@dataclass(frozen=True)
class Published:
    """What the history keeps of published figures, beside today's.

    Args:
        published: Rows with `COLUMNS`, several versions of a figure where it changed; none at first.
        metrics: Today's figures, all of them.
        config: The site's.
        as_of: The clock.
    """

    published: pa.Table | None
    metrics: pa.Table
    config: Config
    as_of: datetime

    @cached_property
    def _before(self) -> pa.Table:
        return _columns(self.published) if self.published is not None else _EMPTY

    @property
    def new(self) -> pa.Table:
        """What to keep after a publish: settled figures that are new, or other than when last kept.

        Returns:
            Rows with `COLUMNS`, `published_at` the clock; none where that is not later than what is kept.
        """
        published = self._before
        if published.num_rows and pc.max(published["published_at"]).as_py() >= self.as_of:
            return published.slice(0, 0)
        newest = self._newest.select([*KEYS, *PARTS])
        rows = self._settled.join(newest, list(KEYS), join_type="left outer", right_suffix="_old")
        if published.num_rows:
            rows = rows.filter(_differs(rows, "_old"))
        stamp = pa.array([self.as_of] * rows.num_rows, pa.timestamp("us", tz="UTC"))
        return _columns(rows.append_column("published_at", stamp))

    @cached_property
    def restatements(self) -> list[Restatement]:
        """Every restatement that is known, newest first: among what was kept, and today's beside them."""
        found: list[Restatement] = []
        last: dict[tuple[object, ...], dict[str, object]] = {}
        for row in self._several.to_pylist():
            key = tuple(row[name] for name in KEYS)
            if key in last:
                found += _compare(self.config, last[key], row)
            last[key] = row
        today = self._newest.join(self._settled, list(KEYS), join_type="inner", right_suffix="_new")
        for row in today.filter(_differs(today, "_new")).to_pylist():
            found += _compare(self.config, row, row | {part: row[f"{part}_new"] for part in PARTS})
        found.sort(key=lambda each: (each.scope, each.name, each.metric))
        return sorted(found, key=lambda each: (each.published_at, each.period_start), reverse=True)

    @cached_property
    def _versions(self) -> pa.Table:
        """Each figure that was published, with how often and when last."""
        of = [("published_at", "count"), ("published_at", "max")]
        return self._before.group_by(list(KEYS)).aggregate(of)

    @property
    def _several(self) -> pa.Table:
        """The versions of figures that have more than one, oldest first; most have one."""
        if self._versions.num_rows == self._before.num_rows:
            return self._before.slice(0, 0)
        several = self._versions.filter(pc.greater(self._versions["published_at_count"], 1))
        rows = self._before.join(several.select(list(KEYS)), list(KEYS), join_type="inner")
        return rows.sort_by("published_at")

    @cached_property
    def _newest(self) -> pa.Table:
        """The last version of each figure."""
        if self._versions.num_rows == self._before.num_rows:
            return self._before
        latest = self._versions.select([*KEYS, "published_at_max"]).rename_columns([*KEYS, "published_at"])
        return self._before.join(latest, [*KEYS, "published_at"], join_type="inner")

    @cached_property
    def _settled(self) -> pa.Table:
        """Today's figures of periods that are provisional no more."""
        table = self.metrics
        periods = table.group_by(["period", "period_start", "metric"]).aggregate([])
        judged: dict[tuple[Kind, date, bool], bool] = {}
        flags = []
        for period, start, metric in zip(
            *(periods[name].to_pylist() for name in ("period", "period_start", "metric")), strict=True
        ):
            key = (period, start, metric in FAILURE_METRICS)
            if key not in judged:
                judged[key] = is_settled(Period(period, start), metric, self.as_of, self.config.zone)
            flags.append(judged[key])
        wanted = periods.filter(pa.array(flags, pa.bool_()))
        known = table.filter(pc.or_(pc.is_valid(table["value"]), pc.greater(table["missing"], 0)))
        return known.join(wanted, ["period", "period_start", "metric"], join_type="inner").select(
            [*KEYS, "value", "unit", "numerator", "denominator", "missing"]
        )


def _compare(config: Config, old: dict[str, object], new: dict[str, object]) -> list[Restatement]:
    published_at = old["published_at"]
    if not isinstance(published_at, datetime):
        return []
    cause = _cause(config, old, new, published_at)
    scope = (str(old["scope"]), str(old["name"]))
    return restatements([old], [new], published_at, config.zone, {scope: cause})


def _cause(config: Config, old: dict[str, object], new: dict[str, object], since: datetime) -> str:
    """What is known to have changed: a person's correction, the rows, or only how they are judged."""
    mine = [
        each
        for each in config.corrections
        if each.on >= since.astimezone(config.zone).date()
        and (old["scope"] == "site" or each.deployment.startswith(f"{old['name']}/"))
    ]
    if mine and "fail" in str(old["metric"]):
        told = mine[-1]
        return f"{told.by} corrected {told.deployment}: {told.because}"
    of = "denominator" if old["denominator"] is not None else "numerator"
    if old[of] != new[of]:
        before, now = (words.number(float(str(row[of] or 0))) for row in (old, new))
        return f"late data: made from {now}, before from {before}"
    return "the same rows, judged otherwise: evidence came later, or a rule changed"


def _differs(rows: pa.Table, suffix: str) -> pa.ChunkedArray:
    """Whether value, numerator or denominator are others; the last bits of a sum are no difference."""
    unlike = pa.scalar(False)
    for part in ("value", "numerator", "denominator"):
        old, new = (rows[name].cast(pa.float64()) for name in (part, f"{part}{suffix}"))
        close = pc.less_equal(pc.abs(pc.subtract(old, new)), pc.multiply(pc.abs(new), 1e-9))
        both = pc.and_(pc.is_null(old), pc.is_null(new))
        unlike = pc.or_(unlike, pc.invert(pc.or_(both, pc.fill_null(close, False))))
    return unlike


def _columns(rows: pa.Table) -> pa.Table:
    return rows.select(list(COLUMNS))
