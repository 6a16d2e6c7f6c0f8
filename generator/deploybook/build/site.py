"""What a site is built from: the settings for MkDocs, or whatever reads its `mkdocs.yml`, and their names."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from deploybook import __version__
from deploybook.config.init import MKDOCS_MARKER
from deploybook.errors import PublishError

_BUILDER = ("mkdocs", "mkdocs-material", "Markdown", "pymdown-extensions", "Pygments", "Jinja2", "MarkupSafe")
"""What has a say in how a page is rendered."""
_OURS = frozenset(
    {"docs_dir", "site_dir", "nav", "theme", "plugins", "hooks", "markdown_extensions", "INHERIT"}
)
"""Keys of a `mkdocs.yml` that Deploybook sets itself: the theme and the safety of the site depend on them."""


def site_folder(root: Path, settings: dict[str, Any], team: str | None = None) -> Path:
    """Where the site goes: `site_dir` of `mkdocs.yml`, else `site/`; a team's beside it, as `site-team/`."""
    whole = root / str(settings.get("site_dir") or "site")
    return whole if team is None else whole.with_name(f"{whole.name}-{team}")


def read_settings(file: Path) -> dict[str, Any]:
    """A site repository's own `mkdocs.yml`; empty where there is none, or one that we did not write.

    Raises:
        PublishError: It is not YAML, or not a mapping.
    """
    if not file.is_file():
        return {}
    try:
        content = file.read_text("utf-8")
        if not content.startswith(MKDOCS_MARKER):
            return {}
        settings = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PublishError(
            f"this file cannot be read: {error}", where=str(file), next_step="mend it, or delete it"
        ) from error
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise PublishError("this file must be a mapping of settings", where=str(file))
    return settings


def checks_anchors(settings: dict[str, Any]) -> bool:
    """Whether links to parts of pages that are not there are warned of: who looks has to see all pages."""
    validation = settings.get("validation")
    return isinstance(validation, dict) and validation.get("anchors") == "warn"


def mkdocs_config(
    theme: Path, own: dict[str, Any], *, name: str, url: str | None, docs: Path, site: Path,
    nav: list[Any], extra: dict[str, Any],
) -> str:  # fmt: skip
    """A build's `mkdocs.yml`: the theme's, what the site's own adds, and what this build knows."""
    settings: dict[str, Any] = yaml.safe_load((theme.parent / "mkdocs.base.yml").read_text("utf-8"))
    settings.update({key: value for key, value in own.items() if key not in _OURS})
    settings["theme"]["custom_dir"] = str(theme)
    settings["extra"] = {**settings.get("extra", {}), **extra}
    settings.update(site_name=name, docs_dir=str(docs), site_dir=str(site), nav=nav)
    if url:
        settings["site_url"] = url
    return yaml.safe_dump(settings, sort_keys=True, allow_unicode=True)


def theme_folders(theme: Path) -> tuple[Path, ...]:
    """Where the files of the theme come from: ours, and Material's."""
    material = importlib.util.find_spec("material")
    places = (material.submodule_search_locations or []) if material else []
    return (theme, *(Path(place) / "templates" for place in places))


def versions() -> tuple[str, ...]:
    """What renders pages: the builder with all that it brings, and our own part in it."""
    ours = [Path(__file__).with_name(name).read_text("utf-8") for name in ("share.py", "blocks.py")]
    return (platform.python_version(), *(f"{name} {version(name)}" for name in _BUILDER), *ours)


def fingerprint(folders: Sequence[Path], *texts: str) -> str:
    """What a built site depends on, as one word: names, sizes and times of files, and settings."""
    digest = hashlib.sha256(__version__.encode())
    for text in texts:
        digest.update(text.encode())
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            stat = path.stat()
            digest.update(f"{path.relative_to(folder)}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:32]
