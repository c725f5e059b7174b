"""Texts that are of the language, and texts that are not: where, what, and what to do."""

from __future__ import annotations

import re

import pytest

from bot.domain.errors import InputError, Unsupported
from bot.domain.units import Place, SourceText
from bot.rules.language.check import READINGS_MAX, check_condition
from bot.rules.language.errors import LanguageError, NotBuiltYet
from bot.rules.language.explain import expression_text
from bot.rules.language.syntax import DEPTH_MAX, TEXT_LENGTH_MAX, WORDS_MAX
from bot.rules.language.typed import Scope
from tests.rules.language_builders import BTC, ETH, condition, source

BOTH = (BTC, ETH)

GOOD = {
    "design_guard": "account.liquidation_distance < clamp(6 * account.sigma(15m), 5%, 8%)",
    "design_clear": "account.liquidation_distance > 25%",
    "design_stop": "position.loss_ratio > 8%",
    "money": "account.equity < 250_000 USDT",
    "money_arithmetic": "account.wallet - account.available > 0.1 * account.equity",
    "ratio_of_money": "account.maintenance_margin / account.equity > 70%",
    "amount_at_a_price": "position.amount * market.mark_price > 1_000 USDT",
    "price": "market.mark_price < 60_000 USDT",
    "price_of_constants": "market.mark_price < 2 * 30_000 USDT",
    "difference_of_prices": "market.mark_price - market.index_price > 10 USDT",
    "age": "position.age > 1h and market.age < 500ms",
    "ratio_of_durations": "position.age / 1d > 2",
    "longest_of_two": "max(15m, position.age) > 1h",
    "fractional_units": "account.margin_ratio > 1.5% or account.margin_ratio > 25bps",
    "plain_beside_ratio": "account.margin_ratio > 0.7",
    "plain_one_beside_ratio": "account.margin_ratio >= 1",
    "zero_of_any_kind": "position.unrealised_pnl < 0 or position.amount != 0",
    "negative": "position.unrealised_pnl < -100 USDT",
    "negative_plain": "account.liquidation_distance > -1",
    "signs": "position.side == -1 or position.side == +1",
    "precedence": "not account.leverage > 3 and account.leverage < 5 or account.leverage == 9",
    "parentheses": "not (account.leverage > 3 and (account.leverage < 5 or account.leverage == 9))",
    "other_market": f'market("{ETH}").funding_rate > 0.01%',
    "lines": "account.leverage > 3\n  and account.leverage < 5",
    "tight": "account.leverage>3and account.leverage<5",
    "window": "max(market.mark_price, 15m) - market.mark_price > 10 USDT",
    "window_of_a_sum": "mean(market.mark_price - market.index_price, 1h) / market.mark_price < -0.1%",
    "window_of_a_window": "max(mean(account.equity, 1m), 1d) > 1.1 * account.equity",
    "window_of_other_markets": f'mean(market("{ETH}").mark_price / market("{BTC}").mark_price, 1h) < 0.02 BTC',
    "rate_per_time": "rate(account.equity, 15m) < -100 USDT / 1m",
    "change_of_a_ratio": "change(account.margin_ratio, 5m) > 10%",
    "stdev_and_average": "stdev(market.mark_price, 1h) > 10 USDT or ema(account.leverage, 1h) > 3",
    "indicators": "rsi(market.close, 14, 1m) > 70 and market.mark_price < bollinger(market.close, 20, -2, 1h)",
    "indicators_of_ranges": f'atr(14, 5m) > 10 USDT or atr(market("{ETH}").close, 14, 5m) > 1 USDT',
    "between": "time.between(09:30, 16:00) and account.leverage > 3",
    "between_over_midnight": "time.between(22:00, 06:00) and account.leverage > 3",
    "between_days": "not time.between(fri 20:00, mon 06:00)",
    "every": "time.every(8h)",
    "clock": "time.of_day >= 16:00 or 12:00 > time.of_day or time.of_week < tue 00:00",
    "time_as_a_length": "time.of_day > 9h + 30m and time.every(4h) > 2h",
    "default": "default(market.funding_rate, 0) < 0.1% or default(market.index_price, market.mark_price) > 1 USDT",
    "amount_of_one_market": "abs(position.amount) > 0.5 BTC",
}


