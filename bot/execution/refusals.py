"""What a venue's refusal of an order means for the next one; adapters say it in Binance's codes.

Source: Binance USD-M futures API, "Error Codes" (read 2026-11).
"""

from __future__ import annotations

PRICE_REFUSED = frozenset({"-4016", "-4024", "-4131"})   # outside the band around the mark: PERCENT_PRICE
WOULD_TAKE = "-5022"                 # a post-only order that would have traded at once
