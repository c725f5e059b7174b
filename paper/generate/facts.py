"""What was published of 12 and 13 March 2020: what the generated crash is calibrated to and measured against.

The figures are facts about recorded prices, typed in by hand; no generator reads a recording. Anyone can check
them against Binance's public spot minute candles (data.binance.vision, BTCUSDT and ETHUSDT, 1m).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SOURCE: Final = "Binance spot, one-minute candles of 2020-03-12 00:00 to 2020-03-13 12:00 UTC"


@dataclass(frozen=True, slots=True)
class CrashFacts:
    """One underlying's two days. Prices in USDT, ratios are fractions (a fall is negative), times in UTC.

    ``worst_hour`` is the lowest value of a minute's low over the highest high of the 60 minutes that end with
    it, less one. Correlation, kurtosis (3 for a normal law) and deviation are of log returns of minute closes.
    """

    underlying: str
    open_price: float                # first price of 12 March
    low: float
    low_at: str
    worst_hour: float
    worst_hour_ends: str
    rebound_high: float              # highest price after the low, until 12:00 on 13 March
    close_price: float               # last price before 12:00 on 13 March
    minute_sigma: float
    minute_kurtosis: float
    source: str = SOURCE


BTC_FACTS: Final = CrashFacts(
    underlying="BTC", open_price=7_934.58, low=3_782.13, low_at="2020-03-13 02:16",
    worst_hour=-0.2478, worst_hour_ends="2020-03-12 10:48", rebound_high=5_700.0, close_price=5_403.56,
    minute_sigma=0.00797, minute_kurtosis=24.8,
)
ETH_FACTS: Final = CrashFacts(
    underlying="ETH", open_price=194.61, low=86.0, low_at="2020-03-13 02:16",
    worst_hour=-0.2717, worst_hour_ends="2020-03-12 11:01", rebound_high=138.0, close_price=127.6,
    minute_sigma=0.00906, minute_kurtosis=17.9,
)
MINUTE_CORRELATION: Final = 0.870    # of BTC's and ETH's minute returns, same source
