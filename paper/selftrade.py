"""What becomes of two orders of one account that would trade with each other.

    mode of the arriving order   arriving     resting
    ALLOW (Binance: NONE)        trades       trades
    EXPIRE_TAKER                 rest expires stays
    EXPIRE_MAKER                 goes on      expires
    EXPIRE_BOTH                  rest expires expires

Source: Binance USD-M futures API, "Self Trade Prevention (STP) FAQ": the mode of the taker order counts.
"""

from __future__ import annotations

from bot.domain.order import SelfTrade

TAKER_EXPIRES = frozenset({SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH})
MAKER_EXPIRES = frozenset({SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH})
