"""Where the coins of a generated market begin: ``,COIN=PRICE`` behind its name.

Moves are drawn in logs, so a market that begins elsewhere is the same market at another scale: a position of today,
typed in with its own prices, meets the crash of 2020. A coin that nothing was measured of moves like a smaller one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.app.wording import quantity
from bot.domain.errors import InputError
from bot.settings.scalars import parse_number
from paper.generate.character import CHARACTERS, STABLECOINS, Character

PRICE_MIN, PRICE_MAX = 0.1, 10_000_000.0         # below, five digits of price are too coarse; above, cash does not fit
FINE_BELOW, FINER_BELOW = 10, 1                  # coins below these prices are quoted in finer ticks
# Nothing of it is measured: a little wilder than ETH, a quarter as much traded.
ANOTHER_COIN = Character(open_price=1.0, beta=1.2, own=0.7, hourly_notional=5e6)
_KNOWN: Mapping[str, Character] = {**CHARACTERS, **STABLECOINS}
_PAIR = re.compile(r"(?P<coin>[A-Z0-9]+)=(?P<price>[0-9][0-9_]*(\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class FirstPrices:
    """First prices in quote units, by coin; coins that are not named begin where their figures say."""

    by_coin: Mapping[str, float] = field(default_factory=dict)

    @property
    def characters(self) -> Mapping[str, Character]:
        """Return how every coin moves that a market can be made of."""
        named = {
            coin: replace(_KNOWN.get(coin, ANOTHER_COIN), open_price=first) for coin, first in self.by_coin.items()
        }
        return {**_KNOWN, **named}

    @property
    def suffix(self) -> str:
        """Return what tells this market from the one of the same seed: ``, BTC from 97,000``, or nothing."""
        return "".join(f", {coin} from {quantity(first)}" for coin, first in self.by_coin.items())

    @property
    def modelled(self) -> tuple[str, ...]:
        """Return what a reader must know of coins without figures."""
        made_up = [coin for coin in self.by_coin if coin not in _KNOWN]
        if not made_up:
            return ()
        return tuple(
            f"{coin}: nothing was measured of it; it moves {ANOTHER_COIN.beta:g} times as far as BTC, and by itself"
            for coin in made_up
        )

    def digits_of(self, coin: str) -> int:
        """Return how many digits of price a coin is quoted in."""
        first = self.characters[coin].open_price
        return 5 if first < FINER_BELOW else 4 if first < FINE_BELOW else 2

    def require(self, symbols: Sequence[str]) -> None:
        """Raise InputError for a symbol whose coin has no figures, and for a price whose coin is not traded."""
        coins = [symbol.partition("/")[0] for symbol in symbols]
        for coin, symbol in zip(coins, symbols, strict=True):
            if coin not in self.characters:
                raise InputError(
                    f"generated market: has no figures of the coin, was {symbol}, known are "
                    f"{', '.join(sorted(_KNOWN))}; say where it begins, such as 3,{coin}=150, and it moves like a "
                    f"smaller coin, or give recorded prices, --tape {symbol}=PATH"
                )
        for coin in self.by_coin:
            if coin not in coins:
                raise InputError(
                    f"generated market: a first price of a coin that is not traded, was {coin}; traded are "
                    f"{', '.join(dict.fromkeys(coins))}"
                )


AS_MEASURED = FirstPrices()


def split_first_prices(text: str, where: str) -> tuple[str, FirstPrices]:
    """Return the market of ``MARKET[:SEED][,COIN=PRICE]...`` and its first prices; raises InputError."""
    market, *pairs = text.split(",")
    found: dict[str, float] = {}
    for pair in pairs:
        parts = _PAIR.fullmatch(pair)
        if parts is None:
            raise InputError(
                f"{where}: behind a market stand first prices such as {market},BTC=97_000, was {pair!r}; name the coin "
                "in capital letters, and its price in quote units without a sign"
            )
        value = float(parse_number(parts["price"]))
        if not PRICE_MIN <= value <= PRICE_MAX:
            raise InputError(
                f"{where}: a first price must be {PRICE_MIN:g} to {PRICE_MAX:,.0f}, was {parts['price']} for "
                f"{parts['coin']}; a cheaper coin needs a recorded tape"
            )
        if parts["coin"] in found:
            raise InputError(f"{where}: a coin begins at one price, was {parts['coin']} twice; leave one out")
        found[parts["coin"]] = value
    return market, FirstPrices(found)