@pytest.mark.parametrize("name", GOOD)
def test_check_good_text_is_taken_and_written_back_as_it_was(name: str) -> None:
    """What the checker made of a text, written out and read again, is the same condition."""
    symbols = (BTC,) if name == "amount_of_one_market" else BOTH
    first = condition(GOOD[name], symbols=symbols)
    again = condition(expression_text(first.root), symbols=symbols)
    assert expression_text(again.root) == expression_text(first.root)
    assert again.readings == first.readings and first.readings


# name: (text, scope, column inside the text from 1, what the message must say)
A, P = Scope.ACCOUNT, Scope.POSITION
BAD: dict[str, tuple[str, Scope, int, str]] = {
    # dimensions
    "ratio_with_duration": ("account.margin_ratio > 5s", A, 24, r"a ratio.*5s \(a duration\).*such as 5%"),
    "plain_with_duration": ("position.age > 5", P, 16, r"a duration.*5 \(a plain number\).*such as 90s"),
    "ratio_with_money": ("account.margin_ratio > 5 USDT", A, 24, "a ratio.*an amount of USDT"),
    "money_with_ratio": ("account.equity > 5%", A, 18, "an amount of USDT.*a ratio.*an amount in USDT"),
    "money_without_currency": ("account.equity > 5000", A, 18, "plain number.*write 5000 USDT"),
    "other_currency": ("account.equity > 5000 USDC", A, 18, "amount of USDT.*amount of USDC"),
    "added_currencies": ("account.equity + 5 USDC > 5 USDT", A, 18, r"\+ takes.*USDC"),
    "added_kinds": ("account.leverage - 5s > 2", A, 20, "- takes.*a duration"),
    "price_without_currency": ("market.mark_price < 60_000", P, 21, "a price in USDT per BTC.*write 60_000 USDT"),
    "price_in_other_currency": ("market.mark_price < 60_000 USDC", P, 21, "USDC.*an amount in USDT"),
    "price_with_read_money": ("market.mark_price < account.equity", P, 21, "a price.*an amount of USDT"),
    "squared_money": ("account.equity * account.equity > 5 USDT", A, 35, r"USDT\^2"),
    "clamp_kinds": ("account.sigma(15m) < clamp(account.leverage, 5s, 8)", A, 46, "clamp takes.*5s"),
    "min_kinds": ("min(account.leverage, account.equity) > 3", A, 23, "min takes"),
    "percent_forgotten": ("account.margin_ratio > 70", A, 24, "7000%.*write 70%"),
    "percent_forgotten_first": ("8 < position.loss_ratio", P, 1, "800%.*write 8%"),
    "percent_forgotten_in_clamp": ("account.sigma(1h) > clamp(account.sigma(2h), 1%, 8)", A, 50, "800%.*write 8%"),
    "percent_forgotten_negative": ("position.loss_ratio < -5", P, 23, "500%.*write 5%"),
    # conditions and values
    "value_alone": ("account.equity", A, 1, r"condition: is needed here, was account.equity \(an amount"),
    "value_negated": ("not account.equity", A, 5, "condition: is needed here"),
    "value_in_and": ("account.leverage > 3 and account.equity", A, 26, "condition: is needed here"),
    "condition_added": ("(account.leverage > 3) + 1 > 2", A, 2, "value: is needed here, was a condition"),
    "condition_compared": ("(account.leverage > 3) == (account.leverage > 2)", A, 2, "was a condition"),
    "condition_in_call": ("abs(account.leverage > 3) > 2", A, 5, "was a condition"),
    "no_reading": ("1 < 2", A, 1, "reads no measure.*was 1 < 2"),
    "chained": ("1 < account.leverage < 3", A, 22, "do not chain"),
    "by_zero": ("account.leverage / 0.0 > 3", A, 20, "divided by zero"),
    # names
    "misspelt_measure": ("account.liquidation_distanse < 5%", A, 1, "mean account.liquidation_distance"),
    "misspelt_subject": ("acount.equity < 5 USDT", A, 1, "mean account.equity"),
    "measure_without_subject": ("equity < 5 USDT", A, 1, "did you mean account.equity"),
    "unknown_subject": ("foo.bar > 1", A, 1, "measures begin with account, position, market"),
    "unknown_measure": ("account.zzzzzz > 1", A, 1, "account has equity, wallet"),
    "unknown_name": ("zzzz > 1", A, 1, "name: is not known, was 'zzzz'"),
    "unknown_function": ("maximum(1, 2) > account.leverage", A, 1, "function: is not known"),
    "misspelt_function": ("clmp(account.leverage, 1, 2) > 1", A, 1, r"did you mean clamp\(x, low, high\)"),
    "true": ("true", A, 1, "name: is not known, was 'true'"),
    # scopes
    "position_in_account": ("position.loss_ratio > 8%", A, 1, "looks at many positions.*for_each: position"),
    "market_in_account": ("account.leverage > 3 and market.mark_price > 1 USDT", A, 26,
                          r'no market of its own; name one: market\("BTC/USDT:USDT"\)\.mark_price'),
    "unknown_market": ('market("BTC/USDT").mark_price > 1 USDT', A, 1, r'did you mean market\("BTC/USDT:USDT"\)'),
    "unheard_market": ('market("???").age > 1s', A, 1, "add it to the account's instruments"),
    "quotes_on_account": ('account("main").equity > 1 USDT', A, 9, "names a market only"),
    # arguments
    "sigma_bare": ("account.sigma > 5%", A, 1, r"account\.sigma\(window: duration\), was given no.*sigma\(15m\)"),
    "sigma_empty": ("account.sigma() > 5%", A, 1, "was given no argument"),
    "sigma_two": ("account.sigma(1m, 2m) > 5%", A, 1, "was given 2 arguments"),
    "sigma_number": ("account.sigma(15) > 5%", A, 15, "its window is a duration, was 15"),
    "sigma_sum": ("account.sigma(15m + 1m) > 5%", A, 15, r"is a duration, was 15m \+ 1m"),
    "sigma_just_too_short": ("account.sigma(59s) > 5%", A, 15, "from 1m to 30d, was 59s"),
    "sigma_just_too_long": ("account.sigma(31d) > 5%", A, 15, "from 1m to 30d, was 31d"),
    "no_parentheses_wanted": ("account.equity() > 5 USDT", A, 1, "takes no arguments"),
    "abs_of_two": ("abs(account.leverage, 2) > 5", A, 1, r"wants abs\(x\), was given 2 arguments"),
    "clamp_of_two": ("clamp(account.leverage, 2) > 5", A, 1, r"wants clamp\(x, low, high\), was given 2"),
    "max_of_one": ("max(account.leverage) > 5", A, 1, "was given 1 argument$"),
    "max_of_seventeen": (f"max({', '.join(['account.leverage'] * 17)}) > 5", A, 1, "was given 17 arguments"),
    "clamp_reversed": ("clamp(account.sigma(1h), 8%, 5%) > 1%", A, 26, "low bound is above the high one, was 8%"),
    "window_of_a_duration": ("max(position.age, 15m) > 1h", P, 1, r"write max\(15m, position\.age\)"),
    "window_no_duration": ("mean(account.leverage, 15) > 1", A, 1, "wants mean.x, window. with a duration"),
    "window_one_argument": ("mean(account.leverage) > 1", A, 1, "wants mean.x, window."),
    "window_of_a_constant": ("mean(3, 15m) > account.leverage", A, 6, "looks at what changes, was 3"),
    "window_of_time": ("mean(time.of_day, 15m) > 1h", A, 6, "time passes by itself"),
    "window_just_too_short": ("mean(account.leverage, 999ms) > 1", A, 24, "from 1s to 30d, was 999ms"),
    "window_just_too_long": ("max(account.leverage, 31d) > 1", A, 23, "from 1s to 30d, was 31d"),
    "window_of_no_own_market": ("max(market.mark_price, 1h) > 1 USDT", A, 5, "no market of its own"),
    "window_kind": ("change(account.equity, 1h) > 5%", A, 30, "an amount in USDT"),
    "rate_kind": ("rate(account.equity, 1h) < -100 USDT", A, 28, "USDT per ns"),
    "default_of_a_constant": ("default(3, 4) < account.leverage", A, 9, "never unavailable needs no default, was 3"),
    "default_kind": ("default(account.equity, 5%) < 5 USDT", A, 25, "default takes"),
    # indicators
    "indicator_of_a_mark": ("rsi(market.mark_price, 14, 1m) > 70", P, 5, "is of closed bars; write rsi"),
    "indicator_without_series": ("sma(14, 1m) > 70 USDT", P, 1, "wants sma.*was given 2 arguments"),
    "indicator_in_account": ("rsi(market.close, 14, 1m) > 70", A, 1, "no market of its own; name one: rsi.market"),
    "indicator_unknown_market": ('rsi(market("X").close, 14, 1m) > 70', A, 1, "is not among the instruments"),
    "indicator_one_period": ("rsi(market.close, 1, 1m) > 70", P, 19, "whole number from 2 to 200, was 1"),
    "indicator_many_periods": ("rsi(market.close, 201, 1m) > 70", P, 19, "whole number from 2 to 200, was 201"),
    "indicator_part_periods": ("rsi(market.close, 2.5, 1m) > 70", P, 19, "whole number from 2 to 200, was 2.5"),
    "indicator_short_bar": ("rsi(market.close, 14, 30s) > 70", P, 23, "whole minutes that fill a day.*was 30s"),
    "indicator_odd_bar": ("rsi(market.close, 14, 7m) > 70", P, 23, "whole minutes that fill a day.*was 7m"),
    "indicator_long_bar": ("rsi(market.close, 14, 2d) > 70", P, 23, "whole minutes that fill a day.*was 2d"),
    "bollinger_no_width": ("bollinger(market.close, 20, 0, 1m) > 1 USDT", P, 29, "its width is a number.*was 0"),
    "bollinger_too_wide": ("bollinger(market.close, 20, 11, 1m) > 1 USDT", P, 29, "its width is a number.*was 11"),
    "rsi_kind": ("rsi(market.close, 14, 1m) > 70 USDT", P, 29, "plain number"),
    # time
    "between_one": ("time.between(09:30)", A, 1, "wants two times of day"),
    "between_mixed": ("time.between(09:30, fri 16:00)", A, 1, "wants two times of day, or two of the week"),
    "between_durations": ("time.between(9h, 16h)", A, 1, "wants two times of day"),
    "between_empty": ("time.between(09:30, 09:30)", A, 21, "begins when it ends"),
    "between_compared": ("time.between(09:30, 16:00) > 1", A, 1, "was time.between, which is true or false"),
    "every_none": ("time.every()", A, 1, "wants one duration"),
    "every_just_too_short": ("time.every(119s)", A, 1, "from 2m to 7d, was 119s"),
    "every_just_too_long": ("time.every(8d)", A, 1, "from 2m to 7d, was 8d"),
    "clock_with_age": ("position.age > 09:30", P, 16, "09:30 can be compared with time.of_day only"),
    "clock_of_the_week": ("time.of_day > fri 20:00", A, 15, "fri 20:00 can be compared with time.of_week only"),
    "clock_of_no_day": ("time.of_week > 20:00", A, 16, "20:00 can be compared with time.of_day only"),
    "clock_added": ("time.of_day > 09:30 + 1h", A, 15, "09:30 stands in time.between"),
    "clock_three_digits": ("time.of_day > 9:30", A, 16, "four digits, from 00:00 to 23:59"),
    "clock_of_25": ("time.of_day > 25:00", A, 17, "four digits"),
    "time_unknown": ("time.off_day > 5h", A, 1, "did you mean time.of_day"),
    # literals
    "unit_unknown": ("account.leverage > 5 parsec", A, 20, "unit is not known, was '5parsec'; units are %, bps"),
    "unit_close": ("position.age > 5sec", P, 16, "did you mean 5s"),
    "currency_small": ("account.equity > 5 usdt", A, 18, "capital letters such as USDT"),
    "exponent": ("account.leverage > 1e3", A, 20, "exponents are not read, was '1e3'"),
    "octal": ("account.leverage > 010", A, 21, "out of place here, was '10'"),
    "hexadecimal": ("account.leverage > 0x10", A, 20, "unit is not known"),
    "no_leading_digit": ("account.leverage > .5", A, 20, "write 0.5"),
    "no_trailing_digit": ("account.leverage > 5.", A, 21, "write 0.5"),
    "double_underscore": ("account.leverage > 1__0", A, 21, "missing before it"),
    "too_many_digits": (f"account.leverage > {'1' * 21}", A, 20, "more than 20 digits"),
    "below_a_nanosecond": ("position.age > 0.0000001ms", P, 16, "finer than a nanosecond"),
    # habits from elsewhere
    "assignment": ("account.leverage = 3", A, 18, "compare with <, >"),
    "turned_at_least": ("account.leverage => 3", A, 18, "write >="),
    "turned_at_most": ("account.leverage =< 3", A, 18, "write <="),
    "typographic_at_least": ("account.leverage \u2265 3", A, 18, "was U\\+2265; write >="),
    "typographic_quote": ("market(\u201cBTC/USDT:USDT\u201d).age > 5s", A, 8, "was U\\+201C; write \""),
    "foreign_digit": ("account.leverage > \uff13", A, 20, "was U\\+FF13; type it again"),
    "capital_and": ("account.leverage > account.leverage AND 2 > 1", A, 37, "write and in small letters"),
    "capital_or": ("(account.leverage > 3) OR account.leverage < 1", A, 24, "write or in small letters"),
    "capital_not": ("NOT account.leverage > 3", A, 5, "write not in small letters"),
    "dollar": ("account.equity < $500", A, 18, "behind the number: 500 USDT"),
    "comma_in_number": ("account.equity < 1,500 USDT", A, 19, "write 1_500"),
    "thousands": ("account.equity < 1.5k USDT", A, 23, "in full, such as 1_500 USDT"),
    "exponent_of_money": ("account.equity < 1e5 USDT", A, 22, "in full, such as 1_500 USDT"),
    "side_by_name": ("position.side == long", P, 18, "write position.side > 0"),
    "truth_by_name": ("true", A, 1, "write the condition alone"),
    "day_in_full": ("time.between(Friday 20:00, mon 06:00)", A, 21, "write fri 20:00"),
    "time_zone": ("time.between(09:30 EST, 16:00)", A, 20, "all times are UTC"),
    "market_by_base": ('market("BTC").age > 5s', A, 1, r'did you mean market\("BTC/USDT:USDT"\)'),
    "market_by_venue_name": ('market("btcusdt").age > 5s', A, 1, r'did you mean market\("BTC/USDT:USDT"\)'),
    "percent_beside_multiple": ("account.leverage > 5%", A, 20, "means 0.05, was 5%; write 5, or 0.05 if"),
    "bps_beside_multiple": ("account.leverage > -25bps", A, 20, "means 0.0025, was 25bps; write 25, or 0.0025 if"),
    "c_and": ("account.leverage > 3 && account.leverage < 5", A, 22, "the word and"),
    "c_or": ("account.leverage > 3 || account.leverage < 5", A, 22, "the word or"),
    "c_not": ("!account.leverage", A, 1, "the word not"),
    "power": ("account.leverage ** 2 > 3", A, 19, "no powers"),
    "caret": ("account.leverage ^ 2 > 3", A, 18, "no powers"),
    "whole_division": ("account.leverage // 2 > 3", A, 19, "no whole division"),
    "modulo": ("account.leverage % 2 > 3", A, 18, "does not have, was '%'"),
    "if_else": ("1 if account.leverage > 3 else 2", A, 6, "out of place"),
    "string": ('account.leverage > "3"', A, 20, "no text"),
    "attribute": ("account.equity.real > 3", A, 15, "one dot only"),
    "subscript": ("account.leverage[0] > 3", A, 17, "no lists"),
    # ends
    "empty": ("", A, 1, "condition: is empty"),
    "blank": (" \n ", A, 1, "condition: is empty"),
    "unfinished": ("account.leverage > 3 and", A, 25, "ends too early"),
    "unclosed": ("(account.leverage > 3", A, 22, "close the parenthesis"),
    "unopened": ("account.leverage > 3)", A, 21, "no parenthesis to close"),
    "two_conditions": ("account.leverage > 3 account.leverage < 5", A, 22,
                       "out of place here, was 'account.leverage'; an operator is missing"),
}

