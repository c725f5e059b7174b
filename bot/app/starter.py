"""The files that ``penstock init`` writes: a commented configuration, its rule books, and schemas for the editor.

Every ``read_`` function takes what a person typed, as a flag or an answer, and returns the value or raises
InputError with what to do instead.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import strategies
from bot.app.first_prices import AS_MEASURED
from bot.app.paper_config import LEVERAGE_MAX
from bot.app.schemas import CONFIG_SCHEMA, RULES_SCHEMA, hint, schema_files
from bot.app.symbols import perpetual_of
from bot.domain.errors import InputError
from bot.settings.errors import pick_one, show
from bot.settings.scalars import parse_number

BOOKS = Path(strategies.__file__).parent
BOOKS_FOLDER = "rules"
SCHEMAS_FOLDER = "schema"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person chose. Numbers are kept as they were typed; ``positions`` are signed, in base units."""

    exchange: str
    symbols: tuple[str, ...]
    balance: str
    leverage: str
    positions: Mapping[str, str]
    books: tuple[str, ...]


def book_names() -> tuple[str, ...]:
    """Return the names of the rule books that come with the program."""
    return tuple(sorted(path.stem for path in BOOKS.glob("*.yaml")))


def read_exchange(text: str) -> str:
    """Return ccxt's name of an exchange."""
    from ccxt import exchanges  # about half a second, which --help need not wait for

    if text not in exchanges:
        raise InputError(f"exchange: is not among ccxt's, was {show(text)}; {pick_one(text, exchanges)}")
    return text


def read_symbols(texts: Sequence[str]) -> tuple[str, ...]:
    """Return ccxt symbols of perpetuals that settle in one currency."""
    if not texts:
        raise InputError("symbol: needs at least one, was none; write one such as BTC/USDT:USDT")
    settles = {perpetual_of(text).settle for text in texts}
    if len(settles) > 1:
        raise InputError(
            f"symbol: all settle in one currency in this version, was {' and '.join(sorted(settles))}; leave some out"
        )
    if len(set(texts)) != len(texts):
        raise InputError(f"symbol: is named twice, was {' '.join(texts)}; name each once")
    return tuple(texts)


def read_balance(text: str) -> str:
    """Return a starting balance, above 0, in the currency of settlement."""
    if _number("balance", text) <= 0:
        raise InputError(f"balance: must be above 0, was {text}; write the cash of the account, such as 1000")
    return text


def read_leverage(text: str) -> str:
    """Return a whole number from 1 to what the configuration takes."""
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:4]) <= LEVERAGE_MAX:
        raise InputError(f"leverage: must be a whole number from 1 to {LEVERAGE_MAX}, was {show(text)}; write 20")
    return str(int(text))


def read_amount(symbol: str, text: str) -> str | None:
    """Return a position in base units, negative for a short; None for ``none`` and 0."""
    if text == "none" or not _number(f"position of {symbol}", text):
        return None
    return text


def read_books(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of rule books that come with the program, at least one."""
    known = book_names()
    for name in names:
        if name not in known:
            raise InputError(f"strategy: is none of ours, was {show(name)}; {pick_one(name, known)}")
    if not names:
        raise InputError(f"strategy: needs at least one, was none; possible: {', '.join(known)}")
    return tuple(dict.fromkeys(names))


def _number(where: str, text: str) -> Decimal:
    try:
        return parse_number(text)
    except ValueError as error:
        raise InputError(f"{where}: is not a number, was {show(text)}; {error}") from None


def starter_files(answers: Answers, name: str) -> dict[str, str]:
    """Return the text of every file by its path beside the configuration, which is called ``name`` and last."""
    schemas = schema_files()
    files = {f"{SCHEMAS_FOLDER}/{schema}": text for schema, text in schemas.items()}
    for book in answers.books:
        files[f"{BOOKS_FOLDER}/{book}.yaml"] = _book_text(book)
    files[name] = _config_text(answers, name)
    return files


def _book_text(book: str) -> str:
    """Return a rule book of ours, with the editor's hint pointing at the schema in its new home."""
    text = (BOOKS / f"{book}.yaml").read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    body = rest if first.startswith(hint("")) else text
    return f"{hint(f'../{SCHEMAS_FOLDER}/{RULES_SCHEMA}')}\n{body}"


def _config_text(answers: Answers, name: str) -> str:
    first = perpetual_of(answers.symbols[0])
    variable = answers.exchange.upper()
    tapes = " ".join(f"--tape {symbol}=PATH" for symbol in answers.symbols)
    return f"""{hint(f"{SCHEMAS_FOLDER}/{CONFIG_SCHEMA}")}
# Written by `penstock init`. See what it means, then try it on recorded prices, or on a generated crash. That begins at
# the prices of March 2020, or where you say, such as --generate 3,{first.base}=PRICE:
#   penstock check {name}
#   penstock replay {name} {tapes} --out runs/first
#   penstock replay {name} --generate 3{_first_prices(answers.symbols)} --out runs/crash
accounts:
  main:
    exchange:                         # ccxt's names; secrets by the name of an environment variable
      id: {answers.exchange}
      apiKey: env:{variable}_KEY       # not read in paper mode
      secret: env:{variable}_SECRET
    mode: paper                       # paper | demo | live
    instruments: [{", ".join(_quoted(symbol) for symbol in answers.symbols)}]     # ccxt symbols
    # The floor under every schedule of sale: what keeps the distance to liquidation above three standard
    # deviations of 15 minutes, but not below 2.5% and not above 4%, is sold at once.
    survival: {{distance: 2.5%, sigmas: 3, distance_max: 4%}}
    protect: {{per: position}}                         # a stop rests at the venue for every position; or none
    blind: {{verify_stop: true, else_reduce: 50%}}     # when no price comes any more
    paper:                            # what the simulated account starts with (paper and replay)
      balances: {{{first.settle}: {answers.balance}}}
{_positions_text(answers)}
      leverage: {answers.leverage}
      margin_mode: cross
      fees: {{maker: 2bps, taker: 5bps}}
      latency: 50ms                   # one way
limits:                               # the gate; rules cannot raise them
  order_notional_max: 250_000 {first.quote}    # larger reductions are split
  price_collar: 2%                    # cost class; the ladder of the margin class goes no further than:
  margin_collar_max: 8%
  order_rate_max: 10/s
strategies:                           # rule books, relative to this file; they are yours to change
{chr(10).join(f"  - {BOOKS_FOLDER}/{book}.yaml" for book in answers.books)}
"""


def _first_prices(symbols: Sequence[str]) -> str:
    """Return what a generated market must be told of coins that it has no figures of: ``,SOL=PRICE``."""
    coins = dict.fromkeys(perpetual_of(symbol).base for symbol in symbols)
    return "".join(f",{coin}=PRICE" for coin in coins if coin not in AS_MEASURED.characters)


def _positions_text(answers: Answers) -> str:
    if not answers.positions:
        return f"      positions: {{}}                   # {_position_text(answers.symbols[0], '0.5')}"
    lines = [f"        {_position_text(symbol, amount)}" for symbol, amount in answers.positions.items()]
    return "\n".join(["      positions:                      # signed, base units; a price or `first`", *lines])


def _position_text(symbol: str, amount: str) -> str:
    return f"{_quoted(symbol)}: {{amount: {amount}, entry_price: first}}"


def _quoted(symbol: str) -> str:
    return json.dumps(symbol, ensure_ascii=False)     # JSON's quotes are YAML's double quotes
