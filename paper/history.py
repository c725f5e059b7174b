"""What a client was told without asking, kept so that it can be told again: nobody could ask for it by name.

Our own orders need no room here: they are kept as orders, and told again from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec

from bot.domain.events import (
    AssetsExchanged,
    CashMoved,
    FundingPaid,
    LiquidationStage,
    MarginCall,
    OpenOrderGone,
    OpenOrderSeen,
    OrderFilled,
)
from paper.state import Account, Told

TOLD_KEPT = 1_000                    # months of funding on one position; each is copied with every snapshot
Unasked = (
    AssetsExchanged | CashMoved | FundingPaid | LiquidationStage | MarginCall
    | OpenOrderGone | OpenOrderSeen | OrderFilled
)
_KINDS: dict[str, type[Unasked]] = {
    kind.__name__: kind
    for kind in (
        AssetsExchanged, CashMoved, FundingPaid, LiquidationStage, MarginCall,
        OpenOrderGone, OpenOrderSeen, OrderFilled,
    )
}


def keep(account: Account, fact: Unasked) -> Unasked:
    """Remember ``fact``, which carries the newest number, and return it; the oldest is forgotten."""
    account.told.append(Told(type(fact).__name__, msgspec.Raw(msgspec.json.encode(fact))))
    del account.told[:-TOLD_KEPT]
    return fact


def after(account: Account, number: int, *, now: int) -> Iterator[Unasked]:
    """Yield what is kept and numbered above ``number``, oldest first, as told at ``now``."""
    oldest = account.numbered - len(account.told) + 1
    for told in account.told[max(0, number + 1 - oldest):]:
        yield replace(msgspec.json.decode(told.fact, type=_KINDS[told.kind]), now=now)
