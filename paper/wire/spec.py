"""What a wire exchange is made with, beside the venue itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.domain.scale import NS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key, its secret, and the account that it opens."""

    key: str
    secret: str
    account: int = 0


@dataclass(frozen=True, slots=True)
class LimitSpec:
    """How much may be asked. Defaults: Binance USD-M, GET /fapi/v1/exchangeInfo, rateLimits, August 2025."""

    weight_1m: int = 2_400
    orders_10s: int = 300
    orders_1m: int = 1_200
    # The page says "repeatedly violating rate limits"; a handful of requests after a 429 is a client that does not
    # listen, and one or two are those that were under way.
    refusals_before_ban: int = 5
    ban_first: int = 2 * NS_PER_MINUTE       # "scale in duration for repeat offenders, from 2 minutes to 3 days"
    ban_most: int = 3 * 24 * 60 * NS_PER_MINUTE


@dataclass(frozen=True, slots=True)
class WireSpec:
    """Keys, limits, and how long a listen key lives (Binance: 60 minutes)."""

    credentials: tuple[Credentials, ...]
    limits: LimitSpec = field(default_factory=LimitSpec)
    listen_key_life: int = 60 * NS_PER_MINUTE

    def by_key(self) -> Mapping[str, Credentials]:
        """Return the credentials by API key."""
        return {each.key: each for each in self.credentials}
