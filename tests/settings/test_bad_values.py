"""Values that do not fit their key: each with the place and the cure that its author is shown."""

from __future__ import annotations

import pytest

from bot.settings.errors import SettingsError
from bot.settings.load import load_text
from tests.settings.specs import PENSTOCK_YAML, STOP_LOSS_YAML, Penstock, RuleBook

# name: (what the good file says, what stands there instead, line:column, found, a part of the cure)
CONFIG = {
    "unknown key": ("mode: paper ", "mood: paper ", "8:5", "'mood'", "did you mean mode?"),
    "unknown key lists all": ("limits:", "limit:", "19:1", "'limit'", "accounts, limits, strategies"),
    "unknown key in braces": ("{verify_stop", "{verifystop", "11:13", "'verifystop'", "did you mean verify_stop?"),
    "unknown key, other case": ("apiKey: ", "APIKEY: ", "6:7", "'APIKEY'", "did you mean apiKey?"),
    "field name instead of key": ("apiKey: ", "api_key: ", "6:7", "'api_key'", "did you mean apiKey?"),
    "unknown key like none": ("limits:", "zzz:", "19:1", "'zzz'", "possible: accounts"),
    "missing key": ("      id: binanceusdm\n", "", "5:7", "the keys apiKey, secret", "add `id: ...`"),
    "missing key of all": ("{maker: 2bps, taker: 5bps}", "{}", "17:13", "an empty mapping", "add `maker: ...`"),
    "empty section": ("{verify_stop: true, else_reduce: 50%}", "", "11:11", "empty", "remove it"),
    "text for a section": ("{verify_stop: true, else_reduce: 50%}", "yes", "11:12", "'yes'", "key: value"),
    "list for a section": ("{verify_stop: true, else_reduce: 50%}", "[yes]", "11:12", "a list", "key: value"),
    "text for a list": ('["BTC/USDT:USDT", "ETH/USDT:USDT"]', "BTC", "9:18", "'BTC'", "[a, b]"),
    "section for a list": ('["BTC/USDT:USDT", "ETH/USDT:USDT"]', "{a: 1}", "9:18", "a mapping", "[a, b]"),
    "list for a word": ("mode: paper ", "mode: [paper] ", "8:11", "a list", "write paper"),
    "null in a list": ('["BTC/USDT:USDT", ', "[~, ", "9:19", "'~'", "remove the key"),
    "enum misspelled": ("mode: paper ", "mode: papre ", "8:11", "'papre'", "mean paper? possible: paper, demo, live"),
    "enum in capitals": ("mode: paper ", "mode: LIVE ", "8:11", "'LIVE'", "did you mean live?"),
    "enum empty": ("mode: paper ", "mode: ", "8:10", "empty", "remove the key"),
    "literal misspelled": ("margin_mode: cross", "margin_mode: crossed", "16:20", "'crossed'", "did you mean cross?"),
    "text missing": ("id: binanceusdm", "id: ", "5:10", "empty", "text"),
    "text null": ("id: binanceusdm", "id: null", "5:11", "'null'", "remove the key"),
    "text from the environment": ("id: binanceusdm", "id: env:VENUE", "5:11", "'env:VENUE'", "the value itself"),
    "switch on": ("verify_stop: true", "verify_stop: on", "11:26", "'on'", "write true"),
    "switch yes": ("verify_stop: true", "verify_stop: yes", "11:26", "'yes'", "write true"),
    "switch NO": ("verify_stop: true", "verify_stop: NO", "11:26", "'NO'", "write false"),
    "switch True": ("verify_stop: true", "verify_stop: True", "11:26", "'True'", "write true"),
    "switch 0": ("verify_stop: true", "verify_stop: 0", "11:26", "'0'", "write false"),
    "switch quoted": ("verify_stop: true", 'verify_stop: "true"', "11:26", "text in quotes", "remove the quotes"),
    "switch other": ("verify_stop: true", "verify_stop: maybe", "11:26", "'maybe'", "true or false"),
    "integer octal": ("leverage: 20", "leverage: 010", "15:17", "'010'", "octal"),
    "integer 0o": ("leverage: 20", "leverage: 0o17", "15:17", "'0o17'", "decimal"),
    "integer hexadecimal": ("leverage: 20", "leverage: 0x1F", "15:17", "'0x1F'", "decimal"),
    "integer sexagesimal": ("leverage: 20", "leverage: 1:30", "15:17", "'1:30'", "base 60"),
    "integer with exponent": ("leverage: 20", "leverage: 1e3", "15:17", "'1e3'", "write 1000"),
    "integer with point": ("leverage: 20", "leverage: 20.0", "15:17", "'20.0'", "write 20"),
    "integer with fraction": ("leverage: 20", "leverage: 2.5", "15:17", "'2.5'", "without a fraction"),
    "integer quoted": ("leverage: 20", 'leverage: "20"', "15:17", "text in quotes, '20'", "remove the quotes"),
    "integer with unit": ("leverage: 20", "leverage: 20x", "15:17", "'20x'", "decimal number"),
    "integer true": ("leverage: 20", "leverage: true", "15:17", "'true'", "decimal number"),
    "integer with double underscore": ("leverage: 20", "leverage: 2__0", "15:17", "'2__0'", "1_000"),
    "integer with last underscore": ("leverage: 20", "leverage: 20_", "15:17", "'20_'", "1_000"),
    "integer of 5000 digits": ("leverage: 20", "leverage: " + "9" * 5000, "15:17", "'999", "at most 28 digits"),
    "integer of 19 digits": ("leverage: 20", "leverage: " + "9" * 19, "15:17", "'999", "18 digits before the point"),
    "integer in other digits": ("leverage: 20", "leverage: \u0662\u0660", "15:17", "'", "decimal number"),
    "number NaN": ("amount: 1.5", "amount: .nan", "14:45", "'.nan'", "finite"),
    "number nan": ("amount: 1.5", "amount: NaN", "14:45", "'NaN'", "finite"),
    "number infinite": ("amount: 1.5", "amount: -.inf", "14:45", "'-.inf'", "finite"),
    "number with comma": ("amount: 1.5", 'amount: "1,5"', "14:45", "text in quotes", "remove the quotes"),
    "number with thousands": ("USDT: 1_200", "USDT: 1'200", "13:24", '"1\'200"', "1_000"),
    "number without first digit": ("amount: 1.5", "amount: .5", "14:45", "'.5'", "before the point"),
    "number without last digit": ("amount: 1.5", "amount: 1.", "14:45", "'1.'", "after the point"),
    "number huge by exponent": ("amount: 1.5", "amount: 1e99", "14:45", "'1e99'", "18 digits before the point"),
    "number of a long exponent": ("amount: 1.5", "amount: 1e999999999", "14:45", "'1e999999999'", "decimal number"),
    "number with 19 decimals": ("amount: 1.5", "amount: 1e-19", "14:45", "'1e-19'", "18 after"),
    "word or number misspelled": ("entry_price: first", "entry_price: frist", "14:63", "'frist'", "or write first"),
    "null where none is allowed": ("entry_price: first", "entry_price: ~", "14:63", "'~'", "or write first"),
    "ratio with two percents": ("price_collar: 2%", "price_collar: 2%%", "21:17", "'2%%'", "25bps"),
    "ratio above one": ("price_collar: 2%", "price_collar: 2", "21:17", "'2'", "2% or 200%"),
    "money without currency": ("250_000 USDT", "250_000", "20:23", "'250_000'", "a currency"),
    "duration without unit": ("latency: 50ms", "latency: 50", "18:16", "'50'", "50s"),
    "rate without unit": ("10/s", "10", "23:19", "'10'", "10/s"),
    "path empty": ("../strategies/stop_loss.yaml", '""', "24:14", "empty", "one line"),
    "path from home": ("../strategies/stop_loss.yaml", "~/stop.yaml", "24:14", "'~/stop.yaml'", "the whole path"),
    "secret in the file": ("env:BINANCE_KEY", "c4n4ry", "6:15", "something else (not shown)", "write env:NAME"),
    "secret with a number for a name": ("env:BINANCE_KEY", "env:4c4n4ry", "6:15", "something else", "write env:NAME"),
    "secret in a list": ("env:BINANCE_KEY", "[c4n4ry]", "6:15", "something else", "write env:NAME"),
    "secret like a tag": ("env:BINANCE_KEY", "!c4n4ry", "6:15", "'!'", "in quotes"),
    "secret like an anchor": ("env:BINANCE_KEY", "&c4n4ry", "6:15", "'&'", "in quotes"),
    "secret like an alias": ("env:BINANCE_KEY", "*c4n4ry", "6:15", "'*'", "in quotes"),
    "secret like a directive": ("env:BINANCE_KEY", "%c4n4ry", "6:15", "'%'", "in quotes"),
    "secret with a colon": ("env:BINANCE_KEY", "c4n4ry: x", "6:21", "':'", "in quotes"),
    "root that is a list": (PENSTOCK_YAML, "- a", "1:1", "a list", "key: value"),
    "root that is text": (PENSTOCK_YAML, "penstock", "1:1", "'penstock'", "key: value"),
}
RULES = {
    "remedy misspelled": ("do: close", "do: closse", "6:9", "'closse'", "did you mean close?"),
    "remedy misspelled in braces": ("do: close", "do: {redcue: 50%}", "6:10", "'redcue'", "did you mean reduce?"),
    "remedy without its details": ("do: close", "do: deleverage", "6:9", "an empty mapping", "add `to: ...`"),
    "remedy with empty details": ("do: close", "do: {deleverage: }", "6:21", "empty", "remove it"),
    "remedies two": ("do: close", "do: {close: {}, reduce: 5%}", "6:9", "2 keys", "keep one"),
    "remedies none": ("do: close", "do: {}", "6:9", "an empty mapping", "keep one"),
    "remedies in a list": ("do: close", "do: [close]", "6:9", "a list", "close, reduce, deleverage"),
    "remedy with an unknown detail": ("do: close", "do: {close: {all: true}}", "6:18", "'all'", "remove it"),
    "remedy of a wrong value": ("do: close", "do: {reduce: 50}", "6:18", "'50'", "50% or 5000%"),
    "condition missing": ("    when: position.loss_ratio > 8%\n", "", "4:5", "the keys for_each, do", "add `when"),
    "condition empty": ("when: position.loss_ratio > 8%", "when:", "5:10", "empty", "an expression"),
    "condition blank": ("when: position.loss_ratio > 8%", 'when: "  "', "5:11", "blank", "an expression"),
    "condition a list": ("when: position.loss_ratio > 8%", "when: [a > 1]", "5:11", "a list", "position.loss_ratio"),
    "comma in braces": ("execute: {algo: twap, over: 3m, collar: 2%}", "execute: {algo: max(now, twap)}", "7:21",
                        "'max(now'", "now, twap"),
    "comma in a rule in braces": (STOP_LOSS_YAML, "rules: {r: {when: max(x, 1m) > 2}}", "1:26", "'1m) > 2'",
                                  "put text with a comma in quotes"),
    "rules as a list": (STOP_LOSS_YAML, "rules:\n  - for_each: account\n", "2:3", "a list", "key: value"),
}


