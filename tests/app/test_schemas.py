"""The JSON Schemas say what the loader says, as far as a schema can: editors must not lead anyone astray."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.app.config import Config
from bot.app.schemas import COMMAND, CONFIG_SCHEMA, RULES_SCHEMA, hint, main, schema_files
from bot.domain.errors import ContractError, InputError
from bot.domain.units import Duration, Money, Rate, Ratio, SourceText
from bot.rules.spec import RuleBook
from bot.settings.document import parse
from bot.settings.load import load_text
from bot.settings.node import Node, Scalar, Sequence
from bot.settings.schema import schema_text
from bot.settings.secret import Secret
from bot.settings.spec import is_spec, mapped_type, spec_fields, union_members

jsonschema = pytest.importorskip("jsonschema", reason="the test extra's jsonschema judges our schemas; install .[test]")

ROOT = Path(__file__).resolve().parents[2]
SPECS = {CONFIG_SCHEMA: Config, RULES_SCHEMA: RuleBook}
CONFIGS = sorted((ROOT / "config").glob("*.yaml"))
BOOKS = sorted((ROOT / "strategies").glob("*.yaml"))

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def plain(node: Node) -> Any:
    """What an editor's parser makes of a node: the core schema of YAML 1.2, section 10.3.2."""
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if not isinstance(node, Scalar):
        return {entry.key.text: plain(entry.value) for entry in node.entries}
    if node.quoted:
        return node.text
    if node.is_null:
        return None
    if node.text.casefold() in ("true", "false"):
        return node.text.casefold() == "true"
    if _INTEGER.fullmatch(node.text):
        return int(node.text)
    return float(node.text) if _FLOAT.fullmatch(node.text) else node.text


def accepts(schema: dict[str, Any], text: str) -> bool:
    return bool(jsonschema.Draft7Validator(schema).is_valid(plain(parse(text, "file.yaml"))))


def loads(spec: type, text: str) -> bool:
    try:
        load_text(text, "file.yaml", spec, {})
    except InputError:
        return False
    return True


@pytest.mark.parametrize("name", SPECS)
def test_schema_file_is_what_the_specs_generate(name: str) -> None:
    """The schema that is checked in is the one that the dataclasses make, byte for byte."""
    written = (ROOT / "config" / name).read_text(encoding="utf-8")
    assert written == schema_files()[name], f"the specs have changed: run `{COMMAND}` and commit config/{name}"


def test_command_writes_every_schema_into_the_folder_it_is_given(tmp_path: Path) -> None:
    """The command that the message above names mends what it complains of."""
    main([str(tmp_path)])
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == schema_files()


@pytest.mark.parametrize("name", SPECS)
def test_schema_is_a_valid_schema(name: str) -> None:
    """An editor that loads the schema can use all of it."""
    jsonschema.Draft7Validator.check_schema(json.loads(schema_files()[name]))


@pytest.mark.parametrize("path", [*CONFIGS, *BOOKS], ids=lambda path: path.name)
def test_bundled_file_validates_and_names_its_schema(path: Path) -> None:
    """Whoever opens one of our files gets completion at once, and no red line."""
    name = CONFIG_SCHEMA if path in CONFIGS else RULES_SCHEMA
    text = path.read_text(encoding="utf-8")
    relative = name if path in CONFIGS else f"../config/{name}"
    assert text.splitlines()[0] == hint(relative)
    assert (path.parent / relative).is_file()
    jsonschema.Draft7Validator(json.loads(schema_files()[name])).validate(plain(parse(text, str(path))))


def _specs_below(annotation: object, seen: dict[type, None]) -> None:
    for member in union_members(annotation):
        inner = mapped_type(member)
        if inner is not None:
            _specs_below(inner, seen)
        elif isinstance(member, type) and is_spec(member) and member not in (Money, SourceText) and member not in seen:
            seen[member] = None
            for known in spec_fields(member):
                _specs_below(known.annotation, seen)


