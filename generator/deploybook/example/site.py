"""The example's `deploybook.yml`: one template, its dates and names filled in from the story."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from importlib.resources import files
from string import Template

from deploybook.example.cast import PEOPLE, PRODUCT_OWNER, SPECS, Spec
from deploybook.example.clock import Story


def configuration(story: Story, specs: tuple[Spec, ...], corrections: list[str], prefix: str = "") -> str:
    """The text of `deploybook.yml`.

    Args:
        story: Whose dates it has.
        specs: The codebases.
        corrections: Lines of the list `corrections:`.
        prefix: Put before the paths of repositories and records, as `build/example/`.
    """
    template = files("deploybook.example").joinpath("deploybook.yml.template").read_text(encoding="utf-8")
    text = Template(template).substitute(
        codebases="".join(_codebase(spec, prefix) for spec in specs),
        people="".join(
            _person(person.key) for person in sorted((*PEOPLE, PRODUCT_OWNER), key=lambda p: p.key)
        ),
        freezes="".join(
            f'    - {{from: {first}, to: {last}, because: "{why}"}}\n' for first, last, why in story.freezes()
        ),
        annotations="".join(_annotations(story, {spec.name for spec in specs})),
        corrections="".join(f"  - {line}\n" for line in corrections) or "  []\n",
        **{name: day.isoformat() for name, day in _dates(story).items()},
    )
    if len(specs) < len(SPECS):
        text = text.replace(", codebases: [checkout-api]", "").replace(", codebases: [shop-search]", "")
        text = text.replace(", codebases: [warehouse]", "")
    return text.replace("records: history/", f"records: {prefix}history/")


def corrected(doubted: list[tuple[str, datetime]]) -> list[str]:
    """Lines of `corrections:` for deployments whose mend no user needed."""
    return [
        f"{{deployment: {key}, failed: false, by: ana, on: {(when + timedelta(days=4)).date()}, "
        'because: "the fault was in a report of ours; no user met it"}'
        for key, when in doubted
    ]


def _dates(story: Story) -> dict[str, date]:
    last = story.monday(0)
    return {
        "pilot": story.pilot,
        "weekly": story.weekly,
        "daily": story.daily,
        "due_one_tap": last + timedelta(days=32),
        "due_passkeys": last + timedelta(days=74),
        "due_gift_cards": last + timedelta(days=18),
        "due_stock": last + timedelta(days=102),
        "swap_from": last + timedelta(days=14),
        "swap_to": last + timedelta(days=20),
        "old_swap_from": last - timedelta(days=28),
        "old_swap_to": last - timedelta(days=22),
        "goal": date(last.year, 12, 31),
    }


def _codebase(spec: Spec, prefix: str) -> str:
    lines = [f"  {spec.name}:", f"    repository: {prefix}repositories/{spec.repository}.git"]
    if spec.path:
        lines.append(f"    path: {spec.path}")
    lines += [
        "    release_branch: main",
        f"    team: {spec.team}",
        "    deployments: {from: records}",
        "    incidents: {from: records}",
        f'    also_known_as: ["pkg:oci/{spec.name}", svc-{spec.name}]',
    ]
    if spec.name != "warehouse":
        lines.append("    required: [ci]")
    return "\n".join(lines) + "\n"


def _person(key: str) -> str:
    chat = f", notify: [env:{key.upper()}_CHAT]" if key in {"ana", "bo", "eli", "femi", "noor"} else ""
    return f"  {key}: {{name: {key.capitalize()}, github: {key}-acme, email: {key}@acme.test{chat}}}\n"


def _annotations(story: Story, names: set[str]) -> list[str]:
    pilots = ", ".join(spec.name for spec in SPECS if spec.pilot and spec.name in names)
    daily = ", ".join(spec.name for spec in SPECS if "daily" in spec.cadence and spec.name in names)
    told = [
        (story.monday(90), "Programme begins: a release took a night and a war room", "", "quarterly"),
        (story.monday(66), "Pipeline builds every merge; tests run on every commit", "", ""),
        (story.pilot, "First weekly deploys: the till goes ahead", pilots, "weekly"),
        (story.weekly, "Everybody deploys weekly, on Thursdays", "", "weekly"),
        (story.monday(31), "Build keeper gets a day a week for the build", "", ""),
        (story.daily, "First daily deploys: search and the till's API", daily, "daily"),
        (story.monday(12), "Smoke tests can stop a promotion", "", ""),
        (story.monday(5), "The nine flakiest tests of the shop are mended or gone", "shop-web", ""),
    ]
    lines = []
    for day, text, codebases, cadence in told:
        if codebases and not set(codebases.split(", ")) <= names:
            continue
        scope = f", codebases: [{codebases}]" if codebases else ""
        rhythm = f", cadence: {cadence}" if cadence else ""
        lines.append(f'  - {{on: {day}, text: "{text}"{scope}{rhythm}}}\n')
    return lines
