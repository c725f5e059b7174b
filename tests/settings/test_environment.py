"""Overrides from the environment, and secrets that live in it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import pytest

from bot.domain.copying import replace
from bot.domain.errors import CredentialError
from bot.settings.environment import OVERRIDE_PREFIX
from bot.settings.errors import SettingsError
from bot.settings.load import load_text
from bot.settings.secret import Secret
from tests.settings.specs import (
    PENSTOCK_YAML,
    STOP_LOSS_YAML,
    Close,
    Deleverage,
    DeleverageTo,
    Mode,
    Penstock,
    Reduce,
    RuleBook,
    StartPosition,
)


def settings(**variables: str) -> Penstock:
    return load_text(PENSTOCK_YAML, "config/c.yaml", Penstock, variables, override_prefix=OVERRIDE_PREFIX)


def rules(**variables: str) -> RuleBook:
    return load_text(STOP_LOSS_YAML, "c.yaml", RuleBook, variables, override_prefix=OVERRIDE_PREFIX)


def refusal(**variables: str) -> str:
    with pytest.raises(SettingsError) as caught:
        settings(**variables)
    return str(caught.value)


def test_override_of_a_value_replaces_only_that_value() -> None:
    """One variable changes one setting, and all others stay as the file says."""
    changed = settings(PENSTOCK__LIMITS__PRICE_COLLAR="1%")
    assert changed.limits.price_collar == 0.01
    assert replace(changed, limits=replace(changed.limits, price_collar=0.02)) == settings()


def test_override_of_a_key_that_the_file_leaves_out_adds_it() -> None:
    """A default can be overridden although the file does not mention it."""
    text = PENSTOCK_YAML.replace("    blind: {verify_stop: true, else_reduce: 50%}\n", "")
    variables = {"PENSTOCK__ACCOUNTS__MAIN__BLIND__ELSE_REDUCE": "100%"}
    changed = load_text(text, "c.yaml", Penstock, variables, override_prefix=OVERRIDE_PREFIX)
    assert (changed.accounts["main"].blind.else_reduce, changed.accounts["main"].blind.verify_stop) == (1.0, True)


@pytest.mark.parametrize("name", ["penstock__", "PENSTOCK_", "OTHER__PENSTOCK__"])
def test_variable_without_the_prefix_changes_nothing(name: str) -> None:
    """Only variables that start with the prefix are looked at."""
    assert settings(**{f"{name}LIMITS__PRICE_COLLAR": "1%"}) == settings()


def test_override_without_a_prefix_given_changes_nothing() -> None:
    """A file that is named by the main file is not overridden."""
    variables = {"PENSTOCK__LIMITS__PRICE_COLLAR": "1%"}
    assert load_text(PENSTOCK_YAML, "config/c.yaml", Penstock, variables) == settings()


@pytest.mark.parametrize("name", ["LIMITS__PRICE_COLLAR", "limits__price_collar", "Limits__Price_Collar"])
def test_override_in_any_letter_case_finds_its_key(name: str) -> None:
    """Shells shout and some systems only know capitals, so case does not matter."""
    assert settings(**{f"PENSTOCK__{name}": "1%"}).limits.price_collar == 0.01


def test_override_of_a_key_in_mixed_case_finds_it() -> None:
    """ccxt's own names carry capitals, and can be reached as well."""
    changed = settings(PENSTOCK__ACCOUNTS__MAIN__EXCHANGE__APIKEY="env:OTHER", OTHER="abc")
    key = changed.accounts["main"].exchange.api_key
    assert key is not None
    assert (key.name, key.reveal()) == ("OTHER", "abc")


def test_override_in_brackets_is_read_as_yaml() -> None:
    """Lists and sections are given in one variable, with YAML's brackets."""
    changed = settings(PENSTOCK__ACCOUNTS__MAIN__INSTRUMENTS='["SOL/USDT:USDT"]')
    assert changed.accounts["main"].instruments == ("SOL/USDT:USDT",)


def test_override_of_text_needs_no_quotes() -> None:
    """A value that is not in brackets is the text itself, colons, hashes and quotes included."""
    text = 'market("BTC/USDT:USDT").mid > 1 # really: yes'
    assert rules(PENSTOCK__RULES__STOP_LOSS__WHEN=text).rules["stop_loss"].when.text == text


