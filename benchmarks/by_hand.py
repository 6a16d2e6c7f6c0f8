# ruff: noqa: E501 - SQL reads best in its own lines, and nothing in it is from outside
"""Every figure once more, in DuckDB's SQL as one would write it by hand from `definitions.md`.

Over tables with the columns of `deploybook.metrics.INPUTS`, and four small ones:
`whose` (sort, key, scope, name: a codebase is itself, its team and the site), `release` (codebase, branch),
`demanded` (codebase, pipeline: those that must be green) and `holidays` (day).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

PERIODS = "(values ('week'), ('month'), ('quarter')) p(period)"
ENDED = """(select *, coalesce(finished_at, started_at) as "at",
      (lower(outcome) <> 'success')::int as red from pipeline_runs
    where lower(outcome) in ('success', 'failure', 'error', 'timeout', 'timed_out', 'startup_failure')
      and coalesce(finished_at, started_at) is not null)"""
NEWS = "(select * from changes where original is null)"
CARRIED = f"(select distinct unnest(flags) as flag, codebase, environment, deployment as id from {NEWS} where len(flags) > 0 and deployment is not null)"
DEPLOYED = f"""select 'codebase' as sort, codebase as key, d.* from deployments d where counted
  union all by name select 'flag' as sort, flag as key, d.* from deployments d join {CARRIED} using (codebase, environment, id) where counted"""
DELIVERED = f"""select 'codebase' as sort, codebase as key, c.*, deployed_at as "at" from {NEWS} c where state <> 'undone'
  union all by name select 'flag' as sort, unnest(flags) as key, c.*, deployed_at as "at" from {NEWS} c where state <> 'undone' and len(flags) > 0"""
ACQUITTED = "(corrected is not null and not needed_intervention)"


def percentile(metric: str, value: str, share: float = 0.5, of: str = "true") -> str:
    """A percentile of what is known and not negative."""
    known = f"({of}) and {value} >= 0"
    found = f"quantile_cont({value}, {share}) filter (scope <> 'site' and {known})"
    return f"""{found} as "{metric} value",
      count(*) filter ({known}) as "{metric} denominator", count(*) filter (({of}) and not coalesce({known}, false)) as "{metric} missing" """


def rate(metric: str, of: str, among: str = "true", missing: str = "false") -> str:
    """A share of events."""
    return f"""count(*) filter (({of}) and ({among})) / nullif(count(*) filter ({among}), 0) as "{metric} value",
      count(*) filter (({of}) and ({among})) as "{metric} numerator", count(*) filter ({among}) as "{metric} denominator",
      count(*) filter ({missing}) as "{metric} missing" """


def ratio(metric: str, of: str, among: str, missing: str = "0") -> str:
    """A share of sums."""
    return f"""sum({of}) / nullif(sum({among}), 0) as "{metric} value", sum({of}) as "{metric} numerator",
      sum({among}) as "{metric} denominator", sum({missing}) as "{metric} missing" """


def queries(
    zone: str,
    as_of: datetime,
    live: Iterable[str] = ("production",),
    *,
    near_hours: float = 24,
    lead_time_limit: int | None = None,
    recovery_limit: int | None = None,
    repositories: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The SQL of each part of the metrics, by the names of `deploybook.metrics.compute.parts`.

    Args:
        zone: The site's time zone.
        as_of: The clock.
        live: Environments where users are.
        near_hours: How near an incident is to a switch.
        lead_time_limit: The target in seconds, if any.
        recovery_limit: Likewise.
        repositories: The repository of each codebase where one holds several: a change counts once together.
    """
    users = "(" + ", ".join(f"'{name.lower()}'" for name in live) + ")"
    now = f"timestamptz '{as_of.isoformat()}'"

    def start(period: str, at: str) -> str:
        return f"date_trunc({period}, timezone('{zone}', {at}))::date"

    def by_hand(rows: str, *columns: str, first: str = "", once: str = "") -> str:
        """Figures of events with `sort`, `key` and `at`; `once` says which rows of a scope are one event."""
        alone = (
            f'qualify row_number() over (partition by scope, name, period, {once} order by "at", codebase) = 1'
            if once
            else ""
        )
        return f"""
          with {first + "," if first else ""} events as ({rows}),
          placed as (
            select events.*, coalesce(s.scope, sort) as scope, coalesce(s.name, key) as name, p.period,
              {start("p.period", '"at"')} as period_start
            from events left join whose s using (sort, key) cross join {PERIODS}
            where "at" <= {now} {alone})
          select scope, name, period, period_start, {", ".join(columns)} from placed group by all"""

    def within(metric: str, value: str, limit: int | None) -> str:
        among = "false" if limit is None else f"{value} >= 0"
        return rate(
            f"{metric}_within_target", f"{value} <= {limit or 0}", among, f"{value} is null or {value} < 0"
        )

    on_branch = f"""(select r.codebase, r.id, r.attempt, r.pipeline, coalesce(r.job, '') as job, r."at", r.red, c.committed_at,
          coalesce(r.trigger, '') not in ('schedule', 'cron', 'workflow_dispatch', 'manual', 'web') as of_commit,
          d.pipeline is not null as strict
        from {ENDED} r left join release l using (codebase)
          left join (select distinct codebase, revision, committed_at from branch_commits) c using (codebase, revision)
          left join demanded d on d.codebase = r.codebase and d.pipeline = r.pipeline
        where r."at" <= {now} and coalesce(r.branch = l.branch, c.committed_at is not null)
          and coalesce(r.trigger, '') not in ('pull_request', 'pull_request_target', 'merge_request_event', 'merge_request')
          and (d.pipeline is not null or r.codebase not in (select codebase from demanded)))"""
    branch = f"""run as (select codebase, "at", strict, red, lag(red) over unit as before, lead("at") over unit as rest
        from {on_branch} window unit as (partition by codebase, pipeline, job order by "at", attempt, id)),
      marks as (select codebase, "at", (before is null)::int as known, red - coalesce(before, 0) as red from run
        union all select codebase, "at" + interval 30 day, -1, -red from run where rest is null and not strict)"""
    ends = f"""ends as (select period, period_start, max(day) as day from (
          select unnest(generate_series(date '2000-01-01', timezone('{zone}', {now})::date, interval 1 day))::date as day), {PERIODS},
          lateral (select date_trunc(period, day)::date as period_start) group by all)"""
    cuts = f"""cuts as (select timezone('{zone}', day::timestamp) as "at" from (
          select unnest(generate_series(date '2000-01-01', timezone('{zone}', {now})::date, interval 1 day))::date as day)
          where isodow(day) = 1 or day(day) = 1 union select {now})"""
    switched = f"""states as (select flag, lower(environment) as environment, changed_at as "at", (state not in ('off', '0', '0.0'))::int as live
        from flag_changes where lower(environment) in {users} and changed_at <= {now}),
      steps as (select flag, "at", live - coalesce(lag(live) over (partition by flag, environment order by "at", live), 0) as step from states),
      sums as (select flag, "at", sum(sum(step)) over (partition by flag order by "at") > 0 as live from steps group by flag, "at"),
      turns as (select * from sums qualify live <> coalesce(lag(live) over (partition by flag order by "at"), false)),
      switches as (select * from (select flag, live, "at" as on_at, lead("at") over (partition by flag order by "at") as off_at,
        lead("at", 2) over (partition by flag order by "at") as next_on_at from turns) where live)"""
    concerns = f"""concerns as (select distinct unnest(flags) as flag, codebase from {NEWS} where len(flags) > 0
        union select flag, unnest(codebases) as codebase from flag_changes where len(codebases) > 0)"""
    judged = f"""{switched}, {concerns},
      blamed as (select s.flag, on_at from switches s join incidents i using (flag)
          where i.started_at >= on_at and (next_on_at is null or i.started_at < next_on_at)
        union select s.flag, on_at from switches s join concerns using (flag) join incidents i using (codebase)
          where i.flag is null and coalesce(i.matched_by, '') <> 'said' and i.started_at >= on_at
            and floor(epoch(i.started_at))::bigint - floor(epoch(on_at))::bigint <= {near_hours * 3600}),
      judged as (select s.*, b.flag is not null or coalesce(floor(epoch(off_at))::bigint - floor(epoch(on_at))::bigint <= 86400, false) as failed
        from switches s left join blamed b using (flag, on_at))"""
    told = f"""(select distinct codebase, id, down, started_at, resolved_at, coalesce(resolved_at <= {now}, false) as closed from incidents
        where down is not null and codebase is not null and started_at <= {now} and (environment is null or lower(environment) in {users}))"""
    placed_changes = DELIVERED
    if repositories:
        pairs = ", ".join(f"('{name}', '{repository}')" for name, repository in repositories.items())
        placed_changes = f"select c.*, coalesce(r.repository, codebase) as repository from ({DELIVERED}) c left join (values {pairs}) r(codebase, repository) using (codebase)"
    failed = f"""select * replace (coalesce(recovered_at, "at") as "at") from ({DEPLOYED}) where reached and needed_intervention"""
    return {
        "deployments": by_hand(
            DEPLOYED,
            """count(*) filter (outcome = 'success') as "deployment_frequency value" """,
            """count(*) filter (outcome = 'success' and finished_at is null) as "deployment_frequency missing" """,
            percentile("deployment_duration_p50", "duration_seconds", of="outcome <> 'running'"),
            percentile("rollback_duration_p50", "rollback_seconds", of="kind = 'rollback'"),
            rate("change_fail_rate", "needed_intervention", "reached"),
            rate("change_fail_rate_said", f"list_contains(evidence, 'said') and not {ACQUITTED}", "reached"),
            rate("change_fail_rate_near", f"(needed_intervention or list_contains(evidence, 'near')) and not {ACQUITTED}", "reached"),
            rate("deployment_rework_rate", "kind <> 'planned'", "reached"),
            percentile("batch_changes_p50", "if(matched, changes, null)", of="outcome = 'success' and not baseline"),
        ),
        "deployment_days": f"""
          with days as (select distinct coalesce(s.scope, sort) as scope, coalesce(s.name, key) as name, timezone('{zone}', "at")::date as day
            from ({DEPLOYED}) left join whose s using (sort, key) where outcome = 'success' and "at" <= {now})
          select scope, name, period, date_trunc(period, day)::date as period_start, count(*) as "deployment_days value"
          from days, {PERIODS} where isodow(day) < 6 and day not in (select day from holidays) group by all""",
        "changes": by_hand(
            placed_changes,
            percentile("change_lead_time_p50", "lead_time_seconds"),
            percentile("change_lead_time_p90", "lead_time_seconds", 0.9),
            *(percentile(f"{stage}_time_p50", f"{stage}_seconds") for stage in ("coding", "pickup", "review", "waiting")),
            percentile("batch_lines_p50", "(additions + deletions)"),
            rate("reviewed_share", "approved", "approved is not null", "approved is null"),
            within("change_lead_time", "lead_time_seconds", lead_time_limit),
            once="repository, id" if repositories else "",
        ),
        "recoveries": by_hand(
            failed,
            percentile("failed_deployment_recovery_time_p50", "recovery_seconds"),
            percentile("failed_deployment_recovery_time_p90", "recovery_seconds", 0.9),
            within("failed_deployment_recovery", "recovery_seconds", recovery_limit),
        ),
        "restored": by_hand(
            """select 'codebase' as sort, codebase as key, *, coalesce(resolved_at, started_at) as "at" from incidents where codebase is not null
              union all select 'flag', flag, *, coalesce(resolved_at, started_at) from incidents where codebase is not null and flag is not null""",
            percentile("time_to_restore_p50", "time_to_restore_seconds"),
            once="id",
        ),
        "detected": by_hand(
            """select 'codebase' as sort, codebase as key, *, coalesce(detected_at, started_at) as "at" from incidents where codebase is not null and deployment is not null""",
            percentile("time_to_detect_p50", "time_to_detect_seconds"),
        ),
        "stopped": by_hand(
            f"""select 'codebase' as sort, codebase as key, min("at") as "at" from (
                select codebase, lower(deploys_to) as environment, coalesce(revision, 'run ' || id) as revision, "at" from {ENDED} r
                  where red = 1 and lower(deploys_to) in {users} and not exists (from deployments d
                    where d.codebase = r.codebase and d.pipeline_run = r.id and d.reached and d.outcome <> 'success')
                union all select codebase, lower(environment), revision, judged_at from verdicts
                  where verdict <> 'pass' and lower(environment) in {users} and codebase is not null)
              group by codebase, environment, revision""",
            'count(*) as "stopped_promotions value"',
        ),
        "flaky_runs": by_hand(
            f"""select 'codebase' as sort, codebase as key, min("at") as "at", bool_or(changed) as changed from (
                  select codebase, revision, pipeline, job, min("at") as "at", count(distinct red) > 1 as changed
                  from {ENDED} where "at" <= {now} and revision is not null group by all)
                group by codebase, revision, pipeline""",
            rate("flaky_run_share", "changed"),
        ),
        "green": by_hand(
            """select 'codebase' as sort, codebase as key, "at", floor(epoch(until))::bigint - floor(epoch("at"))::bigint as length, red from spans where known > 0 and until is not null""",
            ratio("green_time", "if(red > 0, 0, length)", "length"),
            first=f"""{branch}, {cuts},
              merged as (select codebase, "at", sum(known) as known, sum(red) as red from (
                select * from marks where "at" <= {now} union all
                select codebase, "at", 0, 0 from (select distinct codebase from marks), cuts) group by all),
              spans as (select codebase, "at", lead("at") over c as until, sum(known) over c as known, sum(red) over c as red
                from merged window c as (partition by codebase order by "at"))""",
        ),
        "breaks": by_hand(
            """select 'codebase' as sort, codebase as key, coalesce(ended, "at") as "at", floor(epoch(ended))::bigint - floor(epoch("at"))::bigint as seconds from ends where broken""",
            percentile("break_duration_p50", "seconds"),
            first=f"""{branch},
              merged as (select codebase, "at", sum(red) as red from marks where "at" <= {now} group by all),
              spans as (select codebase, "at", sum(red) over (partition by codebase order by "at") > 0 as broken from merged),
              turns as (select *, lag(broken) over (partition by codebase order by "at") as before from spans),
              ends as (select *, lead("at") over (partition by codebase order by "at") as ended from turns where broken <> coalesce(before, false))""",
        ),
        "tested": by_hand(
            """select 'codebase' as sort, codebase as key, committed_at as "at", coalesce(asked, 0) as asked, coalesce(found, 0) as found
              from branch_commits left join counts using (codebase, revision)""",
            rate("tested_commits", "found >= asked", "asked > 0", "asked = 0"),
            first=f"""ran as (select distinct codebase, revision, pipeline from {ENDED} where revision is not null and "at" <= {now}),
              spans as (select codebase, pipeline, min(coalesce(committed_at, "at")) as since, max("at") + interval 30 day as until
                from {on_branch} where of_commit and not strict group by all),
              expected as (select codebase, revision, pipeline from branch_commits join spans using (codebase) where since <= committed_at and committed_at < until
                union all select codebase, revision, pipeline from branch_commits join demanded using (codebase)),
              counts as (select codebase, revision, count(*) as asked, count(ran.pipeline) as found
                from expected left join ran using (codebase, revision, pipeline) group by all)""",
        ),
        "flaky": f"""
          with cases as (select t.codebase, t.suite, t.name, t.revision, t.job, t.outcome, coalesce(t.started_at, r.finished_at) as "at"
              from test_case_runs t left join (select codebase, id, min(finished_at) as finished_at from pipeline_runs
                where (codebase, id) in (select (codebase, run) from test_case_runs where started_at is null) group by all) r
                on t.started_at is null and r.codebase = t.codebase and r.id = t.run
              where t.outcome <> 'skip' and coalesce(t.started_at, r.finished_at) <= {now}),
          flakes as (select codebase, suite, name, greatest(min("at") filter (outcome = 'pass'), min("at") filter (outcome <> 'pass')) as "at"
            from cases where revision is not null group by codebase, suite, name, revision, job
            having bool_or(outcome = 'pass') and bool_or(outcome <> 'pass')),
          told as (select codebase, suite, name, "at", true as ran from cases union all select codebase, suite, name, "at", false from flakes),
          days as (select distinct codebase, suite, name, ran, timezone('{zone}', "at")::date as day from told),
          spans as (select *, least(day + 30, coalesce(lead(day) over (partition by codebase, suite, name, ran order by day), day + 30)) as rest from days),
          steps as (select codebase, ran, day, count(*) as step from spans group by all union all select codebase, ran, rest, -count(*) from spans group by all),
          scoped as (select s.scope, s.name, ran, day, step from steps join whose s on sort = 'codebase' and key = codebase), {ends},
          marks as (select scope, name, ran, day, 0 as step from (select scope, name, min(day) as since from scoped group by all) f, (values (true), (false)) r(ran), (select distinct day from ends) e where day >= since),
          daily as (select scope, name, day, sum(step) filter (ran) as ran, sum(step) filter (not ran) as flaky from (from scoped union all from marks) group by all),
          running as (select scope, name, day, sum(ran) over run as ran, sum(flaky) over run as flaky from daily window run as (partition by scope, name order by day))
          select scope, name, period, period_start, flaky as "flaky_share numerator", ran as "flaky_share denominator" from running join ends using (day)""",
        "coverage": f"""
          with reports as (select r.codebase, measured_at, covered, total, if(coalesce(unit, 'lines') = 'lines', 0, 1) as by_line,
              c.revision is not null as here, period, {start("period", "measured_at")} as period_start
            from coverage r left join (select distinct codebase, revision from branch_commits) c using (codebase, revision), {PERIODS}
            where measured_at <= {now}),
          newest as (select * from reports qualify row_number() over (partition by codebase, period, period_start
            order by here desc, by_line, measured_at desc, total desc, covered desc) = 1)
          select s.scope, s.name, period, period_start, sum(if(here, covered, 0)) as "coverage numerator", sum(if(here, total, 0)) as "coverage denominator",
            count(*) filter (not here) as "coverage missing" from newest join whose s on sort = 'codebase' and key = codebase group by all""",
        "uptime": by_hand(
            """select 'codebase' as sort, codebase as key, "at", floor(epoch(until))::bigint - floor(epoch("at"))::bigint as length,
                coalesce(monitored, false) as monitored, watched > 0 as seen, seen_down > 0 as seen_down, told > 0 as told, told_down > 0 as told_down,
                in_doubt > 0 and told_down = 0 as doubt
              from spans left join (select distinct codebase, true as monitored from availability) using (codebase)
              where until is not null and (told > 0 or (coalesce(monitored, false) and watched > 0))""",
            ratio("uptime", "case when monitored then if(seen and not seen_down, length, 0) else if(told and not doubt and not told_down, length, 0) end",
                  "case when monitored then if(seen, length, 0) else if(told and not doubt, length, 0) end",
                  "if(not monitored and told and doubt, length, 0)"),
            ratio("uptime_incidents", "if(told and not doubt and not told_down, length, 0)", "if(told and not doubt, length, 0)", "if(told and doubt, length, 0)"),
            first=f"""told as (from {told}), {cuts},
              steps as (
                select codebase, min("from") as "at", 1 as watched, 0 as seen_down, 0 as told, 0 as told_down, 0 as in_doubt from availability group by codebase
                union all select codebase, "from", 0, 1, 0, 0, 0 from availability where state = 'down' and "from" < "to"
                union all select codebase, "to", 0, -1, 0, 0, 0 from availability where state = 'down' and "from" < "to"
                union all select codebase, min(started_at), 0, 0, 1, 0, 0 from told group by codebase
                union all select codebase, started_at, 0, 0, 0, 1, 0 from told where down
                union all select codebase, if(closed, resolved_at, started_at + interval 30 day), 0, 0, 0, -1, 0 from told where down
                union all select codebase, started_at + interval 30 day, 0, 0, 0, 0, 1 from told where down and not closed),
              merged as (select codebase, "at", sum(watched) as watched, sum(seen_down) as seen_down, sum(told) as told, sum(told_down) as told_down, sum(in_doubt) as in_doubt
                from (select * from steps where "at" <= {now} union all
                  select codebase, cuts."at", 0, 0, 0, 0, 0 from (select distinct codebase from steps where "at" <= {now}), cuts) group by all),
              spans as (select codebase, "at", lead("at") over c as until, sum(watched) over c as watched, sum(seen_down) over c as seen_down,
                sum(told) over c as told, sum(told_down) over c as told_down, sum(in_doubt) over c as in_doubt
                from merged window c as (partition by codebase order by "at"))""",
        ),
        "switches": by_hand(
            """select 'flag' as sort, flag as key, on_at as "at", failed from judged""",
            rate("flag_switch_fail_rate", "failed"),
            first=judged,
        ),
        "switch_recoveries": by_hand(
            """select 'flag' as sort, flag as key, coalesce(off_at, on_at) as "at", floor(epoch(off_at))::bigint - floor(epoch(on_at))::bigint as length from judged where failed""",
            percentile("flag_recovery_time_p50", "length"),
            first=judged,
        ),
        "time_to_on": by_hand(
            """select 'flag' as sort, flag as key, coalesce(first_on, deployed_at) as "at", floor(epoch(first_on))::bigint - floor(epoch(deployed_at))::bigint as length from lit""",
            percentile("flag_time_to_on_p50", "length"),
            first=f"""{switched},
              behind as (select unnest(flags) as flag, codebase, id, deployed_at from {NEWS} where state <> 'undone' and deployed_at <= {now} and len(flags) > 0),
              lit as (select b.*, min(greatest(on_at, deployed_at)) filter (on_at is not null) as first_on from behind b
                left join switches s on s.flag = b.flag and (off_at is null or off_at > deployed_at) group by all)""",
        ),
        "without": by_hand(
            f"""select 'flag' as sort, c.flag as key, d.* from deployments d join concerns c using (codebase)
              where counted and not exists (from {CARRIED} x where x.flag = c.flag and x.codebase = d.codebase and x.environment = d.environment and x.id = d.id)""",
            rate("change_fail_rate_without", "needed_intervention", "reached"),
            first=concerns,
        ),
    }  # fmt: skip
