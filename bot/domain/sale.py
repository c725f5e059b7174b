"""What a person asks to be let out once, beside all rules: so much of a position, or until so much cash can leave.

A sale is one by its name: said again under the same name, it is the same sale. What is held short is bought back.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain.account import PositionKey

PART = " #"                          # in the names of the other parts of a sale; no person's name has it


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """How it is sold, as in a rule's ``execute:``; ``over`` is in ns, 0 for at once; ratios are fractions."""

    over: int
    tactic: str
    participation_max: float | None = None
    collar: float | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """Exactly one of ``quantity`` (unsigned, at the instrument's scale) and ``share`` (of what is held, a fraction).

    Or, without a ``key``, ``cash``: so much, at 10^-8 of the account's currency, is to be free to leave, and what is
    kept then stands ``distance`` from liquidation, a fraction. The engine makes of it a sale of every position that it
    cuts: the first has the name, the others ``PART`` and a number after it.
    """

    name: str
    key: PositionKey | None
    terms: SaleTerms
    quantity: int | None = None
    share: float | None = None
    cash: int | None = None
    distance: float | None = None

    def is_of(self, name: str) -> bool:
        """True of the sale of that name, and of its other parts."""
        return self.name == name or self.name.startswith(name + PART)


@dataclass(frozen=True, slots=True)
class SaleOffer:
    """What a sale comes to at the mark when it was said; cash, unsigned; costs are estimates.

    ``cost`` is that of ``slices`` equal orders between which the market recovers, ``cost_at_once`` that of one.
    ``length`` is how long it takes at the volume of lately, ns, never less than its terms say.
    """

    key: PositionKey
    quantity: int
    keep: int                        # unsigned, of the position
    mark: int
    value: int
    slices: int
    cost: int
    cost_at_once: int
    length: int


@dataclass(frozen=True, slots=True)
class TakeSale:
    """A sale was taken up and is a part of ``episode``; several of one position share an episode."""

    account: int
    sale: Sale
    episode: int
    offer: SaleOffer
    by: str
    now: int


@dataclass(frozen=True, slots=True)
class RefuseSale:
    """A sale was refused for good; another try needs another name."""

    account: int
    sale: Sale
    why: str
    by: str
    now: int


@dataclass(frozen=True, slots=True)
class QuoteSale:
    """What a sale would come to, or why it would be refused; nothing was done."""

    account: int
    sale: Sale
    offer: SaleOffer | None
    why: str
    now: int
