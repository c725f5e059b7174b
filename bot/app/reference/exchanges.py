"""``docs/exchanges.md``: which exchanges can be guarded, by ccxt's word, and which were driven over a wire."""

from __future__ import annotations

from bot.adapters.ccxt.unified.census import Entry, census, version
from bot.app.reference.markdown import code, page, table

# By an unmodified ccxt, over real sockets, against `penstock exchange`; nothing with money.
DRIVEN = {"binanceusdm": "by its own adapter", "binance": "by unified methods"}

_INTRODUCTION = """Any id of ccxt's can stand in `exchange.id`. `binanceusdm` has an adapter of its own; all others are
spoken to by ccxt's unified methods alone ([live.md](live.md) says how). What follows is ccxt's word, read from the
tables of version {version} without asking anybody.

**Driven over the wire, by ccxt as it comes against `penstock exchange`:
{driven}. The others: by ccxt's word, not traded.** `penstock doctor CONFIG` asks more than
this page knows: it rehearses every kind of order with your key's signature, reads what would be sent, sends none of it,
and says what is missing."""

_GUARDED = """## Can be guarded, by ccxt's word

*Stop watches* is the price by which a resting stop is triggered. *Rings* says whether streams of the account make it
read at once; else it is read every 3 seconds. *Prices* come by streams or by polls every second."""

_UNREAD = """## Nobody has looked yet

ccxt has all that is needed, but often passes a name, reduce-only or immediate-or-cancel on as it is, and nobody has
read yet whether these exchanges heed them. Refused at the start for that, unless the rehearsal shows that ccxt puts
each of them into the exchange's own words; then `exchange.total` must say what ccxt's total of a balance holds. A line
in `bot/adapters/ccxt/unified/habits.py` is what it takes.

{names}."""

_REFUSED = """## Refused at the start

Because ccxt has not what an account cannot be guarded without."""


def exchanges_page() -> str:
    """Return the page, of the ccxt that is installed."""
    found = census()
    driven = " and ".join(f"{code(name)} ({how})" for name, how in DRIVEN.items())
    able = [entry for entry in found if not entry.missing]
    return page(
        "Exchanges",
        _INTRODUCTION.format(version=version(), driven=driven),
        _GUARDED,
        table(
            ["exchange.id", "stop watches", "rings", "prices", "driven"],
            [_row(entry) for entry in able if entry.is_known],
        ),
        _UNREAD.format(names=", ".join(code(entry.exchange_id) for entry in able if not entry.is_known)),
        _REFUSED,
        table(
            ["exchange.id", "missing"],
            [[code(entry.exchange_id), ", ".join(entry.missing)] for entry in found if entry.missing],
        ),
    )


def _row(entry: Entry) -> list[str]:
    return [
        code(entry.exchange_id), entry.stops, "yes" if entry.rings else "polled",
        "streams" if entry.streams else "polled", DRIVEN.get(entry.exchange_id, "no"),
    ]