def fails(spec: type, text: str, good: str, instead: str) -> str:
    assert text.count(good) == 1, "the row must change exactly one thing"
    with pytest.raises(SettingsError) as caught:
        load_text(text.replace(good, instead), "c.yaml", spec, {})
    return str(caught.value)


def check(message: str, place: str, found: str, cure: str) -> None:
    assert message.startswith(f"c.yaml:{place}: "), message
    _, was, after = message.partition(f", was {found}")
    assert was, message
    assert cure in after.partition("; ")[2], message
    assert message.isprintable()
    assert "c4n4ry" not in message


@pytest.mark.parametrize("case", CONFIG)
def test_load_text_of_a_bad_setting_says_place_finding_and_cure(case: str) -> None:
    """One wrong value in a good configuration is shown where it stands, with what to write instead."""
    good, instead, place, found, cure = CONFIG[case]
    check(fails(Penstock, PENSTOCK_YAML, good, instead), place, found, cure)


@pytest.mark.parametrize("case", RULES)
def test_load_text_of_a_bad_rule_says_place_finding_and_cure(case: str) -> None:
    """One wrong value in a good rule book is shown where it stands, with what to write instead."""
    good, instead, place, found, cure = RULES[case]
    check(fails(RuleBook, STOP_LOSS_YAML, good, instead), place, found, cure)


def test_message_of_an_error_reads_as_a_sentence() -> None:
    """The whole message, once, as a person sees it."""
    message = fails(Penstock, PENSTOCK_YAML, "price_collar: 2%", "price_collar: 2 procent")
    assert message == (
        "c.yaml:21:17: limits.price_collar is not a ratio, was '2 procent'; write 5%, 25bps or 0.05"
    )


def test_message_about_a_symbol_quotes_it_in_the_key() -> None:
    """A key that is no plain word is shown in brackets, so that its dots and slashes do not mislead."""
    message = fails(Penstock, PENSTOCK_YAML, "amount: 1.5", "amount: x")
    assert "accounts.main.paper.positions['BTC/USDT:USDT'].amount is not a number" in message


def test_first_wrong_key_in_the_file_is_the_one_reported() -> None:
    """With two mistakes the upper one is shown, so that a person mends from the top."""
    text = PENSTOCK_YAML.replace("leverage: 20", "leverage: x").replace("mode: paper ", "mode: y ")
    with pytest.raises(SettingsError, match=r"^c\.yaml:8:11: "):
        load_text(text, "c.yaml", Penstock, {})
