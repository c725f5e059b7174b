"""Everything that a user can write or be told stands in the docs."""

from __future__ import annotations

import json

import pytest

from bot.app.cli import main
from bot.app.config import Config
from bot.app.reference.configuration import keys_of
from bot.app.reference.entries import sections
from bot.app.reference.pages import PAGES
from bot.app.reference.verbs import verb_names
from bot.domain.denials import CONTROLS, DenialCode
from bot.rules.language.functions import FUNCTION_ROWS
from bot.rules.language.measures import MEASURES
from bot.rules.spec import RuleBook
from tests.shared_data import ROOT

DOCS = ROOT / "docs"
SIGNATURES = [*(row.signature for row in MEASURES.values()), *(row.signature for row in FUNCTION_ROWS)]


@pytest.mark.parametrize("name", PAGES)
def test_generated_page_that_is_checked_in_is_what_the_program_says(name: str) -> None:
    """A table that changed without its page fails here; `python -m bot.app.reference docs` writes it anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()


def test_docs_name_every_measure_and_function() -> None:
    """Each has a row of its own, with its signature."""
    text = (DOCS / "rules.md").read_text(encoding="utf-8")
    for signature in SIGNATURES:
        assert f"| `{signature}` |" in text


def test_docs_name_every_denial_code_with_its_meaning() -> None:
    """An operator who meets a code in a summary finds its sentence."""
    text = (DOCS / "gate.md").read_text(encoding="utf-8")
    for code in DenialCode:
        assert f"| `{code.name}` | {code.value} | {CONTROLS[code].number} |" in text


def test_docs_of_denials_name_settings_that_there_are() -> None:
    """The key beside a code is one that the configuration has."""
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    for control in CONTROLS.values():
        for key in control.settings:
            assert f"`{key.replace('*', 'NAME')}`" in text


def test_docs_name_every_verb() -> None:
    """Each verb has a section, and at least those of the first version are there."""
    text = (DOCS / "verbs.md").read_text(encoding="utf-8")
    assert {"run", "check", "replay", "report", "rules"} <= set(verb_names())
    for verb in verb_names():
        assert f"\n## {verb}\n" in text


def test_docs_say_of_every_argument_what_it_means() -> None:
    """An empty cell tells a reader that we did not know either."""
    rows = [line for line in (DOCS / "verbs.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) > 20
    assert [row for row in rows if not row.split("|")[2].strip()] == []


@pytest.mark.parametrize("spec", [Config, RuleBook])
def test_docs_name_every_key_and_say_what_it_means(spec: type) -> None:
    """A key that no sentence explains is a key that nobody uses."""
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    keys = keys_of(spec)
    assert len(keys) > 10
    assert [key.path for key in keys if f"| `{key.path}` |" not in text] == []
    assert [key.path for key in keys if not key.doc] == []


def test_keys_reach_into_mappings_lists_and_variants() -> None:
    """The deepest keys of both files are among them, with their defaults as a person writes them."""
    found = {key.path: key for key in (*keys_of(Config), *keys_of(RuleBook))}
    assert found["accounts.NAME.paper.positions.SYMBOL.entry_price"].default == "`first`"
    assert found["accounts.NAME.survival.distance"].default == "`2.5%`"
    assert found["accounts.NAME.paper.latency"].default == "`50ms`"
    assert found["rules.NAME.do.deleverage.to.liquidation_distance"].form.startswith("ratio")
    assert found["rules.NAME.when"].default == "required"


def test_every_page_is_in_the_index() -> None:
    """A page that the index does not name is a page that nobody finds."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = sorted(path.name for path in DOCS.glob("*.md"))
    assert [name for name in pages if name != "README.md" and name not in index] == []


# penstock rules ------------------------------------------------------------------------------------------


def test_rules_verb_fits_a_terminal_of_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing wraps by itself, and every measure and function is there with its unit."""
    assert main(["rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if len(line) > 80] == []
    for signature in SIGNATURES:
        at = lines.index(signature)
        assert lines[at + 1].startswith("  unit ")


def test_rules_verb_prints_one_object_with_all_that_the_tables_say(capsys: pytest.CaptureFixture[str]) -> None:
    """An editor can be fed from it."""
    assert main(["rules", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    listed = {entry["name"]: entry for section in found.values() for entry in section["entries"]}
    assert set(listed) == {*MEASURES, *(row.name for row in FUNCTION_ROWS)}
    for name, row in MEASURES.items():
        assert listed[name]["unit"] == row.unit.value
        assert (listed[name]["meaning"], listed[name]["edges"]) == (row.meaning, row.edges)
    assert [section.title for section in sections()] == list(found)
