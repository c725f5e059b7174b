"""Prices from a venue's stream, as domain facts: strictly, or as a failure that is told, never as an exception.

What a message of a kind looks like is written down once, in ``bot.adapters.tapes.messages``, since a tape of a
stream is that stream. Live there is more to refuse: a quote that is crossed or priced at zero, numbers that run
backwards within one change. A refused message is a ``DecodeFailed``: nothing is decided by it,
and whoever gets it counts it, tells a person, and lets the market go stale if no good one comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.adapters.ccxt.failures import SHAPES, DecodeFailed, failure
from bot.adapters.tapes.faults import FaultReason
from bot.adapters.tapes.markets import Scales, Target
from bot.adapters.tapes.messages import DECODERS, Message, read_envelope
from bot.adapters.tapes.rows import BadRow, plausible
from bot.domain.instrument import Instrument
from bot.domain.market import BookUpdate, FundingRate, MarketEvent, MarketFact, OpenInterest, Quote


def target_of(instrument: Instrument) -> Target:
    """Return at which scales numbers of an instrument are read."""
    return Target(
        instrument.index,
        Scales(price_digits=instrument.price_digits, quantity_digits=instrument.quantity_digits),
    )


def as_it_is(stamp: int) -> int:
    """Return a stamp of a clock that is ours."""
    return stamp


class MarketDecoder:
    """Decodes messages of the markets in ``targets``, which go by the venue's own symbols ("BTCUSDT").

    ``ours`` says when a stamp of the venue was by our clock.
    """

    def __init__(self, targets: Mapping[str, Target], ours: Callable[[int], int] = as_it_is) -> None:
        self._targets = targets
        self._ours = ours

    def decode(self, now: int, parsed: object) -> list[MarketFact | DecodeFailed]:
        """Return the facts and failures of one message as JSON gave it; nothing for kinds and markets we do not use.

        ``now`` is ns. A stamp of the venue later than that counts as now: nothing is fresher than new.
        """
        try:
            messages = read_envelope(parsed)
        except BadRow as bad:
            return [failure(now, "", bad.reason.value, parsed)]
        except SHAPES as error:
            return [failure(now, "", error, parsed)]
        found: list[MarketFact | DecodeFailed] = []
        for message in messages:
            decode = DECODERS.get(message.name)
            if decode is None:
                continue
            try:
                target = self._targets.get(message.market)
                if target is None:
                    continue
                facts = decode(message, target, now, self._stamp(message, now))
                for fact in facts:
                    _check(fact)
                found += facts  # type: ignore[arg-type]  # every MarketEvent that a decoder makes is one
            except BadRow as bad:
                if bad.reason is not FaultReason.NO_FACT:
                    found.append(failure(now, message.name, bad.reason.value, message.body))
            except SHAPES as error:
                found.append(failure(now, message.name, error, message.body))
        return found

    def _stamp(self, message: Message, now: int) -> int:
        if message.stamp is None:
            raise BadRow(FaultReason.STAMP_MISSING)
        return min(self._ours(plausible(message.stamp)), now)


def _check(fact: MarketEvent) -> None:
    """Raise BadRow for what no market can be, though each number of it is one."""
    match fact:
        case Quote():
            for price, quantity in ((fact.bid, fact.bid_quantity), (fact.ask, fact.ask_quantity)):
                if (price == 0) is not (quantity == 0):      # both zero is an empty side
                    raise BadRow(FaultReason.PRICE_NOT_POSITIVE)
            if fact.bid >= fact.ask > 0:
                raise BadRow(FaultReason.QUOTE_CROSSED)
        case BookUpdate():
            if fact.first > fact.last or fact.previous > fact.last or fact.last <= 0:
                raise BadRow(FaultReason.NUMBER_INVALID)
            if fact.is_snapshot and fact.bids and fact.asks and max(fact.bids)[0] >= min(fact.asks)[0]:
                raise BadRow(FaultReason.QUOTE_CROSSED)
        case FundingRate():
            plausible(fact.next_at)
        case OpenInterest() if fact.quantity < 0:
            raise BadRow(FaultReason.VOLUME_NEGATIVE)
