"""The tables of both READMEs, made from the code's own. `python -m tests.meta.readme_tables` writes them.

Each stands between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from grok2api.catalogue import MODELS
from grok2api.services.metric_table import METRICS
from grok2api.settings import SETTINGS, Setting
from tests.gateway import ROOT

READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh-CN.md"}

_MODEL_HEAD = {
    "en": "| model | upstream model / mode | cost | accounts |",
    "zh": "| 模型 | 上游模型 / 模式 | 消耗 | 账号 |",
}
_SETTING_HEAD = {
    "en": "| setting | scope | default | meaning |",
    "zh": "| 设置 | 范围 | 默认值 | 含义 |",
}

_METRIC_HEAD = {
    "en": "| metric | type | labels | meaning |",
    "zh": "| 指标 | 类型 | 标签 | 含义 |",
}
_OF_ALL_NODES = {"en": ", of the whole deployment", "zh": "（整个部署）"}


def models_table(language: str) -> str:
    rows = [_MODEL_HEAD[language], "|---|---|---|---|"]
    for model in MODELS:
        tiers = " / ".join(tier.capitalize() for tier in model.tiers)
        own = {"en": ", own pool", "zh": "，独立额度"}[language] if model.pool != "default" else ""
        style = f"`{model.upstream_model}` / `{model.upstream_mode}`"
        rows.append(f"| `{model.name}` | {style} | {model.cost}{own} | {tiers} |")
    return "\n".join(rows)


def settings_table(language: str) -> str:
    rows = [_SETTING_HEAD[language], "|---|---|---|---|"]
    for setting in SETTINGS:
        text = getattr(setting.help, language)
        rows.append(
            f"| `{setting.name}` | {setting.scope} | {_default(setting)} | {text}{_limits(setting)} |"
        )
    return "\n".join(rows)


def metrics_table(language: str) -> str:
    rows = [_METRIC_HEAD[language], "|---|---|---|---|"]
    for row in METRICS:
        labels = ", ".join(f"`{label}`" for label in row.labels)
        text = getattr(row.help, language) + (_OF_ALL_NODES[language] if row.shared else "")
        rows.append(f"| `{row.name}` | {row.type} | {labels} | {text} |")
    return "\n".join(rows)


def _default(setting: Setting) -> str:
    value = setting.default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"`{value[:24]}…`" if len(value) > 40 else f'`"{value}"`'
    return f"{value:g}{' ' + setting.unit if setting.unit else ''}"


def _limits(setting: Setting) -> str:
    if setting.choices:
        return f" ({', '.join(setting.choices)})"
    if setting.min is not None and setting.max is not None:
        return f" ({setting.min:g}–{setting.max:g})"
    return ""


TABLES: dict[str, Callable[[str], str]] = {
    "models": models_table,
    "settings": settings_table,
    "metrics": metrics_table,
}


def with_tables(text: str, language: str) -> str:
    """A README with its tables made anew. Raises ValueError when a mark is missing."""
    for name, make in TABLES.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        parts = pattern.split(text)
        count = len(parts) // 3
        text = "".join([*parts[:2], make(language), "\n", *parts[2:]])
        if count != 1:
            raise ValueError(f"the mark {name} stands {count} times")
    return text


if __name__ == "__main__":
    for language, path in READMES.items():
        path.write_text(with_tables(path.read_text("utf-8"), language), "utf-8")
