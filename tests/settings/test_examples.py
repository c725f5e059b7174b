"""The files that DESIGN shows, and what binding promises about them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.units import Money, Place, SourceText
from bot.settings.errors import SettingsError
from bot.settings.load import load, load_text
from tests.settings.specs import (
    MARGIN_GUARD_YAML,
    PENSTOCK_YAML,
    STOP_LOSS_YAML,
    Close,
    Deleverage,
    DeleverageTo,
    Execute,
    Mode,
    Penstock,
    Reduce,
    RuleBook,
    StartPosition,
)

NS = 1_000_000_000


def book(text: str) -> RuleBook:
    return load_text(text, "book.yaml", RuleBook, {})


def test_load_text_of_designs_config_binds_every_value() -> None:
    """The configuration that the design shows becomes typed values, exact where they are exact."""
    settings = load_text(PENSTOCK_YAML, "config/penstock.yaml", Penstock, {"BINANCE_KEY": "abc"})
    main = settings.accounts["main"]
    assert main.exchange.id == "binanceusdm"
    assert main.exchange.api_key is not None
    assert main.exchange.api_key.reveal() == "abc"
    assert main.mode is Mode.PAPER
    assert main.instruments == ("BTC/USDT:USDT", "ETH/USDT:USDT")
    assert (main.survival.distance, main.survival.sigmas, main.survival.distance_max) == (0.025, 3.0, 0.04)
    assert (main.blind.verify_stop, main.blind.else_reduce) == (True, 0.5)
    assert main.paper is not None
    assert main.paper.balances == {"USDT": Decimal(1200)}
    assert main.paper.positions == {"BTC/USDT:USDT": StartPosition(Decimal("1.5"), "first")}
    assert (main.paper.leverage, main.paper.margin_mode) == (20, "cross")
    assert (main.paper.fees.maker, main.paper.fees.taker) == (0.0002, 0.0005)
    assert main.paper.latency == 50_000_000
    assert settings.limits.order_notional_max == Money(Decimal(250_000), "USDT")
    assert (settings.limits.price_collar, settings.limits.order_rate_max) == (0.02, 10.0)
    assert settings.strategies == (
        Path("config/../strategies/stop_loss.yaml"), Path("config/../strategies/margin_guard.yaml"),
    )


def test_load_text_of_designs_margin_guard_keeps_order_and_nested_variants() -> None:
    """Rules stay in the order written, and a remedy with a body becomes its own dataclass."""
    rules = book(MARGIN_GUARD_YAML).rules
    assert list(rules) == ["margin_guard", "margin_emergency"]
    guard = rules["margin_guard"]
    assert guard.do == Deleverage(DeleverageTo(liquidation_distance=0.3))
    assert guard.hold == NS
    assert guard.clear == SourceText("account.liquidation_distance > 25%", Place("book.yaml", 7, 12))
    assert guard.execute == Execute("twap", 600 * NS, None, 0.1, 0.01)
    assert rules["margin_emergency"].execute == Execute(tactic="ladder")


def test_load_text_of_designs_stop_loss_reads_a_bare_word_as_a_remedy() -> None:
    """``do: close`` needs no braces, because closing needs no details."""
    rule = book(STOP_LOSS_YAML).rules["stop_loss"]
    assert rule.do == Close()
    assert rule.when == SourceText("position.loss_ratio > 8%", Place("book.yaml", 5, 11))
    assert rule.place == Place("book.yaml", 4, 5)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("do: close", Close()),
        ("do: {close: {}}", Close()),
        ("do:\n      close:", Close()),
        ("do: {reduce: 50%}", Reduce(0.5)),
        ("do: {reduce: {share: 50%}}", Reduce(0.5)),
        ("do: {deleverage: {to: {leverage: 3}}}", Deleverage(DeleverageTo(leverage=Decimal(3)))),
    ],
)
def test_variant_in_each_of_its_forms_binds(written: str, expected: object) -> None:
    """A remedy is a word, a word with one value, or a word with named values."""
    text = f"rules:\n  r:\n    for_each: position\n    when: x > 1\n    {written}\n"
    assert book(text).rules["r"].do == expected


def test_field_with_trailing_underscore_reads_the_key_without_it() -> None:
    """``slice`` is a word of Python, so the field is ``slice_`` and the key is not."""
    text = STOP_LOSS_YAML.replace("over: 3m", "over: 3m, slice: 5s")
    assert book(text).rules["stop_loss"].execute.slice_ == 5 * NS


@pytest.mark.parametrize(
    ("style", "written"),
    [
        ("plain", "x > 1 and y < @"),
        ("double quotes", '"x > 1 and y < @"'),
        ("single quotes", "'  x > 1 and y < @'"),
        ("plain over two lines", "x > 1\n         and y < @"),
        ("double quotes over two lines", '"x > 1\n  and y < @"'),
        ("literal block", "|\n      x > 1\n\n      and y < @"),
        ("literal block after a blank line", "|\n\n      x > 1\n        and y < @"),
        ("folded block", ">-\n      x > 1\n      and y < @\n"),
    ],
)
def test_source_text_in_every_style_maps_an_offset_to_its_place_in_the_file(style: str, written: str) -> None:
    """An error inside an expression can be shown at its column, however the text was laid out."""
    text = f"rules:\n  r:\n    when: {written}\n    for_each: position\n    do: close\n"
    source = book(text).rules["r"].when
    before = source.text[:source.text.index("@")]
    line = source.place.line + before.count("\n")
    column = len(before) - before.rfind("\n") if "\n" in before else source.place.column + len(before)
    assert text.splitlines()[line - 1][column - 1] == "@", style
    assert source.text.split() == ["x", ">", "1", "and", "y", "<", "@"]


def test_source_text_with_escapes_is_what_they_stand_for() -> None:
    """Where escapes forbid an exact place the text is still right."""
    text = 'rules: {r: {when: "market(\\"BTC/USDT:USDT\\").mid > 1", for_each: market, do: close}}'
    assert book(text).rules["r"].when.text == 'market("BTC/USDT:USDT").mid > 1'


def test_path_is_relative_to_the_file_that_holds_it(tmp_path: Path) -> None:
    """A configuration can be started from any folder."""
    file = tmp_path / "config" / "penstock.yaml"
    file.parent.mkdir()
    file.write_text(PENSTOCK_YAML, encoding="utf-8")
    settings = load(file, Penstock, {})
    assert settings.strategies[0] == file.parent / "../strategies/stop_loss.yaml"


def test_path_that_is_absolute_stays_as_it_is() -> None:
    """An absolute path means the same wherever the file lies."""
    text = PENSTOCK_YAML.replace("../strategies/stop_loss.yaml", "/etc/penstock/stop.yaml")
    settings = load_text(text, "config/penstock.yaml", Penstock, {})
    assert settings.strategies[0] == Path("/etc/penstock/stop.yaml")


def test_load_of_windows_text_with_mark_and_crlf_gives_the_same_places(tmp_path: Path) -> None:
    """A file saved by a Windows editor reads the same, and its errors point at the same place."""
    file = tmp_path / "book.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + STOP_LOSS_YAML.replace("\n", "\r\n").encode())
    rule = load(file, RuleBook, {}).rules["stop_loss"]
    assert rule.when == SourceText("position.loss_ratio > 8%", Place(str(file), 5, 11))


def test_error_of_a_spec_that_names_a_key_points_at_its_value() -> None:
    """What a dataclass refuses in its own check is shown where the value was written."""
    text = PENSTOCK_YAML.replace("distance: 2.5%, sigmas", "distance: 5%, sigmas")
    with pytest.raises(SettingsError) as caught:
        load_text(text, "c.yaml", Penstock, {})
    assert str(caught.value) == (
        "c.yaml:10:26: accounts.main.survival.distance: must not be above distance_max, was '5%'; lower it"
    )


def test_error_of_a_spec_about_its_mapping_points_at_the_mapping() -> None:
    """A check over several keys is shown where they begin."""
    text = MARGIN_GUARD_YAML.replace("{liquidation_distance: 30%}", "{liquidation_distance: 30%, leverage: 3}")
    with pytest.raises(SettingsError) as caught:
        book(text)
    assert str(caught.value) == (
        "book.yaml:8:27: rules.margin_guard.do.deleverage.to: needs exactly one of liquidation_distance and "
        "leverage, was the keys liquidation_distance, leverage; change it"
    )
