"""Generated markets on the command line: replayed, run, and written as tapes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from bot.adapters.tapes.kinds import types_of
from bot.adapters.tapes.source import TapeKind
from bot.app.cli import main
from bot.app.generated import ScenarioMarket, open_generated, open_generated_tape
from bot.app.markets import FIRST_SECOND, GeneratedMarket, RecordedMarket
from bot.domain.errors import InputError
from bot.domain.market import ForcedTrade, FundingRate, OpenInterest, Trade
from paper.generate.facts import BTC_FACTS
from tests.app.runs import BTC, ETH, NEVER_FIRES, STRATEGIES, long_of, one_object, write_config


def test_open_generated_seed_alone_is_the_market_of_the_demonstration() -> None:
    """A number means what it always meant: the trades of that seed's crash."""
    market = open_generated("7", [BTC])
    assert isinstance(market, GeneratedMarket)
    assert market.seed == 7


@pytest.mark.parametrize(("text", "name", "seed"), [("calm", "calm", 3), ("funding_spike:12", "funding_spike", 12)])
def test_open_generated_name_and_seed_are_what_was_written(text: str, name: str, seed: int) -> None:
    """A market has the seed that is written behind it, else that of the demonstration."""
    market = open_generated(text, [BTC, ETH])
    assert isinstance(market, ScenarioMarket)
    assert (market.scenario.name, market.seed) == (name, seed)
    assert [instrument.symbol for instrument in market.instruments] == [BTC, ETH]
    assert market.sources[0].path == f"generated {name}, seed {seed}"
    assert market.span[0] == FIRST_SECOND


@pytest.mark.parametrize("text", ["", "crush", "calm:", "calm:-1", "calm:x", "calm:1:2", "-1", "Calm", "calm 1"])
def test_open_generated_unknown_market_is_refused_with_all_names(text: str) -> None:
    """Whatever is no market is answered with the markets there are."""
    with pytest.raises(InputError, match="calm, trend, gap, wick, crash, depeg, funding_spike"):
        open_generated(text, [BTC])


def test_open_generated_coin_without_a_model_is_refused_before_anything_is_written() -> None:
    """A configuration with a coin that the generator knows nothing of ends at once."""
    with pytest.raises(InputError, match="no figures of the coin, was XYZ"):
        open_generated("calm", [BTC, "XYZ/USDT:USDT"])


def test_open_generated_stablecoin_has_ticks_fine_enough_to_lose_its_peg() -> None:
    """A coin of one dollar is quoted in hundredths of a cent."""
    market = open_generated("depeg", [BTC, "USDC/USDT:USDT"])
    assert [instrument.price_digits for instrument in market.instruments] == [2, 4]


def test_open_generated_begins_where_it_is_told() -> None:
    """A position of today meets the crash at its own prices: the same market, at another scale."""
    plain, scaled = open_generated("7", [BTC, ETH]), open_generated("7,BTC=97_000", [BTC, ETH])
    pairs = list(islice(zip(trades_of(plain, 0), trades_of(scaled, 0), strict=False), 200))
    assert len(pairs) == 200
    for one, other in pairs:
        assert other.now == one.now
        assert other.price / one.price == pytest.approx(97_000 / BTC_FACTS.open_price, rel=2e-4)
    ethers = zip(trades_of(plain, 1), trades_of(scaled, 1), strict=False)
    assert all(one == other for one, other in islice(ethers, 200))
    assert plain.sources[0].path == "generated, seed 7"
    assert scaled.sources[0].path == "generated, seed 7, BTC from 97,000"


def trades_of(market: GeneratedMarket | ScenarioMarket, instrument: int) -> Iterator[Trade]:
    """The trades of one instrument, as they are made."""
    return (e for e in market.events(lambda _: 0) if isinstance(e, Trade) and e.instrument == instrument)