NOT_YET: dict[str, str] = {
    "cascade_score": "market.cascade_score < 0.5",
    "unwind_time": "position.unwind_time > 5m",
    "close": "market.close > 3 USDT",
    "with_arguments": "portfolio.var(99%, 1d) > 5 USDT",
    "underlying": "underlying.gamma > 5",
}


@pytest.mark.parametrize("name", BAD)
def test_check_bad_text_is_refused_at_its_column_with_a_cure(name: str) -> None:
    """A wrong text is refused at the character where it goes wrong, with what was found and what to do."""
    text, scope, column, wanted = BAD[name]
    with pytest.raises(LanguageError) as caught:
        condition(text, scope, BOTH if name != "price_without_currency" else (BTC,))
    message = str(caught.value)
    assert message.startswith(f"rules.yaml:5:{10 + column}: "), message
    assert re.search(wanted, message), message
    assert not isinstance(caught.value, Unsupported)


@pytest.mark.parametrize("name", NOT_YET)
def test_check_planned_name_is_said_to_come_later(name: str) -> None:
    """A name of the language that this version lacks is not called a mistake of the user's."""
    with pytest.raises(NotBuiltYet, match=r"^rules\.yaml:5:11: .*(is|are) not there yet") as caught:
        condition(NOT_YET[name])
    assert isinstance(caught.value, Unsupported) and isinstance(caught.value, InputError)


