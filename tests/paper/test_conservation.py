"""Cash and positions are conserved, and reducers reduce, under a million random messages of every kind.

An ordinary run takes part of the million; PENSTOCK_STORM_MESSAGES=1000000 takes all of it. A failure names the chapter
and the smallest number of its messages after which the books are wrong.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pytest

from paper.messages import SubmitOrder
from paper.state import Account
from paper.venue import PaperVenue
from tests.paper.conservation_audit import Auditor
from tests.paper.conservation_storm import CHAPTER, INSTRUMENTS, chapter
from tests.paper.test_always import drive

MESSAGES = int(os.environ.get("PENSTOCK_STORM_MESSAGES", "150000"))
PARTS = 2                            # of as many chapters each
CHECK_EVERY = 40                     # messages between two audits of all accounts; fills are judged one by one


class Broken(AssertionError):
    """The books are wrong after so many messages of a chapter."""

    def __init__(self, number: int, messages: int, reason: str) -> None:
        super().__init__(f"chapter({number}) is broken after {messages} messages: {reason}")


def run_chapter(number: int, *, check_every: int) -> Counter[str]:
    """Send a chapter's messages to its venue under audit; return what happened. Raises Broken."""
    told = chapter(number)
    venue = PaperVenue(told.spec, INSTRUMENTS, told.accounts)
    assert drive(venue, told.opening()) == []
    auditor = Auditor(venue, told.accounts)
    for count, (now, message) in enumerate(told.messages(), start=1):
        if isinstance(message, SubmitOrder):
            auditor.send(message.request)
        try:
            auditor.hear(drive(venue, [(now, message)]))
            if count % check_every == 0 or count == CHAPTER:
                auditor.check()
        except AssertionError as error:
            raise Broken(number, count, f"{message}: {error}") from error
    return auditor.tally


def judge_chapter(number: int) -> Counter[str]:
    """Return what happened in a chapter; where it is broken, the smallest prefix that breaks it is told."""
    try:
        return run_chapter(number, check_every=CHECK_EVERY)
    except Broken:
        run_chapter(number, check_every=1)
        raise


@pytest.mark.parametrize("part", range(PARTS))
def test_venue_conserves_cash_and_positions_and_reducers_never_flip(part: int) -> None:
    """Every account has what it was told, all together what was brought in, and no reducing fill opened anything."""
    tally: Counter[str] = Counter()
    each = MESSAGES // CHAPTER // PARTS
    for number in range(part * each, (part + 1) * each):
        tally += judge_chapter(number)
    rare = ("LiquidationStage", "adl taker", "MarginCall", "FundingPaid", "AssetsExchanged", "OrderTriggered")
    assert all(tally[kind] >= each // 5 for kind in rare), tally
    often = ("ours maker", "ours taker", "reducing", "modelled", "recorded", "OrderEnded", "OrderRejected")
    assert all(tally[kind] > 10 * each for kind in often), tally


def _pay_short(account: Account, asset: str, amount: int) -> None:
    account.wallets[asset] = account.wallets.get(asset, 0) + amount - (asset == "BTC")


@pytest.mark.parametrize(
    ("place", "wrong", "reason"),
    [
        ("paper.matching.fillable", lambda _, order: order.leaves, "of a reducer did not only reduce"),
        ("paper.state.Account.pay", _pay_short, "'BTC'"),
    ],
    ids=["reducers fill whole", "coins vanish"],
)
def test_audit_finds_a_venue_that_is_wrong_and_says_from_which_message_on(
    monkeypatch: pytest.MonkeyPatch, place: str, wrong: Callable[..., object], reason: str
) -> None:
    """A storm that could not fail would prove nothing; and the prefix is the smallest one."""
    monkeypatch.setattr(place, wrong)
    with pytest.raises(Broken, match=rf"chapter\(1\) is broken after \d+ messages: .*{reason}") as found:
        judge_chapter(1)
    with pytest.raises(Broken) as again:
        run_chapter(1, check_every=1)
    assert str(again.value) == str(found.value)
