"""The console's texts: both languages have the same ones, each is used, and each that the code asks for is there."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from grok2api.accounts import AddReport, Status
from grok2api.media import Kind
from grok2api.services.advice import Urgency
from grok2api.services.usage import PERIODS
from grok2api.settings import GROUPS, SETTINGS
from grok2api.web.admin.token_fields import TOKEN_TYPES
from grok2api.web.i18n import LANGUAGES
from grok2api.web.pages import PAGES, THEMES
from tests.gateway import ROOT

TEXTS: dict[str, dict[str, str]] = {
    tag: json.loads((ROOT / "static" / "i18n" / f"{tag}.json").read_text("utf-8")) for tag in LANGUAGES
}
ENGLISH = TEXTS["en"]
TEMPLATES = sorted((ROOT / "templates").glob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))

_KEY = r"[a-z][\w]*(?:\.\w+)*"
_PREFIX = rf"(?:{_KEY}[._])"
#: A text that is asked for by its whole key: `t("a.b")`, or either of `t(x ? "a.b" : "a.c")`.
_CALL = re.compile(
    r"\b(?:t|knows)\(((?:[^()\"'`]|\([^()]*\))*?)[\"']([^\"']*)[\"'](?:\s*:\s*[\"']([^\"']*)[\"'])?"
)
#: One of several: `t("a." ~ name)` in templates, t(`a.${name}`) in scripts.
_IN_TEMPLATES = re.compile(rf"\bt\([\"']({_PREFIX})[\"']\s*~\s*[^)]*?(?:~\s*[\"'](\w+)[\"']\s*)?\)")
_IN_SCRIPTS = re.compile(rf"`({_PREFIX})\$\{{[^}}]*\}}(\.?\w*)`")
_LITERAL = re.compile(rf"[\"'`]({_KEY})[\"'`]")
_BLANK = re.compile(r"\{(\w*)\}")
#: In both languages alike.
_NAMES = {"storage.REDIS", "type.short.ssoSuper"}


def _source(paths: Iterable[Path]) -> str:
    return "\n".join(path.read_text("utf-8") for path in paths)


def _plain(keys: Iterable[str]) -> set[str]:
    return {key for key in keys if not key.endswith(".one")}


def _asked_whole() -> Iterator[str]:
    for match in _CALL.finditer(_source(TEMPLATES) + _source(SCRIPTS)):
        rest = match.string[match.end() : match.end() + 3].lstrip()
        if rest.startswith("~"):  # the stem of several
            continue
        alone = not match[1].strip() and rest.startswith((",", ")"))
        yield from (key for key in match.groups()[1:] if key and (alone or "." in key))


def _asked_by_stem() -> set[tuple[str, str]]:
    """What the keys begin and end with."""
    found = _IN_TEMPLATES.findall(_source(TEMPLATES)) + _IN_SCRIPTS.findall(_source(SCRIPTS))
    # codes of the OpenAI API's errors are told apart by their own stem
    return {(f"error.{stem}" if stem == "api." else stem, end) for stem, end in found}


def _mentioned() -> set[str]:
    """Every string of the sources that could be a key."""
    return set(_LITERAL.findall(_source([*TEMPLATES, *SCRIPTS, ROOT / "grok2api" / "web" / "pages.py"])))


# The two languages


def test_every_language_has_a_file_and_every_file_a_language() -> None:
    assert {path.stem for path in (ROOT / "static" / "i18n").iterdir()} == set(LANGUAGES)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_no_key_stands_twice_in_a_file(tag: str) -> None:
    pairs: list[tuple[str, str]] = []
    path = ROOT / "static" / "i18n" / f"{tag}.json"
    json.loads(path.read_text("utf-8"), object_pairs_hook=lambda found: pairs.extend(found))
    assert len(pairs) == len(dict(pairs))


def test_the_languages_have_the_same_keys_in_the_same_order() -> None:
    """Chinese has no form for one."""
    assert list(TEXTS["zh-CN"]) == [key for key in ENGLISH if not key.endswith(".one")]
    assert not {key for key in ENGLISH if key.endswith(".one") and key.removesuffix(".one") not in ENGLISH}


def test_the_texts_of_a_key_have_the_same_blanks() -> None:
    for key, text in TEXTS["zh-CN"].items():
        assert sorted(set(_BLANK.findall(text))) == sorted(set(_BLANK.findall(ENGLISH[key]))), key
    for key in ENGLISH:
        if key.endswith(".one"):
            many = set(_BLANK.findall(ENGLISH[key.removesuffix(".one")]))
            assert "count" in many and set(_BLANK.findall(ENGLISH[key])) <= many, key


@pytest.mark.parametrize("tag", LANGUAGES)
def test_no_text_is_empty_or_has_a_stray_brace_or_space(tag: str) -> None:
    for key, text in TEXTS[tag].items():
        assert text and text == text.strip(), key
        assert not re.search(r"[{}]", _BLANK.sub("", text)) and "" not in _BLANK.findall(text), key


def test_chinese_is_chinese() -> None:
    same = {key for key, text in TEXTS["zh-CN"].items() if text == ENGLISH[key]}
    words = {key for key in same if re.search(r"[a-z]{4}", _BLANK.sub("", ENGLISH[key]))}
    assert not words - _NAMES


# What is asked for


def test_each_text_that_is_asked_for_by_its_key_is_there() -> None:
    asked = set(_asked_whole())
    assert len(asked) > 150
    assert not asked - set(ENGLISH)


def test_each_stem_that_is_asked_for_has_texts() -> None:
    stems = _asked_by_stem()
    assert {("advice.", ""), ("advice.", ".fix"), ("nav.", ""), ("media.clear_", "s")} <= stems
    for stem, end in stems:
        assert [key for key in ENGLISH if key.startswith(stem) and key.endswith(end) and key != stem + end], (
            stem,
            end,
        )


def test_no_text_is_unused() -> None:
    stems, mentioned = _asked_by_stem(), _mentioned()
    unused = {
        key
        for key in _plain(ENGLISH)
        if key not in mentioned and not any(key.startswith(stem) and key.endswith(end) for stem, end in stems)
    }
    assert not unused


def test_each_blank_of_a_text_that_a_template_draws_is_filled() -> None:
    """In templates, where nothing fills them by default; in scripts an unfilled blank is empty."""
    for template in TEMPLATES:
        for key, given in re.findall(r"\bt\([\"']([\w.]+)[\"']([^)~]*)\)", template.read_text("utf-8")):
            blanks = set(re.findall(r"(\w+)=", given))
            assert set(_BLANK.findall(ENGLISH[key])) == blanks, (template.name, key)


# What the code names


def _has(stem: str, names: Iterable[str], end: str = "") -> None:
    missing = {f"{stem}{name}{end}" for name in names} - set(ENGLISH)
    assert not missing


def _only(stem: str, names: Iterable[str]) -> None:
    """Texts of this stem are of these names, and no others."""
    _has(stem, names)
    known = {key.removeprefix(stem).split(".")[0] for key in _plain(ENGLISH) if key.startswith(stem)}
    assert known == set(names)


def test_each_page_theme_status_type_and_period_has_its_text() -> None:
    _has("nav.", PAGES)
    _only("theme.", ("system", *THEMES))
    _only("status.", (*Status, "disabled"))
    _has("type.", TOKEN_TYPES)
    _only("type.short.", TOKEN_TYPES)
    _only("period.", PERIODS)
    _only("chart.summary_requests.", PERIODS)
    _only("chart.summary_latency.", PERIODS)
    _only("storage.", ("FILE", "MYSQL", "REDIS"))


def test_each_word_that_the_admin_api_may_say_has_its_text() -> None:
    _only("level.", Urgency)
    _has("tier.", ("normal", "super"))
    _has("media.one_", Kind)
    verdicts = {"expired", "limited", "blocked", "network"}
    _has("test.", verdicts)
    _only("test.some.", verdicts | {"valid", "used_up"})
    edits = {"uncool", "enable", "disable", "delete", "tags", "note"}
    _only("done.", edits | {"missing"})
    _has("page.", re.findall(r"\"page\.(\w+)\"", _source([ROOT / "grok2api" / "web" / "pages.py"])))


def test_each_reason_that_is_recognized_has_its_text() -> None:
    known = re.findall(r"/i?,\s*\"(\w+)\"\s*\]", _source([ROOT / "static" / "js" / "reasons.js"]))
    assert len(known) > 10
    _has("reason.", known)


def test_each_error_that_has_a_text_can_happen() -> None:
    source = _source([*SCRIPTS, *sorted((ROOT / "grok2api").rglob("*.py"))])
    said = set(re.findall(r"[\"'](\w+)[\"']", source)) | {"not_found", "request_entity_too_large"}
    named = {key.removeprefix("error.").removeprefix("api.") for key in ENGLISH if key.startswith("error.")}
    assert not named - said
    _has(
        "error.", ("csrf", "storage_unavailable", "internal_error", "too_many_attempts", "wrong_credentials")
    )


def test_each_part_unit_and_rule_of_the_settings_has_its_text() -> None:
    _only("group.", GROUPS)
    _only("unit.", {setting.unit for setting in SETTINGS if setting.unit})
    cleaned = {setting.name for setting in SETTINGS if setting.clean}
    _only("invalid.", cleaned | {"number", "whole", "range"})


def test_each_action_that_is_noted_has_its_text_and_each_detail_its_word() -> None:
    actions, details = _noted()
    assert {"login_failed", "password", "tokens_tags", "tokens_uncool", "cache_clear"} <= actions
    _only("action.", actions)
    _only("detail.", details | {field.name for field in fields(AddReport)})


def _noted() -> tuple[set[str], set[str]]:
    """The actions that the admin API has remembered, and the names of their details."""
    actions, details = set[str](), set[str]()
    for path in (ROOT / "grok2api" / "web" / "admin").glob("*.py"):
        for call in (
            node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
        ):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            place = {"note": 0, "note_of": 1, "_edited": -1}.get(name)
            if place is not None and len(call.args) > place:
                actions |= {
                    str(node.value) for node in ast.walk(call.args[place]) if isinstance(node, ast.Constant)
                }
                details |= {keyword.arg for keyword in call.keywords if keyword.arg}
    return actions, details


def test_each_advice_says_what_is_wrong_and_what_to_do() -> None:
    source = (ROOT / "grok2api" / "services" / "advice.py").read_text("utf-8")
    advices = re.findall(r"Advice\(\s*\"(\w+)\",[^{}\n]*(?:\{([^}]*)\})?", source)
    codes = {code for code, _ in advices}
    assert len(codes) >= 7
    _only("advice.", codes)
    _has("advice.", codes, ".fix")
    for code, detail in advices:
        given = set(re.findall(r"\"(\w+)\":", detail)) | {"text"}  # scripts fill that one always
        for key in (f"advice.{code}", f"advice.{code}.fix"):
            assert set(_BLANK.findall(ENGLISH[key])) <= given, key
    links = {key for key in ENGLISH if re.fullmatch(r"advice\.\w+\.go", key)}
    fixes = set(re.findall(r"\b(\w+): \"/manage/", _source(SCRIPTS))) & codes
    assert links == {f"advice.{code}.go" for code in fixes}
