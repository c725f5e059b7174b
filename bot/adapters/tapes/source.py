"""What the user named on the command line: a symbol, a kind and a file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bot.domain.errors import InputError

_HASH_CHUNK = 1 << 20
# ccxt's unified symbols (BTC/USDT, BTC/USDT:USDT, BTC/USD:BTC-241227-60000-C) or a venue's own id.
_PERPETUAL = re.compile(r"[-_](PERP|SWAP|PERPETUAL)$")
_MARKET = re.compile(
    r"(?<![A-Z0-9])[A-Z0-9]{2,12}?[_-]?(?:USDT|USDC|FDUSD|BUSD|USD|BTC|ETH)(?:_PERP)?(?![A-Z0-9])"
)
_SYMBOL = re.compile(r"[A-Z0-9]+/[A-Z0-9]+(:[A-Z0-9]+(-[A-Z0-9]+)*)?|(?=[0-9]*[A-Z])[A-Z0-9][A-Z0-9_-]{4,}")


class TapeKind(Enum):
    TRADES = "trades"
    BOOK = "book"
    CANDLES = "candles"
    MARK = "mark"
    INDEX = "index"
    FUNDING = "funding"
    LIQUIDATIONS = "liquidations"
    QUOTES = "quotes"
    OPEN_INTEREST = "open_interest"


BAR_KINDS = (TapeKind.CANDLES, TapeKind.MARK, TapeKind.INDEX)     # what a candle can be of


@dataclass(frozen=True, slots=True)
class TapeArgument:
    """One ``--tape``. None means that the user did not say: the file's name or its columns tell."""

    symbol: str | None
    kind: TapeKind | None
    path: Path


def parse_tape_argument(text: str) -> TapeArgument:
    """Read ``[SYMBOL[@KIND]=]PATH``.

    The text is split at its first ``=`` only when what stands before it looks like a symbol in capitals;
    a path that does (``DATA/X=1.csv``) is written ``./DATA/X=1.csv``. Raises InputError for an empty path
    or an unknown kind.
    """
    left, equals, right = text.partition("=")
    symbol, at, kind = left.partition("@")
    if not equals or _SYMBOL.fullmatch(symbol) is None:
        return TapeArgument(None, None, _path(text, text))
    return TapeArgument(symbol, _kind(kind, text) if at else None, _path(right, text))


def _path(path: str, text: str) -> Path:
    if not path:
        raise InputError(f"--tape: the path is missing, was {text!r}; write [SYMBOL[@KIND]=]PATH")
    return Path(path)


def _kind(word: str, text: str) -> TapeKind:
    try:
        return TapeKind(word)
    except ValueError:
        known = ", ".join(kind.value for kind in TapeKind)
        raise InputError(f"--tape {text}: unknown kind, was {word!r}; write one of {known}") from None


def venue_id(symbol: str) -> str:
    """Return a symbol the way file names and venues write it, without what says perpetual.

    ``BTC/USDT:USDT -> BTCUSDT``, ``BTCUSD_PERP -> BTCUSD``.
    """
    return re.sub(r"[^A-Z0-9]", "", _PERPETUAL.sub("", symbol.partition(":")[0].upper()))


def stands_for(name: str, symbol: str) -> bool:
    """Return whether a market that a file calls ``name`` is ``symbol``; a bare coin stands for its pairs."""
    return venue_id(name) in (venue_id(symbol), symbol.partition("/")[0].upper())


def guess_market(path: Path) -> str:
    """Return the market that the name of a file or folder speaks of, "" when it does not."""
    found = _MARKET.search(path.name.upper())
    return found.group() if found else ""


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the file at ``path``, or the files of a folder in the order of their names: days in order.

    Hidden files and checksums are no tapes. Raises InputError when a folder has none.
    """
    if not path.is_dir():
        return (path,)
    files = tuple(
        file for file in sorted(path.iterdir())
        if file.is_file() and not file.name.startswith(".") and file.suffix.upper() != ".CHECKSUM"
    )
    if not files:
        raise InputError(f"tape {path}: the folder has no file; name a file, or the folder that holds the days")
    return files


def match_symbol(argument: TapeArgument, symbols: Sequence[str]) -> str | None:
    """Return which of the account's ``symbols`` the tape stands for, or None when nothing tells.

    The symbol written by the user counts first, then the file's name: ``..._BTCUSDT_1m.csv.gz`` is
    ``BTC/USDT:USDT``. Raises InputError when the written symbol is none of them, or several fit.
    """
    if argument.symbol is not None:
        if argument.symbol in symbols:
            return argument.symbol
        fitting = [symbol for symbol in symbols if venue_id(symbol) == venue_id(argument.symbol)]
        if not fitting:
            raise InputError(
                f"--tape {argument.path}: no such instrument in the account, was {argument.symbol!r}; "
                f"write one of {', '.join(symbols)}"
            )
    else:
        name = argument.path.name.upper()
        fitting = [symbol for symbol in symbols if _name_pattern(symbol).search(name)]
    if len(fitting) > 1:
        raise InputError(
            f"--tape {argument.path}: stands for {' or '.join(fitting)}; say which: SYMBOL={argument.path}"
        )
    return fitting[0] if fitting else None


def _name_pattern(symbol: str) -> re.Pattern[str]:
    """BTCUSDT, BTC_USDT or BTC-USDT, not inside a longer word such as WBTCUSDT or BTCUSDTDOM."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    return re.compile(rf"(?<![A-Z0-9]){re.escape(base.upper())}[_-]?{re.escape(quote.upper())}(?![A-Z0-9])")


def tape_hash(path: Path) -> str:
    """Return the sha256 of the file as it lies on the disk, packed or not, in hexadecimal.

    Of a folder, the sha256 of its files' bytes one after the other.
    """
    digest = hashlib.sha256()
    try:
        for each in files_of(path):
            with each.open("rb") as file:
                while chunk := file.read(_HASH_CHUNK):
                    digest.update(chunk)
    except OSError as error:
        raise InputError(f"tape {path}: cannot be read, {error.strerror}; check the path") from error
    return digest.hexdigest()