def test_override_of_a_section_comes_before_its_parts() -> None:
    """The part wins over the whole, whichever sorts first."""
    changed = settings(
        PENSTOCK__ACCOUNTS__MAIN__SURVIVAL="{sigmas: 5, distance: 1%}", PENSTOCK__ACCOUNTS__MAIN__SURVIVAL__SIGMAS="4"
    )
    survival = changed.accounts["main"].survival
    assert (survival.distance, survival.sigmas, survival.distance_max) == (0.01, 4.0, 0.04)


def test_override_of_a_section_that_is_absent_makes_it() -> None:
    """A part of an optional section brings the section into being."""
    assert rules(PENSTOCK__RULES__STOP_LOSS__EXECUTE__COLLAR="1%").rules["stop_loss"].execute.collar == 0.01


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DO", "close", Close()),
        ("DO__REDUCE", "5%", Reduce(0.05)),
        ("DO__REDUCE__SHARE", "5%", Reduce(0.05)),
        ("DO__DELEVERAGE__TO__LEVERAGE", "3", Deleverage(DeleverageTo(leverage=Decimal(3)))),
    ],
)
def test_override_of_a_variant_replaces_the_word(name: str, value: str, expected: object) -> None:
    """A remedy can be exchanged, and its details given, by variables."""
    changed = rules(**{f"PENSTOCK__RULES__STOP_LOSS__{name}": value})
    assert changed.rules["stop_loss"].do == expected


def test_override_of_a_word_or_number_is_read_like_the_file() -> None:
    """The same text means the same in both places."""
    name = 'PENSTOCK__ACCOUNTS__MAIN__PAPER__POSITIONS'
    changed = settings(**{name: '{"ETH/USDT:USDT": {amount: -2, entry_price: 200}}'})
    paper = changed.accounts["main"].paper
    assert paper is not None
    assert paper.positions == {"ETH/USDT:USDT": StartPosition(Decimal(-2), Decimal(200))}


def test_path_in_an_override_is_relative_to_the_working_directory() -> None:
    """A path that a person gives to a command means what it means in that person's shell."""
    assert settings(PENSTOCK__STRATEGIES="[a.yaml]").strategies == (Path("a.yaml"),)


