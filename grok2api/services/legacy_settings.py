"""The settings of the older FastAPI implementation's `setting.toml`. Pure.

Its tables [global] and [grok] hold names and values; those that are settings of this release too are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grok2api.errors import SettingError
from grok2api.services.admin_auth import DEFAULT_PASSWORD
from grok2api.settings import SETTINGS, Setting, Value, clean

_BY_NAME = {setting.name: setting for setting in SETTINGS}
_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))


@dataclass
class LegacySettings:
    """values: cleaned, to be stored. password: the console's, as it was typed. remarks: what is left out and why."""

    values: dict[str, Value] = field(default_factory=dict)
    password: str | None = None
    remarks: list[str] = field(default_factory=list)


def read_settings(document: Mapping[str, object]) -> LegacySettings:
    """What can be taken of a parsed `setting.toml`."""
    found = LegacySettings()
    for section, table in document.items():
        if section not in ("global", "grok"):
            found.remarks.append(f"[{_shown(section)}] is not known; left out")
        elif not isinstance(table, Mapping):
            found.remarks.append(f"{section} is not a table; left out")
        else:
            for name, value in table.items():
                _take(found, section, name, value)
    return found


def _take(found: LegacySettings, section: str, name: str, value: object) -> None:
    setting = _BY_NAME.get(name)
    if setting is None or setting.scope != section:
        found.remarks.append(f"[{section}] {_shown(name)} is not a setting of this release; left out")
        return
    if name == "admin_password":
        _take_password(found, value)
        return
    plain = _plain(setting, value)
    if plain == "":
        return  # nothing was set
    try:
        found.values[name] = clean(name, plain)
    except SettingError as error:
        found.remarks.append(f"[{section}] {error} Left out.")


def _take_password(found: LegacySettings, value: object) -> None:
    if not isinstance(value, str):
        found.remarks.append("[global] admin_password must be a text. Left out.")
    elif value == DEFAULT_PASSWORD:
        found.remarks.append("[global] admin_password is the default one; left out")
    elif value.strip():
        found.password = value


def _plain(setting: Setting, value: object) -> object:
    """The value in the setting's own type, where it is plain what was meant."""
    if setting.type is str:
        return _plain_text(setting, value)
    text = value.strip().lower() if isinstance(value, str) else None
    if setting.type is bool:
        word = str(value) if value in (0, 1) and isinstance(value, int) else text
        return True if word in _TRUE else False if word in _FALSE else value
    try:
        number = float(text) if text else value
    except ValueError:
        return value
    whole = setting.type is int and isinstance(number, float) and number.is_integer()
    return int(number) if whole and isinstance(number, float) else number


def _plain_text(setting: Setting, value: object) -> object:
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    if not isinstance(value, str):
        return value
    known = {choice.lower(): choice for choice in setting.choices}
    return known.get(value.strip().lower(), value.strip())


def _shown(name: str) -> str:
    text = " ".join(name.split())
    return text if len(text) <= 40 else f"{text[:39]}…"
