"""Entry prices that are not of the market's time: the commonest slip when a position is typed in for a replay."""

from __future__ import annotations

from bot.app.config import Config
from bot.app.record import RunRecord
from bot.app.wording import number, percent, price

FAR = 0.3                            # of the first price: nobody is still there with leverage after such a move


def far_entries(config: Config, record: RunRecord) -> list[str]:
    """Return a sentence for each position that was entered far from where its market began."""
    notes = []
    for name, account in config.accounts.items():
        series = record.series.get(name)
        for symbol, held in account.paper.positions.items():
            marks = series.marks.get(symbol, ()) if series is not None else ()
            first = next((mark for mark in (number(each) for each in marks) if mark), None)
            for leg in held.legs:
                if leg.entry_price == "first" or first is None:
                    continue
                away = float(leg.entry_price) / first - 1
                if abs(away) > FAR:
                    notes.append(
                        f"{name} {symbol}: its entry price {price(str(leg.entry_price))} lies {percent(abs(away))} "
                        f"{'above' if away > 0 else 'below'} the market's first price {price(first)}; write "
                        f"entry_price: first, give prices of that time, or let a generated market begin there: "
                        f"--generate 3,{symbol.partition('/')[0]}={leg.entry_price}"
                    )
    return notes