def test_every_key_is_described() -> None:
    """A key without a description is one that a person must look up in our source."""
    seen: dict[type, None] = {}
    for spec in SPECS.values():
        _specs_below(spec, seen)
    bare = [f"{spec.__name__}.{known.key}" for spec in seen for known in spec_fields(spec) if not known.doc]
    assert bare == [], 'give the field metadata={"doc": "..."}'


ACCOUNT = 'accounts: {main: {instruments: ["BTC/USDT:USDT"]}}\nstrategies: [a.yaml]\n'
RULE = "rules: {r: {for_each: position, when: position.loss_ratio > 8%, do: close"

BAD: dict[str, tuple[str, str]] = {
    "unknown key": (CONFIG_SCHEMA, ACCOUNT + "limit: {}\n"),
    "no accounts": (CONFIG_SCHEMA, "strategies: [a.yaml]\n"),
    "one path for a list": (CONFIG_SCHEMA, 'accounts: {main: {instruments: ["B/U:U"]}}\nstrategies: a.yaml\n'),
    "literal secret": (CONFIG_SCHEMA, 'accounts: {main: {instruments: ["B/U:U"], exchange: {secret: hunter2}}}\n'
                                      "strategies: [a.yaml]\n"),
    "unknown mode": (CONFIG_SCHEMA, 'accounts: {main: {instruments: ["B/U:U"], mode: papper}}\nstrategies: [a.yaml]\n'),
    "ratio beyond 1 without unit": (CONFIG_SCHEMA, ACCOUNT + "limits: {price_collar: 2}\n"),
    "money without currency": (CONFIG_SCHEMA, ACCOUNT + "limits: {order_notional_max: 250_000}\n"),
    "currency in small letters": (CONFIG_SCHEMA, ACCOUNT + "limits: {order_notional_max: 5 usdt}\n"),
    "rate without per": (CONFIG_SCHEMA, ACCOUNT + "limits: {order_rate_max: 10}\n"),
    "no document": (CONFIG_SCHEMA, "[]\n"),
    "duration without unit": (RULES_SCHEMA, RULE + ", hold: 5}}\n"),
    "duration of an unknown unit": (RULES_SCHEMA, RULE + ", hold: 5min}}\n"),
    "unknown scope": (RULES_SCHEMA, "rules: {r: {for_each: acount, when: a > 1, do: close}}\n"),
    "unknown remedy": (RULES_SCHEMA, "rules: {r: {for_each: position, when: a > 1, do: sell}}\n"),
    "two remedies": (RULES_SCHEMA, "rules: {r: {for_each: position, when: a > 1, do: {close: {}, deleverage: {}}}}\n"),
    "remedy without its body": (RULES_SCHEMA, "rules: {r: {for_each: account, when: a > 1, do: deleverage}}\n"),
    "goal without `to`": (RULES_SCHEMA, "rules: {r: {for_each: account, when: a > 1, "
                                        "do: {deleverage: {liquidation_distance: 5%}}}}\n"),
    "no condition": (RULES_SCHEMA, "rules: {r: {for_each: position, do: close}}\n"),
    "empty condition": (RULES_SCHEMA, "rules: {r: {for_each: position, when: , do: close}}\n"),
    "octal": (RULES_SCHEMA, RULE + ", hold: 010s}}\n"),
}


@pytest.mark.parametrize(("name", "text"), BAD.values(), ids=BAD)
def test_schema_refuses_what_the_loader_refuses(name: str, text: str) -> None:
    """The editor underlines what the program would refuse anyway, and not one thing more."""
    assert not accepts(json.loads(schema_files()[name]), text)
    assert not loads(SPECS[name], text)


