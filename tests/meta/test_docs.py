"""The documentation is kept true."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from grok2api import __version__
from grok2api.app import create_app
from grok2api.env import Env
from grok2api.web.services import KEY
from tests.gateway import ROOT
from tests.meta.readme_tables import READMES, with_tables


@pytest.mark.parametrize("language", READMES)
def test_the_tables_are_those_of_the_code(language: str) -> None:
    text = READMES[language].read_text("utf-8")
    assert with_tables(text, language) == text, "run: python -m tests.meta.readme_tables"


@pytest.mark.parametrize("language", READMES)
def test_every_variable_route_and_make_target_is_documented(language: str, tmp_path: Path) -> None:
    text = READMES[language].read_text("utf-8")
    source = (ROOT / "grok2api" / "env.py").read_text()
    variables = set(re.findall(r'"([A-Z][A-Z0-9_]+)"', source))
    assert len(variables) == len(fields(Env))
    app = create_app(Env(data_dir=tmp_path))
    app.extensions[KEY].store.close()
    routes = {
        re.sub(r"(resp_)?<(path:)?(name|path)>", "{id}", rule.rule).replace("<page>", "{page}")
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
    }
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in variables | routes | {f"make {target}" for target in targets - {"help"}}:
        assert f"`{name}`" in text, f"{name} is not in {READMES[language].name}"


#: Each text that is there in Chinese too, and its twin.
PAIRS = [
    (path.with_name(path.name.replace(".zh-CN.md", ".md")), path)
    for path in (READMES["zh"], *sorted((ROOT / "docs").glob("*.zh-CN.md")))
]
#: Pages of docs/ that are for developers, in English only.
ENGLISH_ONLY = {"architecture.md", "dependencies.md"}


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=lambda path: path.name)
def test_both_languages_have_the_same_form(english: Path, chinese: Path) -> None:
    def form(path: Path) -> list[str]:
        lines = path.read_text("utf-8").splitlines()
        return [re.match(r"#+|```\w*|\||", line)[0] for line in lines if re.match(r"#|```|\|", line)]  # type: ignore[index]

    assert form(english) == form(chinese)


def test_every_page_of_the_docs_is_there_in_chinese_but_the_developers() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert pages - {path.name for pair in PAIRS for path in pair} == ENGLISH_ONLY


@pytest.mark.parametrize(
    "path", [*(ROOT.glob("*.md")), *(ROOT / "docs").glob("*.md")], ids=lambda path: path.name
)
def test_links_lead_somewhere(path: Path) -> None:
    def anchors(page: Path) -> set[str]:
        titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}

    links = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", path.read_text("utf-8"))
    for place, anchor in links:
        target = path.parent / place if place else path
        assert target.exists(), place
        assert not anchor or anchor in anchors(target), f"{place}#{anchor}"


def test_every_path_in_the_architecture_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    paths = set(re.findall(r"`([\w./-]*[\w-]/[\w./-]*|[\w.-]+\.(?:py|toml|json|md|txt))`", text))
    paths -= {"models.toml", "upstream/"}  # in the data directory; in the drawing
    paths |= set(re.findall(r"\]\(([^)#:]+)\)", text))
    paths = {path for path in paths if not path.startswith("/")}  # those are routes
    assert len(paths) > 40
    docs = ROOT / "docs"
    assert [path for path in sorted(paths) if not ((ROOT / path).exists() or (docs / path).exists())] == []


def test_the_changelog_has_this_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
