"""The accounts in counts, by tier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from grok2api.accounts import Status, Tier, TierSummary
from grok2api.storage.redis.client import Client, pairs, text

#: Accounts that one run of the script looks at: some milliseconds, in which the server does nothing else.
_LOOKS = 300


def summary(client: Client, pools: Sequence[str], now: float) -> dict[Tier, TierSummary]:
    """The contract's `summary`. pools: those that are told also where no account has a standing in them."""
    counts: Counter[str] = Counter()
    after = "0"
    while after:
        after, *found = client.run("summary", after, _LOOKS, text(now))
        counts.update({name: int(count) for name, count in pairs(found).items()})
    return {tier: _of(tier, counts, pools) for tier in Tier}


def _of(tier: Tier, counts: Counter[str], pools: Sequence[str]) -> TierSummary:
    return TierSummary(
        {status: counts[f"{tier}:status:{status}"] for status in Status},
        counts[f"{tier}:disabled"],
        counts[f"{tier}:fit"],
        _by_pool(f"{tier}:remaining:", counts, pools),
        _by_pool(f"{tier}:unknown:", counts, pools),
    )


def _by_pool(stem: str, counts: Counter[str], pools: Sequence[str]) -> dict[str, int]:
    found = {name.removeprefix(stem): count for name, count in counts.items() if name.startswith(stem)}
    return dict.fromkeys(pools, 0) | found
