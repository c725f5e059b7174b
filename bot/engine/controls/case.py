"""One request and what it is judged by."""

from __future__ import annotations

import msgspec

from bot.domain.denials import DenialCode, Denied
from bot.domain.instrument import Instrument
from bot.domain.order import OrderClass, OrderRequest
from bot.domain.scale import to_text
from bot.engine.measures.columns import Columns
from bot.engine.measures.market import Market
from bot.engine.record.book import AccountBook, Book
from bot.engine.spec import LimitsSpec

SURVIVAL = frozenset({OrderClass.MARGIN, OrderClass.STOP})
REDUCING = frozenset({OrderClass.MARGIN, OrderClass.COST, OrderClass.STOP})


class Case(msgspec.Struct, frozen=True):
    """``mark`` is None where there is none, or one that no market has; then only a stop may pass."""

    request: OrderRequest
    position: int
    instrument: Instrument
    mark: int | None
    held: int                        # signed
    working: int                     # unsigned, of all our orders on the position
    book: Book
    columns: Columns
    market: Market
    limits: LimitsSpec
    now: int

    @property
    def account(self) -> AccountBook:
        return self.book.accounts[self.request.key.account]

    @property
    def is_stop(self) -> bool:
        return self.request.order_class is OrderClass.STOP

    @property
    def is_survival(self) -> bool:
        """True of what protects the account: neither doubt nor thrift may hold it up."""
        return self.request.order_class in SURVIVAL

    def is_overridden(self, code: DenialCode) -> bool:
        """True while a person lets the control of a code rest."""
        return self.now < self.account.overrides.get(code.name, 0)

    def deny(self, code: DenialCode, detail: str) -> Denied:
        return Denied(code, f"order: {detail}")

    def quantity_text(self, quantity: int) -> str:
        return to_text(quantity, self.instrument.quantity_digits)

    def price_text(self, price: int) -> str:
        return to_text(price, self.instrument.price_digits)
