"""The vault: what is sealed with a key can be opened with it alone, and is found by a digest of that key."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.errors import ConfigurationError, StorageUnavailable
from grok2api.storage.vault import Vault
from tests.unit.grok_streams import PATIENT

NONE, ONE, OTHER = Vault(), Vault("one key"), Vault("other key")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


@PATIENT
@given(TEXTS)
def test_what_is_sealed_opens_again(text: str) -> None:
    for vault in (NONE, ONE):
        assert vault.open(vault.seal(text)) == text
    assert len(text) < 5 or text not in ONE.seal(text)


def test_sealing_twice_gives_different_texts_but_the_same_digest() -> None:
    assert ONE.seal("secret") != ONE.seal("secret")
    assert ONE.digest("secret") == Vault("one key").digest("secret")


def test_without_a_key_nothing_is_sealed() -> None:
    assert NONE.seal("secret") == "secret"
    assert NONE.digest("secret") == hashlib.sha256(b"secret").hexdigest()
    assert NONE.check_value is None


def test_digests_of_different_keys_have_nothing_in_common() -> None:
    found = {vault.digest("secret") for vault in (NONE, ONE, OTHER)}
    assert len(found) == 3
    assert all(len(digest) == 64 for digest in found)


def test_what_another_key_sealed_is_not_opened() -> None:
    sealed = ONE.seal("secret")
    for vault in (NONE, OTHER):
        with pytest.raises(StorageUnavailable, match="SECRET_KEY") as caught:
            vault.open(sealed)
        assert "secret" not in str(caught.value).replace("SECRET_KEY", "")


@pytest.mark.parametrize("change", [slice(0, -1), slice(0, 20), slice(0, 7)])
def test_what_was_damaged_is_not_opened(change: slice) -> None:
    with pytest.raises(StorageUnavailable):
        ONE.open(ONE.seal("secret")[change])


def test_one_changed_character_is_noticed() -> None:
    sealed = ONE.seal("secret")
    changed = sealed[:-20] + ("A" if sealed[-20] != "A" else "B") + sealed[-19:]
    with pytest.raises(StorageUnavailable):
        ONE.open(changed)


def test_what_was_stored_before_there_was_a_key_is_read_as_it_is() -> None:
    assert ONE.open("plain") == "plain"


def test_the_check_value_tells_keys_apart_and_nothing_else() -> None:
    assert ONE.check_value is not None
    assert ONE.check_value == Vault("one key").check_value != OTHER.check_value
    assert "one key" not in ONE.check_value


@pytest.mark.parametrize("vault", [NONE, ONE, OTHER])
def test_data_without_a_check_value_fits_every_vault(vault: Vault) -> None:
    vault.verify(None)
    vault.verify(vault.check_value)


def test_a_missing_key_and_a_wrong_one_are_told_apart_in_one_line() -> None:
    with pytest.raises(ConfigurationError, match="SECRET_KEY is not set"):
        NONE.verify(ONE.check_value)
    with pytest.raises(ConfigurationError, match="SECRET_KEY is not the key"):
        OTHER.verify(ONE.check_value)
