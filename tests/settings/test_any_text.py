"""Whatever stands in a file or a variable, the loader answers with settings or with SettingsError."""

from __future__ import annotations

import contextlib
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.settings.environment import OVERRIDE_PREFIX
from bot.settings.errors import SettingsError
from bot.settings.load import load_text
from tests.settings.specs import MARGIN_GUARD_YAML, PENSTOCK_YAML, STOP_LOSS_YAML, Penstock, RuleBook

SPECS: dict[str, type] = {PENSTOCK_YAML: Penstock, MARGIN_GUARD_YAML: RuleBook, STOP_LOSS_YAML: RuleBook}
SPICE = st.sampled_from([
    "\t", "\n", "\r", "\x00", "\u2028", "\ud800", "\ufeff", "---\n", "...\n", "%YAML 1.9\n", "&a ", "*a", "!!x ",
    "!<", "<<: ",
    "[", "]", "{", "}", ",", ": ", "- ", "? ", "| ", "> ", "|2\n", "'", '"', "\\", '"\\U0011FFFF"', '"\\x', "#",
    " #", "@", "`",
    "010", ".nan", "1e999999", "9" * 5000, "~", "on", "%", "  ", "=", "env:", "\U0001f40b", "!", "&", "*",
    "|-\n\n", "- - ",
])
MESSAGE = re.compile(r"c\.yaml(:\d+:\d+)?: .+, was .+; .+")


def outcome(text: str, spec: type) -> None:
    with contextlib.suppress(SettingsError):
        load_text(text, "c.yaml", spec, {})


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.text(st.characters(), max_size=200))
def test_load_text_of_any_text_raises_nothing_but_settings_error(text: str) -> None:
    """No text makes the loader fall over."""
    outcome(text, RuleBook)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.lists(SPICE | st.sampled_from(["rules", "a", "when", "do", "close", "1"]), max_size=30).map("".join))
def test_load_text_of_yamls_own_marks_raises_nothing_but_settings_error(text: str) -> None:
    """No heap of YAML's punctuation makes the loader fall over."""
    outcome(text, RuleBook)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.sampled_from(sorted(SPECS)), st.data())
def test_load_text_of_a_damaged_file_says_where_what_and_how(text: str, data: st.DataObject) -> None:
    """A good file with pieces cut out, doubled or put in gives settings, or an error of the usual form."""
    spec = SPECS[text]
    for _ in range(data.draw(st.integers(min_value=1, max_value=4))):
        start = data.draw(st.integers(min_value=0, max_value=len(text)))
        end = data.draw(st.integers(min_value=start, max_value=min(len(text), start + 20)))
        text = text[:start] + data.draw(SPICE | st.just("") | st.just(text[start:end] * 2)) + text[end:]
    try:
        load_text(text, "c.yaml", spec, {})
    except SettingsError as error:
        assert MESSAGE.fullmatch(str(error)), str(error)
        assert str(error).isprintable()


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.lists(st.sampled_from(["ACCOUNTS", "MAIN", "LIMITS", "PRICE_COLLAR", "STRATEGIES", "0", "", "x"]), max_size=5),
    SPICE | st.text(st.characters(), max_size=30),
)
def test_override_of_any_name_and_value_raises_nothing_but_settings_error(keys: list[str], value: str) -> None:
    """No variable makes the loader fall over, and its errors name it."""
    name = OVERRIDE_PREFIX + "__".join(keys)
    try:
        load_text(PENSTOCK_YAML, "c.yaml", Penstock, {name: value}, override_prefix=OVERRIDE_PREFIX)
    except SettingsError as error:
        assert str(error).startswith((f"environment {name}: ", "c.yaml:"))
