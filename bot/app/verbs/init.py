"""``penstock init``: a few questions, or flags, and a configuration that passes ``penstock check``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bot.app.cli_codes import EXIT_GOOD
from bot.app.loading import load_all
from bot.app.starter import (
    Answers,
    book_names,
    read_amount,
    read_balance,
    read_books,
    read_exchange,
    read_leverage,
    read_symbols,
    starter_files,
)
from bot.app.whole_files import write_all_new
from bot.domain.errors import InputError

T = TypeVar("T")

TRIES_MAX = 5                        # per question; whoever fails five times reads the docs first
EXCHANGE = "binanceusdm"
SYMBOL = "BTC/USDT:USDT"
BALANCE = "1000"
LEVERAGE = "20"
BOOKS = "stop_loss crash_stop margin_guard"


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line said; None and empty are for the questions, or the defaults with ``--yes``."""

    exchange: str | None
    symbols: Sequence[str]
    balance: str | None
    leverage: str | None
    positions: Sequence[str]
    books: Sequence[str]


def init_config(flags: Flags, out: Path, *, is_unattended: bool, as_json: bool) -> int:
    """Write a configuration and what it names beside ``out``; nothing that is there is overwritten."""
    if not is_unattended and not sys.stdin.isatty():
        raise InputError(
            "init: cannot ask questions, standard input is no terminal; give --yes, and flags for what is not default"
        )
    _refuse_existing([out])
    try:
        answers = _answers(flags, _take_default if is_unattended else _ask)
    except EOFError:
        raise InputError(
            "init: the input ended before the last question, was the end of file; answer all, or give flags and --yes"
        ) from None
    files = {out.parent / name: text for name, text in starter_files(answers, out.name).items()}
    _refuse_existing([path for path, text in files.items() if not _holds(path, text)])
    _try_out(answers, out)
    _write(files)
    if as_json:
        print(json.dumps({"config": str(out), "files": [str(path) for path in files]}))
        return EXIT_GOOD
    for path in files:
        print(f"wrote {path}")
    print(f"next: penstock check {out}")
    return EXIT_GOOD


def _answers(flags: Flags, ask: Callable[[str, str], str]) -> Answers:
    """Return what the flags say; what they leave open is asked."""
    exchange = _settled(flags.exchange, "Exchange, in ccxt's name", EXCHANGE, read_exchange, ask)
    symbols = (
        read_symbols(flags.symbols) if flags.symbols
        else _settled(None, "Symbols, with spaces between", SYMBOL, lambda text: read_symbols(text.split()), ask)
    )
    settle = symbols[0].rpartition(":")[2]
    return Answers(
        exchange=exchange,
        symbols=symbols,
        balance=_settled(flags.balance, f"Cash of the paper account, {settle}", BALANCE, read_balance, ask),
        leverage=_settled(flags.leverage, "Leverage", LEVERAGE, read_leverage, ask),
        positions=_positions(flags.positions, symbols, ask),
        books=read_books(flags.books) if flags.books else _settled(
            None, f"Strategies, with spaces between ({', '.join(book_names())})", BOOKS,
            lambda text: read_books(text.split()), ask,
        ),
    )


def _positions(texts: Sequence[str], symbols: Sequence[str], ask: Callable[[str, str], str]) -> Mapping[str, str]:
    """Return amounts by symbol, from ``SYMBOL=AMOUNT`` or one question each."""
    found: dict[str, str | None] = {}
    for text in texts:
        symbol, equals, amount = text.rpartition("=")
        if not equals or symbol not in symbols:
            raise InputError(
                f"--position: must be SYMBOL=AMOUNT of one of the symbols ({' '.join(symbols)}), was {text!r}; "
                f"write {symbols[0]}=0.5, and name its symbol by --symbol"
            )
        found[symbol] = read_amount(symbol, amount)
    if not texts:
        for symbol in symbols:
            def read(text: str, symbol: str = symbol) -> str | None:
                return read_amount(symbol, text)

            question = f"Position in {symbol}, {symbol.partition('/')[0]}, negative for a short"
            found[symbol] = _settled(None, question, "none", read, ask)
    return {symbol: amount for symbol, amount in found.items() if amount is not None}


def _settled(
    flag: str | None, question: str, default: str, read: Callable[[str], T], ask: Callable[[str, str], str]
) -> T:
    """Return a flag's value, or the first answer that can be used."""
    if flag is not None:
        return read(flag)
    for _ in range(TRIES_MAX):
        try:
            return read(ask(question, default))
        except InputError as error:
            if ask is not _ask:
                raise
            print(f"  {error}", file=sys.stderr)
    raise InputError(f"init: no usable answer, was {TRIES_MAX} tries; start again, or give flags")


def _take_default(question: str, default: str) -> str:
    del question
    return default


def _ask(question: str, default: str) -> str:
    """Return a line from the terminal; raises EOFError when there is none.

    Questions go to standard error, so that ``--json`` stays alone.
    """
    print(f"{question} [{default}]: ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip() or default


# Files -----------------------------------------------------------------------------------------------------


def _holds(path: Path, text: str) -> bool:
    """True when the file is there already, just as we would write it."""
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False


def _refuse_existing(paths: Sequence[Path]) -> None:
    for path in paths:
        if path.exists() or path.is_symlink():
            raise InputError(
                f"{path}: is there already, and init overwrites nothing; choose another --out, or move it away"
            )


def _try_out(answers: Answers, out: Path) -> None:
    """Raise what ``penstock check`` would say, before anything is written where it counts."""
    with TemporaryDirectory() as folder:
        _write({Path(folder) / name: text for name, text in starter_files(answers, out.name).items()})
        try:
            load_all(Path(folder) / out.name, {})
        except InputError as error:
            raise InputError(str(error).replace(folder, str(out.parent))) from None


def _write(files: Mapping[Path, str]) -> None:
    """Write what is not there yet, all or none of it, the configuration last: it never lacks a rule book."""
    try:
        write_all_new({path: text.encode() for path, text in files.items() if not _holds(path, text)})
    except OSError as error:
        raise InputError(
            f"{error.filename or [*files][-1]}: cannot be written, was {error.strerror}; choose another --out"
        ) from error
