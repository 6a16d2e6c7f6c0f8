"""Reading deploybook.yml: what is right loads, what is wrong is all said at once, with its line."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploybook.config import Config, find, load
from deploybook.config.models import GitopsDeployments, RecordDeployments, TagDeployments, WorkflowDeployments
from deploybook.errors import EXIT_USAGE, ConfigError, Problem

FULL = Path(__file__).with_name("full.yml")


def loaded(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "deploybook.yml"
    file.write_text(text, "utf-8")
    return load(file)


def problems(tmp_path: Path, text: str | bytes) -> list[Problem]:
    file = tmp_path / "deploybook.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert caught.value.exit_code == EXIT_USAGE
    return caught.value.problems


def only(tmp_path: Path, text: str | bytes) -> Problem:
    found = problems(tmp_path, text)
    assert len(found) == 1, found
    return found[0]


def line(problem: Problem) -> int:
    return int(problem.where.rpartition(":")[2])


def test_a_file_with_codebases_alone_has_a_default_for_everything_else(tmp_path: Path) -> None:
    config = loaded(tmp_path, "codebases:\n  shop: {repository: ../shop}\n  ledger:\n")
    assert isinstance(config.codebases["shop"].deployments, TagDeployments)
    assert isinstance(config.codebases["ledger"].deployments, RecordDeployments)
    assert config.environments == (("production",),)
    assert config.live == ("production",)
    assert config.site.timezone == "UTC"
    assert config.history == "duckdb://build/history.duckdb"
    assert (config.counting.near_hours, config.counting.mended_hours, config.counting.undone_days) == (
        24,
        72,
        30,
    )
    assert config.gate.staging_for == timedelta(minutes=30)
    assert config.root == tmp_path
    assert config.build_dir == tmp_path / "build"
    assert config.file == tmp_path / "deploybook.yml"


def test_everything_that_may_stand_in_the_file_loads() -> None:
    config = load(FULL)
    ferry, timetable = config.codebases["ferry-web"].deployments, config.codebases["timetable"].deployments
    assert isinstance(ferry, WorkflowDeployments)
    assert (ferry.workflow, ferry.environment) == ("ship.yml", "Prod-East")
    assert isinstance(timetable, GitopsDeployments)
    assert (timetable.file, timetable.key, timetable.app) == (
        "tags/{environment}/{codebase}",
        "image_tag",
        "times",
    )
    assert config.codebases["timetable"].path == "services/timetable"
    assert config.environments == (("integration",), ("prod-east", "prod-west"))
    process = config.process
    assert process.cut_off is not None
    assert (process.cut_off.weekday, process.cut_off.time) == ((0, 2), time(12))
    assert process.window is not None
    assert (process.window.weekday, process.window.to) == ((0, 1, 2, 3, 4), time(14, 30))
    assert process.before[0].window is not None
    assert process.before[0].window.from_ == time(22)
    assert process.freezes[0].to == date(2027, 1, 3)
    assert config.rotations["watch"].every == "2w"
    assert config.targets["change_lead_time_p50"].at_most == 60 * 3600
    assert config.gate.smoke_younger_than is None
    assert [source.kind for source in config.sources] == ["github", "records", "cdevents", "junit"]
    assert config.sources[2].options == ["a/*.jsonl", "b/*.jsonl"]
    assert config.annotations[0].on == date(2026, 3, 2)


def test_every_problem_is_said_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (
        "site: {timezone: Mars}\ncodebase: {}\ncodebases:\n  shop:\n    team: chekout\nteams: {checkout: }\n"
    )
    assert [(line(each), each.key) for each in problems(tmp_path, text)] == [
        (1, "site.timezone"), (2, "codebase"), (5, "codebases.shop.team"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "where", "key", "found", "suggestion"),
    [
        ("codebases: {}\nteam: {}\n", 2, "team", "the unknown key 'team'", "did you mean 'teams'?"),
        (
            "site:\n  timezon: UTC\n",
            2, "site.timezon", "the unknown key 'timezon'", "did you mean 'timezone'?",
        ),
        (
            "site:\n  timezone: Europe/Berln\n",
            2, "site.timezone", "'Europe/Berln'", "did you mean 'Europe/Berlin'?",
        ),
        (
            "codebases:\n  shop:\n    deployments: {from: gitop}\n", 3,
            "codebases.shop.deployments.from", "'gitop'", "did you mean 'gitops'?",
        ),
        (
            "codebases:\n  shop:\n    deployments:\n      from: tags\n      patern: v*\n", 5,
            "codebases.shop.deployments.patern", "the unknown key 'patern'", "did you mean 'pattern'?",
        ),
        (
            "codebases:\n  shop:\n    incidents: {from: githb}\n", 3,
            "codebases.shop.incidents.from", "'githb'", "did you mean 'github'?",
        ),
        (
            "teams: {checkout: {}}\ncodebases:\n  shop:\n    team: chekout\n", 4,
            "codebases.shop.team", "'chekout'", "did you mean 'checkout'?",
        ),
        (
            "people: {ana: {}}\nteams:\n  checkout:\n    members:\n    - ana\n    - anna\n", 6,
            "teams.checkout.members[1]", "'anna'", "did you mean 'ana'?",
        ),
        (
            "codebases: {shop: }\nareas:\n  Buying: {codebases: [shopp]}\n", 3,
            "areas.Buying.codebases[0]", "'shopp'", "did you mean 'shop'?",
        ),
        (
            "codebases: {shop: }\nannotations:\n- on: 2026-01-01\n  text: x\n  codebases: shp\n", 5,
            "annotations[0].codebases", "'shp'", "did you mean 'shop'?",
        ),
        (
            "people: {ana: }\ncorrections:\n"
            "- {deployment: shp/1, failed: no, by: ana, on: 2026-01-01, because: x}\n"
            "codebases: {shop: }\n", 3, "corrections[0].deployment", "'shp'", "did you mean 'shop'?",
        ),
        (
            "rotations: {watch: {members: [ana], starts: 2026-01-05}}\npeople: {ana: }\n"
            "process:\n  decides: {rotation: wacht}\n", 4,
            "process.decides.rotation", "'wacht'", "did you mean 'watch'?",
        ),
        (
            "targets:\n  deployment_freqency: {at_least: 1}\n", 2,
            "targets.deployment_freqency", "the unknown metric 'deployment_freqency'",
            "did you mean 'deployment_frequency'?",
        ),
        (
            "sources:\n- records: a\n- recrds: b\n",
            3, "sources[1].recrds", "the unknown source 'recrds'", "did you mean 'records'?",
        ),
        (
            "process: {environments: [staging, production]}\ncodebases:\n  shop:\n"
            "    deployments: {from: tags, environment: stagin}\n", 4,
            "codebases.shop.deployments.environment", "'stagin'", "did you mean 'staging'?",
        ),
    ],
)  # fmt: skip
def test_a_near_miss_is_answered_with_what_was_meant(
    tmp_path: Path, text: str, where: int, key: str, found: str, suggestion: str
) -> None:
    problem = only(tmp_path, text)
    assert (line(problem), problem.key, problem.found, problem.suggestion) == (where, key, found, suggestion)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("codebases: {Shop: }", "codebases.Shop", "lower-case word"),
        ("codebases: {../x: }", "codebases.../x", "lower-case word"),
        ("codebases: {outliers: }", "codebases.outliers", "path of the site"),
        ("teams: {flags: }", "teams.flags", "path of the site"),
        ("flags: {how-we-count: }", "flags.how-we-count", "path of the site"),
        ("people: {Ana B: }", "people.Ana B", "lower-case word"),
        ("codebases: [shop]", "codebases", "a mapping"),
        ("site: {name: 7}", "site.name", "a text"),
        ("site: {public: perhaps}", "site.public", "true or false"),
        ("site: {url: deploys.test}", "site.url", "https://"),
        (
            "codebases: {shop: {repository: --upload-pack=x}}",
            "codebases.shop.repository", "a path to a clone",
        ),
        ('codebases: {shop: {repository: "ext::sh -c x"}}', "codebases.shop.repository", "a path to a clone"),
        ("codebases: {shop: {path: ../other}}", "codebases.shop.path", "inside the repository"),
        ('codebases: {shop: {links: {D: "javascript:alert(1)"}}}', "codebases.shop.links.D", "https://"),
        ('links: {D: "https://x.test/{from_millis}"}', "links.D", "from_ms"),
        ("codebases: {shop: {deployments: {environment: x}}}", "codebases.shop.deployments.from", "gitops"),
        (
            "codebases: {shop: {deployments: {from: workflow}}}",
            "codebases.shop.deployments.workflow", "a value",
        ),
        (
            "codebases: {shop: {deployments: {from: gitops, repository: ../x}}}",
            "codebases.shop.deployments", "`message`",
        ),
        ("process: {cut_off: {weekday: wensday, time: '12:00'}}", "process.cut_off.weekday", "monday"),
        ("process: {cut_off: {weekday: monday, time: '25:00'}}", "process.cut_off.time", "time of day"),
        ("process: {window: {weekday: monday, from: '10:00', to: '10:00'}}", "process.window", "`to`"),
        ("process: {freezes: [{from: 2026-02-01, to: 2026-01-01}]}", "process.freezes[0]", "`to`"),
        ("process: {freezes: [{from: 2026-02-30, to: 2026-03-01}]}", "process.freezes[0].from", "a date"),
        ("process: {holidays: XX}", "process.holidays", "holidays are known"),
        ("process: {holidays: Germany}", "process.holidays", "country code"),
        ("process: {environments: []}", "process.environments", "at least one"),
        ("process: {environments: [a, A]}", "process.environments[1]", "each environment once"),
        ("process: {environments: [{a: [b], c: [d]}]}", "process.environments[0]", "an environment"),
        ("gate: {staging_for: soon}", "gate.staging_for", "a duration"),
        ("counting: {near_hours: 0}", "counting.near_hours", "greater than 0"),
        ("targets: {uptime: {at_least: 1, at_most: 2}}", "targets.uptime", "either"),
        ("locks: {prefix: heads}", "locks.prefix", "refs/"),
        ("sources: [{a: 1, records: x}]", "sources[0]", "one source"),
        ("sources: [{records: 7}]", "sources[0]", "one source"),
        ("history: 7", "history", "a text"),
        ("history: somewhere", "history", "duckdb://"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_what_was_expected(
    tmp_path: Path, text: str, key: str, expected: str
) -> None:
    found = {problem.key: problem for problem in problems(tmp_path, text)}
    assert expected in found[key].expected
    assert line(found[key]) == 1


def test_a_team_and_a_rotation_cannot_share_a_calendar(tmp_path: Path) -> None:
    text = "people: {ana: }\nteams: {ops: }\nrotations:\n  ops: {members: [ana], starts: 2026-01-05}\n"
    assert line(only(tmp_path, text)) == 4


def test_two_codebases_cannot_be_known_by_one_name(tmp_path: Path) -> None:
    text = "codebases:\n  shop: {also_known_as: svc}\n  till:\n    also_known_as: [x, SVC]\n"
    problem = only(tmp_path, text)
    assert (line(problem), problem.key) == (4, "codebases.till.also_known_as[1]")
    assert "'shop'" in problem.expected


def test_a_comma_that_cuts_a_text_in_two_is_explained(tmp_path: Path) -> None:
    problem = only(tmp_path, "initiatives: {Queues: {about: shorter, for all}}\n")
    assert (problem.key, problem.suggestion) == (
        "initiatives.Queues.for all",
        "a text with a comma in it needs quotes",
    )


def test_thousands_of_wrong_names_are_told_in_seconds_and_the_first_are_helped(tmp_path: Path) -> None:
    people = "".join(f"  person-{number}: {{}}\n" for number in range(2000))
    members = "".join(f"    - persn-{number}\n" for number in range(1000))
    found = problems(tmp_path, f"teams:\n  all:\n    members:\n{members}people:\n{people}")
    assert len(found) == 1000
    assert found[0].suggestion == "did you mean 'person-0'?"
    assert found[-1].suggestion == "add 'persn-999' under `people`"


def test_a_misspelt_section_is_one_problem_and_not_one_for_each_name_in_it(tmp_path: Path) -> None:
    problem = only(tmp_path, "codebases: {shop: {team: checkout}}\nteam: {checkout: }\n")
    assert problem.key == "team"


@pytest.mark.parametrize(
    "text",
    [
        "sources: [{github: {token: s3cr3tvalue}}]",
        "sources: [{github: {token: ghp_s3cr3tvalue0123456789}}]",
        "sources: [{pagerduty: {api_key: s3cr3tvalue}}]",
        "sources: [{github: {app: [{private_key: s3cr3tvalue}]}}]",
        "teams: {a: {notify: ['https://hooks.slack.com/services/T0/B0/s3cr3tvalue']}}",
        "teams: {a: {notify: s3cr3tvalue}}",
        "people: {ana: {notify: [s3cr3tvalue]}}",
        "history: 'postgres://deploys:s3cr3tvalue@db/deploys'",
        "codebases: {shop: {repository: 'https://s3cr3tvalue@github.com/acme/shop'}}",
        "codebases: {shop: {ghp_s3cr3tvalue: 1}}",
        "site: {name: ghp_s3cr3tvalue, nme: ghp_s3cr3tvalue}",
        "tokn: ghp_s3cr3tvalue",
        "site: {public: ghp_s3cr3tvalue}",
        "codebases: {shop: {team: ghp_s3cr3tvalue}}",
        "sources: [{github: {token: *s3cr3tvalue}}]",
        "sources: [{github: {token: 's3cr3tvalue}}]",
    ],
)
def test_a_secret_in_the_file_is_refused_and_never_printed(tmp_path: Path, text: str) -> None:
    file = tmp_path / "deploybook.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert "s3cr3tvalue" not in str(caught.value)
    assert "s3cr3tvalue" not in repr(caught.value.problems)


def test_where_a_secret_is_due_the_answer_is_to_write_env(tmp_path: Path) -> None:
    for text in ("sources: [{github: {token: hunter2}}]", "teams: {a: {notify: hunter2}}"):
        assert "write env:NAME" in only(tmp_path, text).suggestion


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        (b"", 1, "nothing"),
        (b"# only a comment\n", 1, "nothing"),
        (b"- shop\n- till\n", 1, "no mapping"),
        (b"shop\n", 1, "no mapping"),
        (b"site: {}\ncodebases: \xff\n", 2, "byte 0xff"),
        (b"site: {}\ncodebases:\n\t- x\n", 3, "tab"),
        (b"site: {}\n\ncodebases: a: b\n", 3, "second `:`"),
        (b"site: {name: 'x\n", 2, "end of stream"),
        (b"site: {}\nsite: {}\n", 2, "first on line 1"),
        (b"codebases:\n  shop: {}\n  till: {}\n  shop: {}\n", 4, "first on line 2"),
        (b"site: {}\n---\nsite: {}\n", 2, "second document"),
        (b"site: !!python/object/apply:os.system [x]\n", 1, "a tag"),
        (b"? [a]\n: b\n", 1, "as a key"),
        (b"site: *nowhere\n", 1, "without its &"),
        (b"site: &a {name: *a}\n", 1, "without its &"),
        (b"site: " + b"[" * 200_000, 1, "too deep"),
        (b"site: \x00\n", 1, "does not allow"),
        (b"#" * 5_000_000, 1, "5,000,000 bytes"),
    ],
)
def test_a_file_that_is_no_such_yaml_is_a_problem_with_its_line(
    tmp_path: Path, text: bytes, where: int, says: str
) -> None:
    found = problems(tmp_path, text)
    assert any(says in each.found and line(each) == where for each in found), found


def test_aliases_that_grow_without_end_are_stopped(tmp_path: Path) -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    assert "200,000 values" in problems(tmp_path, text)[-1].found


def test_an_alias_and_a_merge_key_say_what_they_stand_for(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "codebases:\n  a: &a {also_known_as: [x], release_branch: main}\n"
        "  b: {<<: *a, also_known_as: [y]}\n  c: {also_known_as: [z], <<: *a}\n",
    )
    assert [(each.also_known_as, each.release_branch) for each in config.codebases.values()] == [
        (("x",), "main"), (("y",), "main"), (("z",), "main"),
    ]  # fmt: skip


def test_words_that_older_yaml_turns_into_something_else_stay_words(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "process: {holidays: NO, cut_off: {weekday: monday, time: 12:30}}\n"
        "annotations: [{on: 2026-01-05, text: on}]\ncodebases: {'1.10': {}, 2.50: {}}\n",
    )
    assert config.process.holidays == "NO"
    assert config.process.cut_off is not None
    assert config.process.cut_off.time == time(12, 30)
    assert config.annotations[0].text == "on"
    assert list(config.codebases) == ["1.10", "2.50"]


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "deploybook.yml")
    assert "deploybook init" in str(caught.value)


def test_a_folder_in_place_of_the_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "deploybook.yml").mkdir()
    with pytest.raises(ConfigError):
        load(tmp_path / "deploybook.yml")


def test_the_file_is_found_from_a_folder_below_but_not_from_a_clone_below(tmp_path: Path) -> None:
    (tmp_path / "deploybook.yml").write_text("codebases: {}\n")
    deep = tmp_path / "docs" / "process"
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    deep.mkdir(parents=True)
    assert find(deep) == tmp_path / "deploybook.yml"
    assert find(tmp_path / "clone") is None


_WORDS = st.sampled_from(
    [
        "site",
        "codebases",
        "teams",
        "people",
        "process",
        "environments",
        "sources",
        "deployments",
        "from",
        "tags",
        "gitops",
        "weekday",
        "time",
        "shop",
        "ana",
        "records",
        "env:X",
        "12:00",
        "2026-01-01",
        "true",
        "null",
        "7",
        "-1.5",
        "&a",
        "*a",
        "<<",
        "~",
    ]
)
_VALUES = st.recursive(
    _WORDS, lambda inner: st.lists(inner, max_size=3).map(lambda each: "[" + ", ".join(each) + "]")
    | st.lists(st.tuples(_WORDS, inner), max_size=3).map(
        lambda each: "{" + ", ".join(f"{key}: {value}" for key, value in each) + "}"
    ), max_leaves=12,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.lists(st.tuples(_WORDS, _VALUES), max_size=5).map(
            lambda each: "\n".join(f"{key}: {value}" for key, value in each).encode()
        ),
    )
)
def test_any_file_at_all_loads_or_is_refused_with_problems(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("junk") / "deploybook.yml"
    file.write_bytes(data)
    try:
        load(file)
    except ConfigError as error:
        said = error.problems
    else:
        return
    assert said
    assert all(each.where.startswith(str(file)) and "\n" not in each.found for each in said)
