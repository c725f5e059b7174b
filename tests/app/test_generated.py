"""Generated markets on the command line: replayed, run, and written as tapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.tapes.kinds import types_of
from bot.adapters.tapes.source import TapeKind
from bot.app.cli import main
from bot.app.generated import ScenarioMarket, open_generated, open_generated_tape
from bot.app.markets import FIRST_SECOND, GeneratedMarket, RecordedMarket
from bot.domain.errors import InputError
from bot.domain.market import ForcedTrade, FundingRate, OpenInterest
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
