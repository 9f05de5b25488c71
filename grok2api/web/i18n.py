"""The console's texts in its languages: flat JSON files that the pages' scripts read as well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from flask import request

#: Tag of a language -> its name in itself; the first one is for whoever reads none of them.
LANGUAGES = {"en": "English", "zh-CN": "中文"}
COOKIE = "lang"

Texts = Mapping[str, str]


def load_texts(folder: Path) -> dict[str, Texts]:
    """The texts of each language, by key."""
    return {tag: json.loads((folder / f"{tag}.json").read_text("utf-8")) for tag in LANGUAGES}


def language() -> str:
    """Of the request: what was chosen in the console, else what the browser asks for."""
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    asked = (tag for tag, quality in request.accept_languages if quality > 0)  # the most wanted first
    return next((known for tag in asked if (known := _BY_STEM.get(_stem(tag)))), next(iter(LANGUAGES)))


def _stem(tag: str) -> str:
    """`zh-Hant-TW` is near enough to `zh-CN`, and `en-GB` to `en`."""
    return tag.partition("-")[0].lower()


_BY_STEM = {_stem(tag): tag for tag in LANGUAGES}