GOOD: dict[str, tuple[str, str]] = {
    "shortest": (CONFIG_SCHEMA, ACCOUNT),
    "every unit": (CONFIG_SCHEMA, ACCOUNT + "limits: {order_notional_max: 0.5 BTC, price_collar: 25bps, "
                                            "margin_collar_max: 0.05, order_rate_max: 600/m}\n"),
    "grouped whole number": (CONFIG_SCHEMA, 'accounts: {main: {instruments: ["B/U:U"], paper: {leverage: 2_0}}}\n'
                                            "strategies: [a.yaml]\n"),
    "price or word": (CONFIG_SCHEMA, 'accounts: {main: {instruments: ["B/U:U"], paper: {positions: '
                                     '{"B/U:U": {amount: -1_000.5, entry_price: 3_000}}}}}\nstrategies: [a.yaml]\n'),
    "secret by name": (CONFIG_SCHEMA, 'accounts: {main: {instruments: ["B/U:U"], exchange: {secret: env:KEY}}}\n'
                                      "strategies: [a.yaml]\n"),
    "number as text": (CONFIG_SCHEMA, 'accounts: {main: {instruments: ["B/U:U"]}}\nstrategies: [1]\nmarker: pen\n'),
    "null where optional": (RULES_SCHEMA, RULE + ", clear: null, execute: {collar: ~}}}\n"),
    "bare remedy": (RULES_SCHEMA, RULE + "}}\n"),
    "remedy over nothing": (RULES_SCHEMA, "rules: {r: {for_each: position, when: a > 1, do: {close: }}}\n"),
    "remedy over {}": (RULES_SCHEMA, "rules: {r: {for_each: position, when: a > 1, do: {close: {}}}}\n"),
    "no rules": (RULES_SCHEMA, "rules: {}\n"),
}


@pytest.mark.parametrize(("name", "text"), GOOD.values(), ids=GOOD)
def test_schema_takes_what_the_loader_takes(name: str, text: str) -> None:
    """A red line under a good file teaches people to ignore red lines."""
    assert loads(SPECS[name], text)
    assert accepts(json.loads(schema_files()[name]), text)


FIVE_USDT = Money(Decimal(5), "USDT")


@dataclass(frozen=True)
class Units:
    ratio: Ratio = field(default=0.025)
    duration: Duration = 90_000_000_000
    rate: Rate = 10.0
    money: Money = FIVE_USDT
    number: Decimal = Decimal("2.5")
    count: int = 3
    secret: Secret | None = None


TEXTS: dict[str, tuple[str, ...]] = {
    "ratio": ("5%", "5 %", "-25bps", "0.7", "1.0", "1.01", "70", "5 percent", "'%'", "1_0%", "1__0%", ".5%", "5%%"),
    "duration": ("250ms", "1.5h", "1 d", "5", "5min", "-5m ago", "s", "1_000s", "0s", "00s", "1e3s"),
    "rate": ("10/s", "0.5/m", "10", "10/d", "10 /s", "/s", "01/s"),
    "money": ("250_000 USDT", "0.5 BTC", "5 1INCH", "5", "5USDT", "5  USDT", "5 usdt", "5 123"),
    "number": ("1_000", "-2.5", "1e3", "abc", "1,000", "1_000.", "0x10"),
    "count": ("10", "1_0", "-3", "1.5", "ten"),
    "secret": ("env:KEY", "env:9", "KEY", "'env:'", "env:A B"),
}


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in TEXTS.items() for text in texts])
def test_schema_of_units_agrees_with_their_readers(key: str, text: str) -> None:
    """The patterns in the schema and the readers of the loader draw the line at the same text."""
    schema = json.loads(schema_text(Units, title="", comment=""))
    line = f"{key}: {text}\n"
    assert accepts(schema, line) is loads(Units, line)


def test_schema_shows_defaults_as_a_person_writes_them() -> None:
    """An editor that shows a default shows what one could type there."""
    properties = json.loads(schema_text(Units, title="", comment=""))["properties"]
    assert {key: value.get("default") for key, value in properties.items()} == {
        "ratio": "2.5%", "duration": "90s", "rate": "10/s", "money": "5 USDT", "number": "2.5", "count": 3,
        "secret": None,
    }


@dataclass(frozen=True)
class Anything:
    value: object


def test_schema_of_a_type_that_the_loader_cannot_read_is_our_bug() -> None:
    """A spec that nobody can fill must not get a schema that says otherwise."""
    with pytest.raises(ContractError, match="type is not known"):
        schema_text(Anything, title="", comment="")
