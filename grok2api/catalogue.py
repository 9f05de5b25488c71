"""The models: data, not code. `models.toml` in the data directory adds rows and overrides fields.

    [models."grok-5"]                 # a new public name, or one of the table below
    upstream_model = "grok-5"
    upstream_mode = "MODEL_MODE_FAST"
    cost = 1

A row names its request style (`upstream_model` + `upstream_mode`, or the later `mode_id`), the quota
pool it draws from, the name and the field under which upstream reports that quota, the cost of a call,
the lowest tier, and what it can do.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from grok2api.accounts import Tier
from grok2api.errors import ConfigurationError, UnknownModel

_KINDS = {str: "a text", int: "a whole number", bool: "true or false"}

#: What a pair of generated pictures costs, with any model.
PICTURES_COST = 4


@dataclass(frozen=True)
class Model:
    """One row. `rate_model` and `quota_field`: how `/rest/rate-limits` reports the pool's quota."""

    name: str
    upstream_model: str = ""
    upstream_mode: str = ""
    mode_id: str = ""
    display_name: str = ""
    pool: str = "default"
    rate_model: str = ""
    quota_field: str = "remainingTokens"
    cost: int = 1
    tier: Tier = Tier.BASIC
    aliases: tuple[str, ...] = ()
    image: bool = True
    thinking: bool = True
    search: bool = True
    video: bool = False
    default_output_tokens: int = 8192
    max_output_tokens: int = 131072

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which it can be asked for."""
        return (self.name, *self.aliases)

    @property
    def rate_name(self) -> str:
        """What upstream calls it when it is asked for the quota."""
        return self.rate_model or self.mode_id or self.upstream_model

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """The tiers that may serve it, in order of preference: Super accounts are kept for what needs them."""
        return (Tier.SUPER,) if self.tier is Tier.SUPER else (Tier.BASIC, Tier.SUPER)


MODELS: tuple[Model, ...] = (
    Model("grok-4.1", "grok-4-1-non-thinking-w-tool", "MODEL_MODE_GROK_4_1", display_name="Grok 4.1"),
    Model(
        "grok-4.1-thinking",
        "grok-4-1-thinking-1108b",
        "MODEL_MODE_AUTO",
        display_name="Grok 4.1 Thinking",
        default_output_tokens=32768,
    ),
    Model(
        "grok-imagine-0.9",
        "grok-3",
        "MODEL_MODE_FAST",
        display_name="Grok Imagine 0.9",
        aliases=("dall-e-3", "gpt-image-1"),
        thinking=False,
        search=False,
        video=True,
    ),
    Model(
        "grok-4-fast",
        "grok-4-mini-thinking-tahoe",
        "MODEL_MODE_GROK_4_MINI_THINKING",
        display_name="Grok 4 Fast",
    ),
    Model(
        "grok-4-fast-expert",
        "grok-4-mini-thinking-tahoe",
        "MODEL_MODE_EXPERT",
        display_name="Grok 4 Fast Expert",
        cost=4,
        default_output_tokens=32768,
    ),
    Model(
        "grok-4-expert",
        "grok-4",
        "MODEL_MODE_EXPERT",
        display_name="Grok 4 Expert",
        cost=4,
        default_output_tokens=32768,
    ),
    Model(
        "grok-4-heavy",
        "grok-4-heavy",
        "MODEL_MODE_HEAVY",
        display_name="Grok 4 Heavy",
        pool="heavy",
        quota_field="remainingQueries",
        tier=Tier.SUPER,
        default_output_tokens=65536,
    ),
    Model("grok-3-fast", "grok-3", "MODEL_MODE_FAST", display_name="Grok 3 Fast", thinking=False),
)


class Catalogue:
    """The models by public name and alias, in the table's order."""

    def __init__(self, models: Iterable[Model] = MODELS) -> None:
        self._models = {model.name: model for model in models}
        self._by_name = dict(self._models)
        for model in self._models.values():
            for alias in model.aliases:
                if alias in self._by_name:
                    raise ConfigurationError(f"models.toml: the alias {alias} of {model.name} is taken.")
                self._by_name[alias] = model

    def get(self, name: str) -> Model:
        """The model of a public name or alias. Raises UnknownModel."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownModel(name) from None

    def all(self) -> list[Model]:
        return list(self._models.values())

    def quota_sources(self, tier: Tier) -> dict[str, Model]:
        """By quota pool that a tier has, the model under which upstream reports it."""
        sources: dict[str, Model] = {}
        for model in self._models.values():
            if tier in model.tiers:
                sources.setdefault(model.pool, model)
        return sources

    @property
    def pools(self) -> tuple[str, ...]:
        """The names of all quota pools, each once."""
        return tuple(dict.fromkeys(model.pool for model in self._models.values()))


def load_catalogue(data_dir: Path) -> Catalogue:
    """The built-in table with `models.toml` laid over it. Raises ConfigurationError naming file and field."""
    path = data_dir / "models.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return Catalogue()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    rows = {model.name: model for model in MODELS}
    tables = document.get("models", {})
    if not isinstance(tables, dict) or set(document) - {"models"}:
        raise ConfigurationError(f'{path}: only tables of the form [models."name"] are known.')
    for name, table in tables.items():
        rows[name] = _row(path, rows.get(name, Model(name)), table)
    return Catalogue(rows.values())


def _row(path: Path, base: Model, table: object) -> Model:
    where = f'{path}: [models."{base.name}"]'
    if not isinstance(table, dict):
        raise ConfigurationError(f"{where}: must be a table.")
    values: dict[str, Any] = asdict(base)
    known = {field.name for field in fields(Model)} - {"name"}
    for key, value in table.items():
        if key not in known:
            raise ConfigurationError(f"{where}: {key} is not known; known are {', '.join(sorted(known))}.")
        values[key] = _value(where, key, value, values[key])
    model = Model(**values)
    if not model.mode_id and not model.upstream_model:
        raise ConfigurationError(f"{where}: upstream_model (with upstream_mode) or mode_id is needed.")
    return model


def _value(where: str, key: str, value: object, old: object) -> object:
    if key == "tier":
        try:
            return Tier(str(value))
        except ValueError:
            raise ConfigurationError(f"{where}: tier must be basic or super.") from None
    if key == "aliases":
        if isinstance(value, list) and all(isinstance(alias, str) for alias in value):
            return tuple(value)
        raise ConfigurationError(f"{where}: aliases must be a list of names.")
    if type(value) is not type(old):
        raise ConfigurationError(f"{where}: {key} must be {_KINDS[type(old)]}.")
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        raise ConfigurationError(f"{where}: {key} must be 1 or more.")
    return value
