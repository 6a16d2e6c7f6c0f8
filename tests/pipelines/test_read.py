"""Pipelines as files describe them, in cases that a person can check by eye."""

from __future__ import annotations

from deploybook.pipelines import Job, Pipeline, included, read

CI = """
name: ci
on:
  push: {branches: [main]}
  pull_request:
jobs:
  lint: {runs-on: x, steps: [{run: make lint}]}
  test: {runs-on: x, needs: lint, steps: [{run: make test}]}
"""
DELIVER = """
on: {workflow_dispatch: {inputs: {where: {type: choice, options: [staging, production]}}}}
jobs:
  build: {runs-on: x}
  ship:
    needs: build
    uses: ./.github/workflows/ship.yml
    strategy: {matrix: {region: [eu, us]}}
    with: {region: "prod-${{ matrix.region }}"}
  tell: {needs: [ship], runs-on: x}
"""
SHIP = """
on: workflow_call
jobs:
  push: {runs-on: x, environment: {name: "${{ inputs.region }}"}}
  smoke: {needs: push, runs-on: x, steps: [{name: Smoke tests}]}
"""
GITLAB = """
include:
  - local: /ci/deploy.yml
  - project: other/place
    file: x.yml
stages: [build, ship]
build: {stage: build, script: [make]}
.template: {stage: ship, script: [make deploy]}
"""
DEPLOY = """
staging: {extends: .template, environment: staging}
production:
  extends: .template
  needs: [staging]
  environment: {name: production}
  rules: [{if: $CI, when: manual}]
stop: {extends: .template, environment: {name: staging, action: stop}}
"""


def pipelines(**files: str) -> tuple[Pipeline, ...]:
    names = {"ci": ".github/workflows/ci.yml", "deliver": ".github/workflows/deliver.yml"}
    names |= {"ship": ".github/workflows/ship.yml", "gitlab": ".gitlab-ci.yml", "deploy": "ci/deploy.yml"}
    found = {names[name]: text.encode() for name, text in files.items()}
    return read(found, tuple(found))


def jobs(pipeline: Pipeline) -> dict[str, Job]:
    return {job.id: job for job in pipeline.jobs}


def test_a_workflow_says_when_it_runs_and_what_waits_for_what() -> None:
    (ci,) = pipelines(ci=CI)
    assert (ci.name, ci.triggers) == ("ci", ("on every push to main", "on every pull request"))
    assert [[job.id for job in layer] for layer in ci.layers] == [["lint"], ["test"]]


def test_a_used_workflow_stands_for_the_job_that_uses_it() -> None:
    (deliver,) = pipelines(deliver=DELIVER, ship=SHIP)
    assert deliver.by_hand
    assert deliver.files == (".github/workflows/ship.yml",)
    found = jobs(deliver)
    assert found["ship / push"].needs == ("build",)
    assert found["ship / smoke"].needs == ("ship / push",)
    assert found["tell"].needs == ("ship / smoke",)
    assert found["ship / smoke"].smoke
    assert deliver.environments == ("prod-eu", "prod-us")


def test_a_job_that_uses_a_file_elsewhere_says_so_and_where_it_deploys_to() -> None:
    text = DELIVER.replace("./.github/workflows/ship.yml", "acme/ci/.github/workflows/ship.yml@main")
    text = text.replace('region: "prod-${{ matrix.region }}"', 'environment: "${{ inputs.where }}"')
    (deliver,) = pipelines(deliver=text)
    assert jobs(deliver)["ship"].uses == "acme/ci/.github/workflows/ship.yml@main"
    assert deliver.environments == ("staging", "production")


def test_a_workflow_that_uses_itself_ends() -> None:
    (deliver,) = pipelines(deliver=DELIVER, ship=SHIP + "  again: {uses: ./.github/workflows/ship.yml}\n")
    assert len(deliver.jobs) < 20
    assert any("deeper" in aside for aside in deliver.aside)


def test_jobs_that_wait_in_a_circle_are_cut_where_it_closes() -> None:
    (ci,) = pipelines(ci="on: push\njobs: {a: {needs: b}, b: {needs: a}, c: {needs: c}}\n")
    assert sorted(job.id for layer in ci.layers for job in layer) == ["a", "b", "c"]


def test_gitlab_stages_includes_and_buttons() -> None:
    (found,) = pipelines(gitlab=GITLAB, deploy=DEPLOY)
    assert included({".gitlab-ci.yml": GITLAB.encode()}, ()) == {"ci/deploy.yml"}
    assert found.stages == ("build", "ship")
    assert found.aside == ("includes a file of another project, which is not in this repository",)
    by_id = jobs(found)
    assert by_id["staging"].needs == ("build",)
    assert by_id["production"].needs == ("staging",)
    assert by_id["production"].approval
    assert not by_id["staging"].approval
    assert found.environments == ("staging", "production")
    assert [[job.id for job in layer] for layer in found.layers] == [
        ["build"],
        ["staging", "stop"],
        ["production"],
    ]


def test_a_file_that_is_no_yaml_is_told_and_stops_nothing() -> None:
    broken, ci = sorted(pipelines(ci=CI, deliver="on: [\n"), key=lambda each: bool(each.jobs))
    assert broken.jobs == ()
    assert "deliver.yml could not be read" in broken.aside[0]
    assert ci.jobs


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (found,) = pipelines(ci="\n".join(lines))
    assert found.jobs == ()
    assert found.aside


