"""Pages of an account: what is believed of them, and when."""

from __future__ import annotations

from typing import Any

from bot.adapters.ccxt.binance_account import Incomes, read_account, read_positions
from bot.adapters.ccxt.witnesses import Witnesses
from bot.domain.account import Balance, MarginMode, MarginReport, PositionKey, PositionReport, PositionSide
from bot.domain.events import FillOrigin, FundingPaid, Liquidity, OrderFilled
from bot.domain.order import Side
from bot.domain.scale import NS_PER_MS, NS_PER_SECOND
from tests.adapters.ccxt.samples import NOW, account_decoder

VIEW = account_decoder().view
BTC, ETH = PositionKey(0, 0), PositionKey(0, 1)


def position(symbol: str = "BTCUSDT", amount: str = "0.500", **more: Any) -> dict[str, Any]:
    return {
        "symbol": symbol, "positionSide": "BOTH", "positionAmt": amount, "unrealizedProfit": "-50.00000000",
        "isolatedMargin": "0", "notional": "29950.00000000", "isolatedWallet": "0", "initialMargin": "2995",
        "maintMargin": "119.8", "updateTime": 1_765_431_000_000,
    } | more


def page(*positions: dict[str, Any], updated: int = 1_765_431_050_000) -> dict[str, Any]:
    return {
        "totalMarginBalance": "9950", "totalMaintMargin": "119.8",
        "assets": [{"asset": "USDT", "walletBalance": "10000", "updateTime": updated}], "positions": list(positions),
    }


def fill(quantity: int, side: Side, key: PositionKey = BTC) -> OrderFilled:
    return OrderFilled(
        NOW, NOW, 0, "x", "t", key, side, 1, quantity, 0, Liquidity.TAKER, FillOrigin.OURS, False,
    )


def test_account_page_gives_wallet_position_and_entry() -> None:
    """Entry value is notional less profit: 0.5 at 60,000, whatever the mark is."""
    read = read_account(page(position()), VIEW, now=NOW, asked=0)
    assert read.snapshot.balances == (Balance("USDT", 10_000 * 10**8),)
    assert read.snapshot.positions == (PositionReport(BTC, 500, 30_000 * 10**8),)
    assert read.snapshot.margin == MarginReport(9_950 * 10**8, 11_980_000_000, ((0, 5_990_000),))


def test_account_page_is_as_of_its_newest_change_or_its_asking() -> None:
    """What it holds is known up to the later of the two, so that no fill counts twice and none is lost."""
    updated = 1_765_431_050_000
    for asked, taken in ((0, updated * NS_PER_MS), (updated * NS_PER_MS + 1, updated * NS_PER_MS + 1)):
        assert read_account(page(updated=updated), VIEW, now=NOW, asked=asked).snapshot.taken == taken


def test_account_page_names_positions_that_nobody_guards() -> None:
    """A market that is not configured is told by name; one that is flat is not."""
    read = read_account(page(position("XRPUSDT"), position("ADAUSDT", "0")), VIEW, now=NOW, asked=0)
    assert read.strays == ("XRPUSDT 0.500",)
    assert read.snapshot.positions == ()


def test_account_page_of_an_isolated_position_says_what_stands_behind_it() -> None:
    """The wallet of the position, without its profit."""
    view = account_decoder().view
    isolated = type(view)(view.account, view.marker, view.names, view.instruments, lambda _: MarginMode.ISOLATED)
    read = read_account(page(position(isolatedWallet="123.5")), isolated, now=NOW, asked=0)
    assert read.snapshot.positions[0].isolated_margin == 12_350_000_000


def test_witnesses_believe_what_both_pages_say() -> None:
    """The first reading has nothing to contradict it but the other page."""
    witnesses = Witnesses()
    read = read_account(page(position()), VIEW, now=NOW, asked=0)
    assert witnesses.doubts(read, {}) is not None
    assert witnesses.doubts(read, {BTC: 499}) is not None
    assert witnesses.doubts(read, read_positions([position()], VIEW)) is None
    assert witnesses.expected == {BTC: 500}


def test_witnesses_doubt_an_empty_page_until_it_lasts() -> None:
    """Both pages are empty at once, as under load: a person is not flat for that; five seconds later he is."""
    witnesses = Witnesses({BTC: 500, ETH: 1})

    def read(now: int) -> Any:
        return read_account(page(position("ETHUSDT", "0.001")), VIEW, now=now, asked=0)

    other = {ETH: 1}
    assert witnesses.doubts(read(NOW), other) is not None
    assert witnesses.doubts(read(NOW + 5 * NS_PER_SECOND - 1), other) is not None
    assert witnesses.doubts(read(NOW + 5 * NS_PER_SECOND), other) is None
    assert witnesses.expected == {ETH: 1}


def test_witnesses_begin_anew_when_the_position_was_seen_meanwhile() -> None:
    """Gone, there, gone: each time it must last."""
    witnesses = Witnesses({BTC: 500})
    empty = read_account(page(), VIEW, now=NOW, asked=0)
    late = read_account(page(), VIEW, now=NOW + 9 * NS_PER_SECOND, asked=0)
    assert witnesses.doubts(empty, {}) is not None
    assert witnesses.doubts(read_account(page(position()), VIEW, now=NOW, asked=0), {BTC: 500}) is None
    assert witnesses.doubts(late, {}) is not None


def test_witnesses_believe_at_once_what_fills_explain() -> None:
    """We sold it ourselves, or the venue did: the fill is the second witness."""
    witnesses = Witnesses({BTC: 500})
    witnesses.note(fill(500, Side.SELL))
    assert witnesses.doubts(read_account(page(), VIEW, now=NOW, asked=0), {}) is None


def test_incomes_tell_funding_once_and_nothing_from_before() -> None:
    """Each movement by its number; those before the start are in the first snapshot, and none of ours."""
    start = 1_765_431_000_000
    incomes = Incomes(start * NS_PER_MS)
    rows = [
        {"symbol": "BTCUSDT", "incomeType": kind, "income": "-1.5", "asset": "USDT", "time": time, "tranId": number}
        for kind, number, time in (
            ("FUNDING_FEE", 1, start - 60_000), ("FUNDING_FEE", 2, start + 5), ("FUNDING_FEE", 3, start + 5),
            ("COMMISSION", 4, start + 6),
        )
    ]
    found = list(incomes.facts(rows, VIEW, now=NOW))
    assert found == [FundingPaid(NOW, (start + 5) * NS_PER_MS, 0, BTC, 150_000_000)] * 2
    assert list(incomes.facts(rows, VIEW, now=NOW)) == []
    assert incomes.since == (start + 6) * NS_PER_MS


def test_funding_in_hedge_mode_is_booked_to_a_leg_that_exists() -> None:
    """The history names no leg; the engine has no net position there."""
    view = account_decoder().view
    hedged = type(view)(view.account, view.marker, view.names, view.instruments, view.mode_of, True)
    row = {"symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": "-1", "asset": "USDT", "time": 2, "tranId": 1}
    (paid,) = Incomes(0).facts([row], hedged, now=NOW)
    assert isinstance(paid, FundingPaid)
    assert paid.key.side is PositionSide.LONG
