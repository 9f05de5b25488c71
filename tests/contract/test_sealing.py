"""SECRET_KEY: what is sealed with it, and which keys are refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grok2api.accounts import AccountQuery, Tier
from grok2api.errors import ConfigurationError, StorageUnavailable
from grok2api.storage.base import Store
from grok2api.storage.vault import Vault
from tests.contract import workers
from tests.contract.dealings import NOW, add, everyone, in_flight, take
from tests.contract.places import Place, open_at

KEY, OTHER = "a key of the operator's", "another key"


def sealed(place: Place, key: str) -> Store:
    place.env = replace(place.env, secret_key=key)
    return place.open()


def everything_works(store: Store, count: int) -> None:
    secrets = [f"basic-{number:06}" for number in range(count)]
    assert [one.secret for one in everyone(store)] == secrets
    assert sorted(store.accounts.find(secrets)) == secrets
    assert store.accounts.add(secrets, Tier.BASIC, NOW).duplicates == count
    assert take(store).secret in secrets
    found, _ = store.accounts.page(AccountQuery(text=secrets[0]), NOW)
    assert secrets[0] in [one.secret for one in found]
    assert store.settings.load().values == {"cf_clearance": "clear as day"}


def filled(store: Store) -> Store:
    add(store, 1200)
    store.settings.save({"cf_clearance": "clear as day"})
    return store


def test_a_key_set_first_seals_what_is_there(place: Place) -> None:
    plain = filled(place.store)
    store = sealed(place, KEY)
    everything_works(store, 1200)
    with pytest.raises(StorageUnavailable, match="SECRET_KEY"):
        everyone(plain)


def test_workers_that_start_at_once_seal_once(place: Place) -> None:
    filled(place.store)
    env = replace(place.env, secret_key=KEY)
    workers.in_processes(4, workers.open_and_close, env)
    everything_works(sealed(place, KEY), 1200)


@pytest.mark.parametrize(
    ("key", "said"), [("", "SECRET_KEY is not set"), (OTHER, "SECRET_KEY is not the key")]
)
def test_a_wrong_or_missing_key_is_refused(place: Place, key: str, said: str) -> None:
    filled(sealed(place, KEY))
    with pytest.raises(ConfigurationError, match=said) as caught:
        open_at(replace(place.env, secret_key=key))
    assert "\n" not in str(caught.value)
    everything_works(place.open(), 1200)


def test_a_new_key_takes_the_old_ones_place(place: Place) -> None:
    store = filled(sealed(place, KEY))
    late = place.open()
    store.reseal(Vault(OTHER))
    everything_works(store, 1200)
    with pytest.raises(ConfigurationError):
        open_at(replace(place.env, secret_key=KEY))
    with pytest.raises(StorageUnavailable, match="another SECRET_KEY"):
        late.reseal(Vault("a third key"))
    with pytest.raises(StorageUnavailable, match="another SECRET_KEY"):
        take(late)
    assert in_flight(store) == 1, "an account was taken that cannot be used"
    everything_works(sealed(place, OTHER), 1200)


def test_sealing_can_be_undone(place: Place) -> None:
    store = filled(sealed(place, KEY))
    store.reseal(Vault())
    everything_works(store, 1200)
    everything_works(sealed(place, ""), 1200)