def test_check_amount_where_markets_differ_is_refused_with_the_reason() -> None:
    """0.5 BTC fits a rule over BTC positions, and no rule that also meets ETH positions."""
    condition("position.amount > 0.5 BTC", symbols=(BTC,))
    with pytest.raises(LanguageError, match="do not share that currency"):
        condition("position.amount > 0.5 BTC", symbols=BOTH)


def test_check_error_on_a_later_line_counts_from_that_line() -> None:
    """In a text of several lines the place is the line and column of the character itself."""
    with pytest.raises(LanguageError, match=r"^rules\.yaml:6:16: "):
        condition("account.leverage > 3\n  and 2 * 5s > 5%")
    with pytest.raises(LanguageError, match=r"^rules\.yaml:7:1: "):
        condition("account.leverage > 3\nand\nzzzz > 1")


def test_check_place_is_taken_from_the_source() -> None:
    """The column is that of the file, wherever in it the text stands."""
    with pytest.raises(LanguageError, match=r"^a/b\.yaml:1:3: "):
        check_condition(SourceText("  zz", Place("a/b.yaml", 1, 1)), Scope.ACCOUNT, ())
    assert source("x").place.column == 11


def test_condition_readings_are_distinct_and_in_order_of_appearance() -> None:
    """Each thing to read is listed once, as a person would write it, where it first appears."""
    found = condition(
        f'account.sigma(15m) > 1% and (market("{ETH}").age > 1s or account.sigma(900s) > 2%)'
        " and account.sigma(1d) > 2% and market.age < 90s",
        symbols=BOTH,
    )
    assert [str(ref) for ref in found.readings] == [
        "account.sigma(15m)", f'market("{ETH}").age', "account.sigma(1d)", "market.age",
    ]