LEGS = """
on: {workflow_run: {workflows: [ci]}, push: {branches: [main], tags: [v*], paths-ignore: [docs/**]}}
jobs:
  check:
    name: "${{ matrix.name }}"
    strategy: {matrix: {include: [{name: Lint}, {name: Unit tests}]}}
    continue-on-error: false
  spread:
    name: "test ${{ matrix.os }}"
    strategy: {matrix: {os: [linux, mac], include: [{os: linux, extra: 1}]}}
    continue-on-error: true
"""


def test_a_matrix_that_lists_its_legs_is_named_by_them_and_one_of_axes_by_its_axes() -> None:
    (ci,) = pipelines(ci=LEGS)
    check, spread = ci.jobs
    assert (check.name, check.matrix, check.blocks) == ("Lint, Unit tests", (), True)
    assert (spread.name, spread.matrix, spread.blocks) == ("test linux|mac", ("os",), False)


def test_what_narrows_a_trigger_is_said() -> None:
    (ci,) = pipelines(ci=LEGS)
    assert ci.triggers == (
        "after ci",
        "on every push to main or of tags v* that changes more than docs/**",
    )


NARROW = """
on:
  pull_request: {types: [opened, labeled]}
  pull_request_target: {types: [opened, synchronize, edited], branches: [main], paths: [model/**]}
  issues: {types: [labeled]}
  push: {branches-ignore: [wip/*]}
  workflow_run: {workflows: [CI, Lint], branches: [main]}
jobs: {a: {runs-on: x}}
"""


def test_kinds_of_events_and_the_branches_they_are_about_are_said() -> None:
    (ci,) = pipelines(ci=NARROW)
    assert ci.triggers == (
        "when a pull request is opened or labeled",
        "on every pull request to main that changes model/**, also when edited, by the file of its base",
        "when an issue is labeled",
        "on every push to branches other than wip/*",
        "after CI, Lint on main",
    )
    assert ci.follows == ("CI", "Lint")


def test_what_holds_for_the_job_that_uses_a_file_holds_for_the_jobs_in_it() -> None:
    text = DELIVER.replace("needs: build\n", "needs: build\n    if: github.repository == 'acme/shop'\n")
    used = SHIP.replace("push: {", 'push: {if: "${{ inputs.now || always() }}", ')
    (deliver,) = pipelines(deliver=text, ship=used)
    found = jobs(deliver)
    assert found["ship / push"].condition == "github.repository == 'acme/shop' && (inputs.now || always())"
    assert found["ship / smoke"].condition == "github.repository == 'acme/shop'"
    assert found["ship / push"].matrix == ("region",)
    assert not found["ship / push"].chosen  # each region in turn, which nobody chooses


def test_an_environment_that_is_chosen_is_one_of_them() -> None:
    text = """
on: {workflow_dispatch: {inputs: {where: {type: choice, options: [staging, production]}}}}
jobs:
  ship: {uses: ./.github/workflows/ship.yml, with: {region: "${{ inputs.where || 'staging' }}"}}
"""
    (deliver,) = pipelines(deliver=text, ship=SHIP)
    ship = jobs(deliver)["ship / push"]
    assert (ship.environments, ship.chosen, ship.fallback) == (("staging", "production"), True, "staging")


ELSEWHERE = """
include: [{project: other/place, file: x.yml}]
workflow: {rules: [{if: '$CI_PIPELINE_SOURCE == "merge_request_event"'}, {when: never}]}
stages: [build, ship]
build: {stage: build, script: [make], except: [tags]}
bundle: {extends: .theirs, when: manual, needs: [{project: other/place, job: build, ref: main}]}
ship: {stage: ship, script: [x], rules: [{when: manual}], parallel: {matrix: [{REGION: [eu, us]}]}}
child: {stage: ship, trigger: other/deploy, needs: []}
"""


def test_what_another_project_describes_is_not_guessed() -> None:
    (gitlab,) = pipelines(gitlab=ELSEWHERE)
    found = jobs(gitlab)
    assert gitlab.triggers == ("on every merge request",)
    assert found["build"].condition == "not tags"
    bundle = found["bundle"]
    assert (bundle.stage, bundle.uses, bundle.needs) == (None, ".theirs", ())
    assert (bundle.approval, bundle.blocks) == (True, False)
    assert (found["ship"].approval, found["ship"].blocks) == (True, True)
    assert (found["ship"].matrix, found["ship"].needs) == (("REGION",), ("build",))
    assert (found["child"].uses, found["child"].needs) == ("other/deploy", ())


BUTTONS = """
stages: [test]
own: {script: [x], rules: [{if: $A, when: manual, allow_failure: true}, {if: $B}, {if: $C}, {when: manual}]}
button: {script: [x], rules: [{when: manual, allow_failure: true}]}
never: {script: [x], rules: [{if: $A, when: never}, {if: $B, changes: [docs/**]}, {if: $C, when: never}]}
nightly: {script: [x], rules: [{if: '$CI_PIPELINE_SOURCE == "schedule"'}]}
"""


def test_rules_say_by_what_a_job_runs_alone_and_where_a_button_waits() -> None:
    (gitlab,) = pipelines(gitlab=BUTTONS)
    found = jobs(gitlab)
    own, button = found["own"], found["button"]
    assert (own.condition, own.approval, own.button, own.blocks) == ("$B or $C", False, True, True)
    assert (button.condition, button.approval, button.button, button.blocks) == (None, True, False, False)
    assert found["never"].condition == "$B and certain files changed"
    assert gitlab.triggers == ("on every push", "on a schedule")
