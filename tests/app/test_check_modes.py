"""`penstock check` over accounts with several margin pools: what it refuses, and what it warns of."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.app.loading import load_all
from bot.app.verbs.check import describe
from bot.domain.errors import InputError
from tests.app.books import write_book
from tests.app.runs import BTC, ETH, NEVER_FIRES, STRATEGIES

GUARD = STRATEGIES / "margin_guard.yaml"


def warnings(folder: Path, case: str, *books: str | Path) -> list[str]:
    config, _ = write_book(folder, case, *books)
    found = describe(load_all(config, {}))["warnings"]
    assert isinstance(found, list)
    return found


def refusal(folder: Path, instruments: str, paper: str, beside: str = "") -> str:
    """What is said of an account that cannot be."""
    (folder / "never.yaml").write_text(NEVER_FIRES, encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(
        f"accounts:\n  main:\n    instruments: [{instruments}]\n{beside}    paper: {{{paper}}}\n"
        "strategies: [never.yaml]\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        load_all(config, {})
    return str(caught.value)


def test_check_says_that_deleveraging_closes_isolated_positions_whole(tmp_path: Path) -> None:
    """A person who wants half sold must not be surprised; a stop alone is no matter."""
    assert sum("closed whole" in line for line in warnings(tmp_path, "isolated long", GUARD)) == 2
    assert not any("closed whole" in line for line in warnings(tmp_path, "isolated long", NEVER_FIRES))
    assert not any("closed whole" in line for line in warnings(tmp_path, "hedged", GUARD))


@pytest.mark.parametrize(
    ("case", "is_told"),
    [("inverse long", True), ("isolated long", True), ("backed by a coin", True), ("hedged", False)],
)
def test_check_says_where_it_cannot_tell_prices_before_a_run(tmp_path: Path, case: str, is_told: bool) -> None:
    """The formula is that of one linear pool, and legs of one market are that, too."""
    assert any("is not worked out" in line for line in warnings(tmp_path, case, GUARD)) is is_told


def test_check_refuses_two_settlement_currencies_in_one_account(tmp_path: Path) -> None:
    """USDT and BTC are two purses: one cannot pay for the other's losses."""
    said = refusal(tmp_path, f"'{BTC}', 'BTC/USD:BTC'", "balances: {USDT: 1}")
    assert "settle in USDT and BTC" in said and "one account for each" in said


def test_check_refuses_collateral_that_nothing_prices(tmp_path: Path) -> None:
    """A coin counts by the mark of a market that the account has; a dollar of another name is worth a dollar."""
    beside = "    collateral: {BTC: 95%, USDC: 99%}\n"
    said = refusal(tmp_path, f"'{ETH}'", "balances: {USDT: 1, BTC: 1}", beside)
    assert "nothing prices BTC; add BTC/USDT:USDT" in said


def test_check_refuses_collateral_behind_inverse_contracts(tmp_path: Path) -> None:
    """They are margined in their coin alone."""
    said = refusal(tmp_path, "'BTC/USD:BTC'", "balances: {BTC: 1}", "    collateral: {USDT: 95%}\n")
    assert "backs linear contracts only" in said


def test_check_refuses_a_symbol_that_is_no_perpetual(tmp_path: Path) -> None:
    """Spot, and a settlement currency that is neither of the pair's."""
    for symbol in ("BTC/USDT", "BTC/USDT:ETH", "BTC/USDT:BTC"):
        assert "only perpetuals" in refusal(tmp_path, f"'{symbol}'", "balances: {USDT: 1}")
