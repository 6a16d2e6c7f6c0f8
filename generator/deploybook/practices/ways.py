"""How each practice is met: what its answer is read from, what to do, and where to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploybook.practices.model import Check


@dataclass(frozen=True)
class Way:
    """How a practice is met.

    Attributes:
        reads: What its answer is read from; without it, it is not measured.
        how: What to do, in a sentence or two.
        write: Lines for `deploybook.yml` or `practices.yml`, where some are needed.
        page: The page of the site that shows what is behind it, below its root.
    """

    reads: str
    how: str
    write: str = ""
    page: str = ""


_FORGE = "changes of GitHub or GitLab, or change records; from git alone only what commit messages name"
_RUNS = "pipeline runs of the forge, Jenkins, CDEvents or records"
_TESTS = "test reports (JUnit) of the pipeline"
_SAID = "practices.yml: what a person says, with a name, a date, and when it has to be said again"
_REVIEWED = "the head of the page in docs/process"

_WEEKLY: Mapping[str, Way] = {
    "source.pull-requests": Way(
        _FORGE,
        (
            "Protect the release branch so that it takes pull requests only. Emergencies come "
            "that way too: a pull request that its author merges is quick."
        ),
        page="metrics/release-branch/",
    ),
    "source.reviewed": Way(
        _FORGE,
        (
            "Ask for one approval in the rules of the release branch. Small changes are read the "
            "same day; agree who reads first."
        ),
    ),
    "source.protected": Way(
        ("the branch's rules, as GitHub says them to a token that may read them, or branch_rule records"),
        (
            "In the forge's settings of the branch, ask for an approval and for the pipelines "
            "that must be green."
        ),
    ),
    "source.short-branches": Way(
        "first commits and merges, of the forge or of records",
        (
            "Cut the work so that a part can be merged within days. What is not to be seen yet "
            "goes behind a flag."
        ),
    ),
    "branch.deployable": Way(
        _RUNS,
        (
            "Take back what turned the branch red, at once and without asking whose it was, then "
            "look for the cause. Let a pull request run what the branch runs."
        ),
        page="metrics/release-branch/",
    ),
    "branch.break-first": Way(
        _RUNS,
        (
            "A red branch goes before all other work. Whoever keeps the build says in chat who "
            "mends it; after an hour the change is taken back."
        ),
        page="metrics/release-branch/",
    ),
    "branch.keeper": Way(
        "a rotation with keep, disturb, build, release or branch in its name",
        ("Let one person at a time be the one who is disturbed, for a week, and write down who is next."),
        write="rotations:\n  build-keeper: {members: [ana, bo], every: 1w, starts: 2026-01-05}",
        page="owners/#rotations",
    ),
    "test.coverage": Way(
        "coverage reports of the pipeline, or coverage records",
        "Write tests where changes are made, rather than for old code that nobody touches.",
        write='sources:\n  - coverage: {files: "reports/**/*.xml", codebase: shop}',
    ),
    "test.flaky": Way(
        _TESTS,
        (
            "The page names the worst. Mend one, or take it out and say so: a test that nobody "
            "believes tests nothing."
        ),
        page="metrics/flaky-tests/",
    ),
    "test.every-commit": Way(
        _RUNS,
        (
            "Run the pipeline on every push to the release branch, and do not cancel a run "
            "because a newer one began."
        ),
        page="process/pipelines/",
    ),
    "deploy.pipeline": Way(
        "runs of a pipeline, and deployments that name theirs",
        (
            "Put the steps that somebody types today into the pipeline, one after the other. "
            "Copy the file of a codebase that is built alike."
        ),
        page="process/pipelines/",
    ),
    "deploy.from-release-branch": Way(
        "deployed revisions, and the commits of the release branch",
        (
            "Merge first, then deploy what was merged: a hotfix too. What is not on the branch "
            "is lost at the next deployment."
        ),
        page="deployments/",
    ),
    "deploy.duration": Way(
        "deployments with a start and a finish",
        (
            "Look at the longest stage. What waits for a person is cut first; what builds again "
            "what was built is next."
        ),
        page="process/pipelines/",
    ),
    "deploy.production-defined": Way(
        "the configuration, and what was deployed last",
        "Name the environments in the order of promotion, and the team that owns the codebase.",
        write="process:\n  environments: [staging, production]\ncodebases:\n  shop: {team: checkout}",
        page="environments/",
    ),
    "deploy.weekly": Way(
        "deployments to users",
        (
            "Set a day, and deploy what is there, however little. A week in which nothing is "
            "ready says that changes are too large."
        ),
        page="shipped/",
    ),
    "observe.effect": Way(
        "links: of the configuration, and incidents of any source",
        "Give each deployment an address of the dashboard at its time, and read incidents.",
        write=(
            "links:\n  Monitoring: "
            '"https://monitoring.example/d?service={codebase}&from={from_ms}&to={to_ms}"'
        ),
    ),
    "talk.cut-off": Way(
        "the cut-off, and when changes were merged and went live",
        "Let what comes late wait for the next window. If that hurts, the windows are too far apart.",
        write='process:\n  cut_off: {weekday: wednesday, time: "12:00"}',
        page="process/",
    ),
    "talk.window": Way(
        "the window, and when deployments began",
        (
            "Deploy while people are awake to take it back. Hotfixes and rollbacks go at any "
            "hour and do not count."
        ),
        write='process:\n  window: {weekday: thursday, from: "10:00", to: "14:00"}',
        page="process/",
    ),
    "talk.decides": Way(
        "process.decides and its rotation",
        ("Let a rotation say who calls roll back or keep, so that nobody has to ask at the worst moment."),
        write="process:\n  decides: {rotation: build-keeper}",
        page="process/",
    ),
    "talk.news": Way(
        "notices that deploybook notify sent",
        "Give the team a target, and let deploybook notify run after each build.",
        write="teams:\n  checkout: {notify: [env:CHECKOUT_CHAT]}",
        page="shipped/",
    ),
    "talk.tracker": Way(
        _FORGE,
        (
            "Name the issue in the pull request: “Fixes #12”, or the key of the tracker. It "
            "tells readers why, and later you."
        ),
    ),
    "talk.chat": Way(
        "the configuration",
        "Name the room where owners and developers talk.",
        write='teams:\n  checkout: {chat: "#checkout"}',
        page="owners/",
    ),
    "know.process": Way(
        _REVIEWED,
        "Read the page on how you deploy once more, mend it, and say so at its head.",
        write="---\nreviewed: {on: 2026-11-20, by: ana}\n---",
        page="process/",
    ),
    "know.owner": Way(
        ("the configuration, CODEOWNERS and catalog-info.yaml; changes and deployments of the team's people"),
        "Name the team and whom to ask. Where all have moved on, find a new one.",
        write="codebases:\n  shop: {team: checkout}\nteams:\n  checkout: {members: [ana, bo], contact: ana}",
        page="owners/",
    ),
    "team.small": Way(
        "lines of each change, from git or the forge",
        "Cut the next large change in two: first what changes nothing, then what does.",
        page="metrics/outliers/",
    ),
    "team.buy-in": Way(
        _SAID,
        ("Ask the team whether they want this, and what they fear. Write down the answer, a no as well."),
        write=(
            "- {practice: team.buy-in, met: true, by: ana, on: 2026-11-20, renew: 2027-02-20, "
            "teams: [checkout]}"
        ),
    ),
    "team.planning": Way(
        _SAID,
        "Plan for as long as a window is apart: what is planned on Monday is out by Thursday.",
        write="- {practice: team.planning, met: true, by: ana, on: 2026-11-20, renew: 2027-02-20}",
    ),
    "team.demos": Way(
        _SAID,
        "Show each other for half an hour what went live this week. It stands in the calendar.",
        write="- {practice: team.demos, met: true, by: ana, on: 2026-11-20, renew: 2027-02-20}",
        page="process/",
    ),
    "team.build-time": Way(
        _SAID,
        "Keep a day a week for the build, written into the plan.",
        write="- {practice: team.build-time, met: true, by: ana, on: 2026-11-20, renew: 2027-02-20}",
    ),
    "manage.metrics": Way(
        "when each source was last read",
        "Build the site on a schedule: deploybook init writes one.",
        page="metrics/",
    ),
    "manage.goals": Way(
        "targets: of the configuration",
        "Set few, each with the day by which you want to be there.",
        write="targets:\n  deployment_frequency: {at_least: 1, per: week, by: 2026-12-31}",
        page="metrics/",
    ),
    "manage.uptime": Way(
        "a monitor (Upptime, Prometheus, records), or incidents that say whether users were cut off",
        "Let something outside ask every few minutes whether the service answers.",
        page="uptime/",
    ),
    "manage.bottleneck": Way(
        f"{_SAID}; checked against the flaky share and the breaks",
        (
            "Look which of flaky tests, breaks and the longest stage costs most, and write down "
            "who mends it and by when."
        ),
        write=(
            "- {practice: manage.bottleneck, met: true, by: eli, on: 2026-11-02, renew: "
            "2026-12-11, note: The nine worst tests}"
        ),
        page="metrics/flaky-tests/",
    ),
}

_DAILY: Mapping[str, Way] = {
    "deploy.daily": Way(
        "deployments to users, on working days that no freeze takes",
        (
            "Deploy what is there each day, however little. Begin with the codebase that is met "
            "on most of this ladder."
        ),
        page="shipped/",
    ),
    "deploy.automated": Way(
        "deployments that name their run, in every environment",
        (
            "Take the last step by hand out of the pipeline, and let every revision pass one "
            "environment before users."
        ),
        page="process/pipelines/",
    ),
    "deploy.revert": Way(
        "rollbacks with a start and a finish, or a drill in practices.yml",
        "Go back and forward once on a quiet day, with a watch. What took long is what to mend.",
        write=(
            "- {practice: deploy.revert, drill: revert, met: true, by: kim, on: 2026-10-22, "
            "codebases: [shop]}"
        ),
        page="process/",
    ),
    "deploy.gated": Way(
        "verdicts of deploybook gate, and smoke stages of pipeline runs",
        (
            "Let the pipeline ask the gate before users: it reads the reports of the smoke tests "
            "and refuses, or says that it has no proof."
        ),
        write="gate: {staging_for: 30m, smoke_younger_than: 24h}",
    ),
    "deploy.locks": Way(
        "the lock store, and verdicts of the gate",
        "Take a lock when something is wrong, and let the pipeline ask the gate, which keeps to it.",
        write='deploybook lock production --reason "payments are slow"',
    ),
    "measure.failure": Way(
        "incidents of any source; for flags, flag changes",
        "Read incidents, and name the flag of a change by a label.",
        write='flags:\n  one-tap: {label: "flag:one-tap", owner: ana}',
        page="metrics/",
    ),
    "measure.drill-down": Way(
        "addresses of deployments and incidents",
        "Let each record say its url: the run, the incident.",
        page="deployments/",
    ),
    "measure.outliers": Way(
        "changes and deployments that were unusual, annotations and corrections",
        "Write in a sentence why it took so long, so that nobody has to ask twice.",
        write=(
            'annotations:\n  - {on: 2026-10-12, text: "shop-web/1841 waited for the bank", '
            "codebases: [shop-web]}"
        ),
        page="metrics/outliers/",
    ),
    "observe.detect": Way(
        "incidents with a start and when they were noticed",
        ("Look at the dashboard for a while after each deployment; let alerts be about what users feel."),
        page="incidents/",
    ),
    "observe.notify": Way(
        "notify: of the team and of each member, and whether targets took what was sent",
        "Give each person a target of their own, so that whoever deployed hears of it first.",
        write="people:\n  ana: {notify: [env:ANA_CHAT]}",
    ),
    "team.self-serve": Way(
        "who wrote changes, and who started deployments",
        "Let the author press the button, next to somebody who has done it before.",
    ),
    "team.when-wrong": Way(
        _REVIEWED,
        ("Read the page on what to do when it goes wrong, best with somebody new, and say so at its head."),
        write="---\nreviewed: {on: 2026-11-20, by: ana}\n---",
        page="process/",
    ),
    "team.news": Way(
        _FORGE,
        (
            "Write a line for readers in the pull request: “Release note: …”. Customers' words, "
            "not the code's."
        ),
        page="shipped/",
    ),
    "team.small": Way(
        "changes of each deployment, and their lines",
        "Deploy after each merge: then a deployment is one change.",
        page="metrics/outliers/",
    ),
    "team.buy-in": Way(
        _SAID,
        "Let somebody of the team and somebody of product say so, each in a line of their own.",
        write=(
            "- {practice: team.buy-in, met: true, by: ana, on: 2026-11-20, renew: 2027-02-20, "
            "teams: [checkout]}\n- {practice: team.buy-in, met: true, by: dana, on: 2026-11-20, "
            "renew: 2027-02-20, teams: [checkout]}"
        ),
    ),
    "test.flaky": Way(
        _TESTS,
        "Go on with the worst until hardly any is left; let nobody add a new one.",
        page="metrics/flaky-tests/",
    ),
    "branch.deployable": Way(
        _RUNS,
        (
            "What would turn the branch red has to fail in the pull request. Merge through a "
            "queue where many merge at once."
        ),
        page="metrics/release-branch/",
    ),
}


def way_of(check: Check) -> Way:
    """How a practice is met."""
    return (_WEEKLY if check.stage == "weekly" else _DAILY)[check.id]