REFUSED = {
    "wrong value": (
        "LIMITS__PRICE_COLLAR", "5", "limits.price_collar is not a ratio, was '5'; write the unit: 5% or 500%",
    ),
    "empty value": ("LIMITS__PRICE_COLLAR", "", "limits.price_collar has no value, was empty; write a ratio"),
    "unknown key": (
        "LIMITS__PRICE_COLAR", "5%", "limits has no key of this name, was 'price_colar'; did you mean price_collar?",
    ),
    "unknown section": (
        "LIMIT__PRICE_COLLAR", "5%", "the file has no key of this name, was 'limit'; did you mean limits?",
    ),
    "new account": (
        "ACCOUNTS__MIAN__MODE", "live", "accounts has no key of this name, was 'mian'; did you mean main?",
    ),
    "below a value": (
        "LIMITS__PRICE_COLLAR__MAX", "5%", "limits.price_collar has no key of this name, was 'max'; override",
    ),
    "into a list": (
        "STRATEGIES__0", "a", "strategies has no key of this name, was '0'; override the whole of strategies",
    ),
    "nothing after the prefix": (
        "", "x", "a key between the underscores is empty, was nothing; write PENSTOCK__SECTION",
    ),
    "four underscores": ("LIMITS____PRICE_COLLAR", "x", "a key between the underscores is empty"),
    "underscores at the end": ("LIMITS__PRICE_COLLAR__", "x", "a key between the underscores is empty"),
    "section as text": ("LIMITS", "none", "limits must hold keys, was 'none'; write `key: value` lines"),
    "section that lacks a key": ("LIMITS", "{price_collar: 1%}", "limits lacks the key order_notional_max"),
    "section with an unknown key": ("LIMITS", "{colar: 1%}", "limits has no key of this name, was 'colar'"),
    "bracket never closed": ("STRATEGIES", "[a, b", "a bracket is opened here and never closed, was '['"),
    "duplicate key": ("LIMITS", "{a: 1, a: 2}", "this key was given before, was 'a'"),
    "too deep": ("LIMITS", "[" * 21 + "]" * 21, "nested deeper than 20 levels, was level 21"),
    "control character": (
        "ACCOUNTS__MAIN__EXCHANGE__ID", "a\x1b[2J", "the text holds an invisible or control character",
    ),
    "byte that is no text": (
        "ACCOUNTS__MAIN__EXCHANGE__ID", "a\udcff", "the text holds an invisible or control character",
    ),
    "literal secret": (
        "ACCOUNTS__MAIN__EXCHANGE__SECRET", "c4n4ry", "accounts.main.exchange.secret must be the name of",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_override_that_cannot_be_is_refused_by_the_name_of_its_variable(case: str) -> None:
    """A wrong variable is named itself, since there is no line to point at."""
    name, value, message = REFUSED[case]
    said = refusal(**{f"PENSTOCK__{name}": value})
    assert said.startswith(f"environment PENSTOCK__{name}: {message}"), said
    assert "; " in said
    assert said.isprintable()
    assert "c4n4ry" not in said


def test_override_of_one_key_twice_is_refused() -> None:
    """Two spellings of one variable could be meant in either order, so neither is taken."""
    said = refusal(PENSTOCK__LIMITS__PRICE_COLLAR="1%", PENSTOCK__limits__price_collar="2%")
    assert said == (
        "environment PENSTOCK__limits__price_collar: this key is overridden twice, was also environment "
        "PENSTOCK__LIMITS__PRICE_COLLAR; unset one"
    )


def test_override_that_fits_two_keys_is_refused() -> None:
    """Where two accounts differ in letter case only, a variable cannot tell which is meant."""
    text = "accounts: {a: {mode: paper}, A: {mode: demo}}"
    with pytest.raises(SettingsError, match="could mean several keys, was a or A"):
        load_text(text, "c.yaml", Penstock, {"PENSTOCK__ACCOUNTS__A__MODE": "live"}, override_prefix=OVERRIDE_PREFIX)


def test_override_does_not_hide_an_error_of_the_file() -> None:
    """The file must be right as well; its errors keep their places."""
    with pytest.raises(SettingsError, match=r"^c\.yaml:1:"):
        variables = {"PENSTOCK__LIMITS__PRICE_COLLAR": "1%"}
        load_text("limits: {}", "c.yaml", Penstock, variables, override_prefix=OVERRIDE_PREFIX)


def test_override_keeps_the_mode_of_another_account() -> None:
    """Only the account that the variable names is changed."""
    text = PENSTOCK_YAML.replace("limits:  ", "  other: {exchange: {id: okx}, mode: demo, instruments: []}\nlimits:  ")
    variables = {"PENSTOCK__ACCOUNTS__OTHER__MODE": "live"}
    changed = load_text(text, "c.yaml", Penstock, variables, override_prefix=OVERRIDE_PREFIX)
    assert [account.mode for account in changed.accounts.values()] == [Mode.PAPER, Mode.LIVE]


def secret(**variables: str) -> Secret:
    found = settings(**variables).accounts["main"].exchange.secret
    assert found is not None
    return found


def test_secret_that_is_set_reveals_its_value() -> None:
    """The key comes from the environment, by the name in the file."""
    assert secret(BINANCE_SECRET="c4n4ry").reveal() == "c4n4ry"
    assert secret(BINANCE_SECRET="c4n4ry").is_present


@pytest.mark.parametrize(("variables", "what"), [({}, "is not set"), ({"BINANCE_SECRET": ""}, "is empty")])
def test_secret_that_is_not_set_fails_only_when_revealed(variables: dict[str, str], what: str) -> None:
    """Paper mode and ``check`` need no keys; whoever asks for one that is not there is told its name."""
    absent = secret(**variables)
    assert not absent.is_present
    with pytest.raises(CredentialError, match=f"environment BINANCE_SECRET: {what}") as caught:
        absent.reveal()
    assert caught.value.exit_code == 3


def test_secret_in_any_form_of_text_does_not_show_its_value() -> None:
    """Logs, tracebacks, copies and dumps of the settings carry the name only."""
    whole = settings(BINANCE_SECRET="c4n4ry", BINANCE_KEY="c4n4ry")
    found = secret(BINANCE_SECRET="c4n4ry")
    for text in (repr(whole), str(whole), repr(asdict(whole)), repr(found), str(found), f"{found}", f"{found!r:>40}"):
        assert "c4n4ry" not in text
        assert "env:BINANCE_SECRET" in text
    assert copy.deepcopy(found) is copy.copy(found) is found
    with pytest.raises(TypeError, match="never written") as caught:
        pickle.dumps(found)
    assert "c4n4ry" not in str(caught.value)


def test_secret_with_the_same_name_and_value_is_equal() -> None:
    """A reload that changes nothing compares equal, and one that changes a key does not."""
    one = Secret("A", "x")
    assert one == Secret("A", "x")
    assert hash(one) == hash(Secret("A", "x"))
    assert one != Secret("A", "y")
    assert one != Secret("B", "x")
    assert one != "x"