@pytest.mark.parametrize("market", ["3", "calm"])
@pytest.mark.parametrize(("first", "digits"), [("150.5", 2), ("10", 2), ("9.99", 4), ("1", 4), ("0.99", 5), ("0.1", 5)])
def test_open_generated_coin_without_figures_moves_once_it_has_a_price(market: str, first: str, digits: int) -> None:
    """What stands for it is said, and cheap coins are quoted in finer ticks."""
    found = open_generated(f"{market},SOL={first}", ["SOL/USDT:USDT"])
    assert found.instruments[0].price_digits == digits
    assert found.modelled[-1] == "SOL: nothing was measured of it; it moves 1.2 times as far as BTC, and by itself"
    trade = next(trades_of(found, 0))
    assert trade.price / 10**digits == pytest.approx(float(first), rel=0.02)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("crash,", "was ''"),
        ("crash,btc=97000", "was 'btc=97000'"),
        ("3,BTC", "was 'BTC'"),
        ("3,BTC=-1", "was 'BTC=-1'"),
        ("3,BTC=nan", "was 'BTC=nan'"),
        ("3,BTC=97,000", "was '000'"),
        ("3,BTC=0.09", "must be 0.1 to 10,000,000, was 0.09 for BTC"),
        ("3,BTC=10_000_001", "must be 0.1 to 10,000,000"),
        ("3,BTC=1,BTC=2", "was BTC twice"),
        ("3,ETH=200", "a coin that is not traded, was ETH; traded are BTC"),
        (",BTC=200", "is no market that can be generated"),
    ],
)
def test_open_generated_first_price_that_cannot_be_is_refused(text: str, said: str) -> None:
    """The message says what was read and what to write."""
    with pytest.raises(InputError, match=re.escape(said)):
        open_generated(text, [BTC])


@pytest.mark.parametrize("market", ["3", "calm"])
def test_open_generated_unknown_coin_is_told_to_say_where_it_begins(market: str) -> None:
    """Both kinds of generated market refuse it in the same words."""
    with pytest.raises(InputError, match="say where it begins, such as 3,XYZ=150"):
        open_generated(market, ["XYZ/USDT:USDT"])


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gap on BTC, written by the verb."""
    path = tmp_path_factory.mktemp("tapes") / "gap.tape"
    assert main(["tape", "generate", "gap:5", "--out", str(path), "--json"]) == 0
    return path


def test_tape_generate_writes_what_is_generated(tape: Path) -> None:
    """A generated market read back from its tape is the same facts, of every kind, in the same order."""
    recorded = RecordedMarket.open([f"{BTC}={tape}"], [BTC])
    generated = open_generated("gap:5", [BTC])
    told = list(generated.events(lambda _: 0))
    assert recorded.instruments[0].price_digits == generated.instruments[0].price_digits
    assert list(recorded.events(lambda _: 0)) == told
    assert {FundingRate, OpenInterest, ForcedTrade} <= {type(fact) for fact in told}


def test_tape_generate_of_one_kind_holds_that_kind_alone(tmp_path: Path) -> None:
    """``SYMBOL@KIND=MARKET`` takes one kind of it, which then fits into columns."""
    out = tmp_path / "rates.csv"
    words = f"{ETH}@funding=gap:5"
    assert main(["tape", "generate", words, "--out", str(out)]) == 0
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "received_ns,ts_ns,funding_rate,next_at_ns"
    assert len(lines) == 1 + 6 * 60, "one a minute for six hours"
    assert open_generated_tape(words).types == types_of(TapeKind.FUNDING)


def test_tape_generate_unknown_market_ends_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written for a name that is none."""
    assert main(["tape", "generate", "gasp", "--out", str(tmp_path / "x.tape")]) == 2
    assert "tape generate gasp: is no market" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_replay_generate_takes_an_account_through_a_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole program over books and marks: the summary says what was generated, and fills are the book's."""
    config = write_config(
        tmp_path, {BTC: long_of("1.5")}, usdt="1200", books=[STRATEGIES / "margin_guard.yaml"], instruments=[BTC]
    )
    code = main(["replay", str(config), "--generate", "gap:5", "--json"])
    summary = one_object(capsys.readouterr().out)
    assert code in (0, 5)
    assert summary["tape"]["modelled"][0].startswith("market: generated, gap, seed 5")
    assert summary["fires"], "ten times the equity does not sleep through a gap of percents"
    assert summary["fills"]
    assert not all(fill["modelled"] for fill in summary["fills"])


@pytest.mark.parametrize("more", [[], ["--tape", "x.csv", "--generate", "gap"]], ids=["none", "both"])
def test_replay_without_exactly_one_sort_of_prices_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    """Prices are recorded or generated, not both and not neither."""
    config = write_config(tmp_path, {}, usdt="1000", books=[NEVER_FIRES], instruments=[BTC])
    assert main(["replay", str(config), *more]) == 2
    assert "either --tape or --generate" in capsys.readouterr().err