def test_check_readings_at_and_over_the_limit() -> None:
    """64 readings are taken, the 65th is refused where it stands."""
    sigmas = [f"account.sigma({minutes}m)" for minutes in range(1, READINGS_MAX + 2)]
    pairs = zip(sigmas[0:READINGS_MAX:2], sigmas[1:READINGS_MAX:2], strict=True)
    text = " and ".join(f"{left} > {right}" for left, right in pairs)
    assert len(condition(text).readings) == READINGS_MAX
    assert len(condition(f"{text} + {sigmas[0]}").readings) == READINGS_MAX
    with pytest.raises(LanguageError, match="more than 64 readings"):
        condition(f"{text} + {sigmas[READINGS_MAX]}")


def test_check_depth_at_and_over_the_limit() -> None:
    """50 levels are read, 51 are refused, by parentheses, signs or sums alike."""
    inner = "account.leverage"
    for opening, closing in (("(", ")"), ("-", ""), ("abs(", ")"), ("1+", "")):
        fits = DEPTH_MAX - 2             # the reading is one level and the comparison another
        text = f"{opening * fits}{inner}{closing * fits} > 3"
        assert condition(text).readings
        with pytest.raises(LanguageError, match="nested deeper than 50"):
            condition(f"{opening * (fits + 1)}{inner}{closing * (fits + 1)} > 3")


def test_check_length_at_and_over_the_limit() -> None:
    """2,000 characters are read, 2,001 are refused."""
    text = "account.leverage > 3"
    assert condition(text + " " * (TEXT_LENGTH_MAX - len(text))).readings
    with pytest.raises(LanguageError, match="longer than 2000 characters, was 2001"):
        condition(text + " " * (TEXT_LENGTH_MAX - len(text) + 1))


def test_check_words_at_and_over_the_limit() -> None:
    """As many words as the limit are read, one more is refused."""
    text = " or ".join(["0<1"] * ((WORDS_MAX - 4) // 4)) + " or account.leverage>3"
    nots = WORDS_MAX - len(text.replace("<", " < ").replace(">", " > ").split())
    assert condition("not " * nots + text).readings
    with pytest.raises(LanguageError, match="more than 330 words and signs, was 331"):
        condition("not " * (nots + 1) + text)
