"""Which adapter speaks to which exchange."""

from __future__ import annotations

from bot.adapters.ccxt.binance_api import BinanceApi
from bot.adapters.ccxt.exchange_api import ExchangeApi
from bot.adapters.ccxt.unified.api import UnifiedApi


def api_of(exchange_id: str) -> ExchangeApi:
    """Return Binance's own adapter for ``binanceusdm``, that of ccxt's unified methods for any other id."""
    return BinanceApi() if exchange_id == "binanceusdm" else UnifiedApi(exchange_id)
