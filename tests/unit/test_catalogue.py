"""The models of the specification, and what `models.toml` may do to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from grok2api.accounts import Tier
from grok2api.catalogue import MODELS, PICTURES_COST, Catalogue, Model, load_catalogue
from grok2api.errors import ConfigurationError, UnknownModel

BASIC, SUPER = (Tier.BASIC, Tier.SUPER), (Tier.SUPER,)

#: name: upstream model, mode, cost, tiers, pool, (image, thinking, search, video), output tokens
TABLE = {
    "grok-4.1": (
        "grok-4-1-non-thinking-w-tool", "MODEL_MODE_GROK_4_1",
        1, BASIC, "default", (True, True, True, False), 8192,
    ),
    "grok-4.1-thinking": (
        "grok-4-1-thinking-1108b", "MODEL_MODE_AUTO",
        1, BASIC, "default", (True, True, True, False), 32768,
    ),
    "grok-imagine-0.9": (
        "grok-3", "MODEL_MODE_FAST",
        1, BASIC, "default", (True, False, False, True), 8192,
    ),
    "grok-4-fast": (
        "grok-4-mini-thinking-tahoe", "MODEL_MODE_GROK_4_MINI_THINKING",
        1, BASIC, "default", (True, True, True, False), 8192,
    ),
    "grok-4-fast-expert": (
        "grok-4-mini-thinking-tahoe", "MODEL_MODE_EXPERT",
        4, BASIC, "default", (True, True, True, False), 32768,
    ),
    "grok-4-expert": (
        "grok-4", "MODEL_MODE_EXPERT",
        4, BASIC, "default", (True, True, True, False), 32768,
    ),
    "grok-4-heavy": (
        "grok-4-heavy", "MODEL_MODE_HEAVY",
        1, SUPER, "heavy", (True, True, True, False), 65536,
    ),
    "grok-3-fast": (
        "grok-3", "MODEL_MODE_FAST",
        1, BASIC, "default", (True, False, True, False), 8192,
    ),
}  # fmt: skip


def load(folder: Path, text: str) -> Catalogue:
    (folder / "models.toml").write_text(text, encoding="utf-8")
    return load_catalogue(folder)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load(folder, text)
    message = caught.value.message
    assert "models.toml" in message and "\n" not in message
    return message


def test_the_table_is_the_specifications() -> None:
    assert {
        m.name: (
            m.upstream_model, m.upstream_mode, m.cost, m.tiers, m.pool,
            (m.image, m.thinking, m.search, m.video), m.default_output_tokens,
        )
        for m in MODELS
    } == TABLE  # fmt: skip
    assert [model.name for model in MODELS] == list(TABLE)


def test_the_heavy_pools_quota_has_a_field_of_its_own() -> None:
    assert {model.quota_field for model in MODELS if model.pool == "heavy"} == {"remainingQueries"}
    assert {model.quota_field for model in MODELS if model.pool == "default"} == {"remainingTokens"}
    assert Catalogue().pools == ("default", "heavy")
    assert PICTURES_COST == 4


def test_all_models_are_listed_in_the_tables_order() -> None:
    assert Catalogue().all() == list(MODELS)


@pytest.mark.parametrize("name", ["", "grok-5", "GROK-4", "grok-4-1-thinking-1108b", "grok-4.1 "])
def test_an_unknown_model_is_named_in_the_error(name: str) -> None:
    with pytest.raises(UnknownModel) as caught:
        Catalogue().get(name)
    assert f"`{name}`" in caught.value.message
    assert (caught.value.param, caught.value.code) == ("model", "model_not_found")


def test_an_alias_finds_its_model_and_is_not_listed() -> None:
    catalogue = Catalogue([Model("a", "up", aliases=("b", "c"))])
    assert catalogue.get("b").names == ("a", "b", "c")
    assert catalogue.get("c") is catalogue.get("a")
    assert [model.name for model in catalogue.all()] == ["a"]


def test_without_a_file_the_table_stands(tmp_path: Path) -> None:
    assert load_catalogue(tmp_path).all() == list(MODELS)
    assert load(tmp_path, "").all() == list(MODELS)
    assert load(tmp_path, "[models]").all() == list(MODELS)


def test_a_file_adds_a_model_behind_the_others(tmp_path: Path) -> None:
    catalogue = load(tmp_path, '[models."grok-5"]\nupstream_model = "g5"\nupstream_mode = "MODEL_MODE_FAST"')
    assert catalogue.all() == [*MODELS, Model("grok-5", "g5", "MODEL_MODE_FAST")]


def test_every_field_can_be_given(tmp_path: Path) -> None:
    catalogue = load(
        tmp_path,
        """[models.new]
        mode_id = "auto"
        display_name = "New \u6a21"
        pool = "third"
        rate_model = "auto"
        quota_field = "remainingQueries"
        cost = 2
        tier = "super"
        aliases = ["newer", "newest"]
        image = false
        thinking = false
        search = false
        video = true
        default_output_tokens = 1
        max_output_tokens = 2
        """,
    )
    model = catalogue.get("newest")
    assert model == Model(
        "new", mode_id="auto", display_name="New \u6a21", pool="third", rate_model="auto",
        quota_field="remainingQueries", cost=2, tier=Tier.SUPER, aliases=("newer", "newest"), image=False,
        thinking=False, search=False, video=True, default_output_tokens=1, max_output_tokens=2,
    )  # fmt: skip
    assert isinstance(model.tier, Tier) and catalogue.pools == ("default", "heavy", "third")


def test_a_file_overrides_only_the_fields_it_names(tmp_path: Path) -> None:
    catalogue = load(tmp_path, '[models."grok-4-heavy"]\ncost = 3\ntier = "basic"')
    changed = catalogue.get("grok-4-heavy")
    assert (changed.cost, changed.tiers, changed.pool) == (3, BASIC, "heavy")
    assert [model.name for model in catalogue.all()] == list(TABLE)
    assert catalogue.get("grok-4.1") == MODELS[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[models", "Expected"),
        ("models = 3", 'only tables of the form [models."name"]'),
        ("[other]", 'only tables of the form [models."name"]'),
        ("[models]\nx = 3", '[models."x"]: must be a table'),
        ("[models.x]\ncost = 2", "upstream_model (with upstream_mode) or mode_id is needed"),
        (
            '[models."grok-4.1"]\nupstream_model = ""',
            "upstream_model (with upstream_mode) or mode_id is needed",
        ),
        ("[models.x]\nprice = 2", "price is not known; known are aliases, cost,"),
        ('[models.x]\nname = "y"', "name is not known"),
        ('[models.x]\ncost = "2"', '[models."x"]: cost must be a whole number'),
        ("[models.x]\ncost = true", "cost must be a whole number"),
        ("[models.x]\ncost = 1.5", "cost must be a whole number"),
        ("[models.x]\ncost = 0", "cost must be 1 or more"),
        ("[models.x]\ndefault_output_tokens = -1", "default_output_tokens must be 1 or more"),
        ("[models.x]\nimage = 1", "image must be true or false"),
        ("[models.x]\nupstream_model = 1", "upstream_model must be a text"),
        ('[models.x]\ntier = "heavy"', "tier must be basic or super"),
        ("[models.x]\ntier = 3", "tier must be basic or super"),
        ('[models.x]\naliases = "y"', "aliases must be a list of names"),
        ("[models.x]\naliases = [1]", "aliases must be a list of names"),
        ('[models.x]\nmode_id = "a"\naliases = ["grok-4.1"]', "the alias grok-4.1 of x is taken"),
        ('[models.x]\nmode_id = "a"\naliases = ["x"]', "the alias x of x is taken"),
        ('[models.x]\nmode_id = "a"\naliases = ["y", "y"]', "the alias y of x is taken"),
    ],
)
def test_each_mistake_is_one_line_that_names_file_and_field(tmp_path: Path, text: str, words: str) -> None:
    assert words in complaint(tmp_path, text)


def test_a_file_that_cannot_be_read_is_one_line_too(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"models\.toml"):
        load_catalogue(tmp_path)
    (tmp_path / "models.toml").unlink()
    (tmp_path / "models.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"models\.toml"):
        load_catalogue(tmp_path)
