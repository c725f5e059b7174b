"""What holding a position costs in funding, and how to get out of one that costs too much.

An example to copy: one measure, one remedy. docs/plugins.md says what a plug-in may do.
"""

from bot.rules.plugins import Goal, close, measure, reduce, remedy

# Binance, Bybit and OKX pay most perpetuals every 8 hours; change it where your market pays more often.
FUNDINGS_PER_DAY = 3
# Of equity. Below it two sales would cost more in fees and trouble than the rest of the position is worth.
SMALL = 0.25


@measure(
    "daily_carry",
    of="position",
    unit="ratio",
    meaning="funding that the position pays in a day at the present rate, over the account's equity; negative when"
            " it receives",
    inputs=("position.side", "position.notional", "market.funding_rate", "account.equity"),
)
def daily_carry(side: float, notional: float, funding_rate: float, equity: float) -> float | None:
    if equity <= 0:
        return None                      # nothing left to compare with: margin rules see to that
    return side * notional * funding_rate * FUNDINGS_PER_DAY / equity


@remedy(
    "halve_or_close",
    of="position",
    meaning="sells half of a position worth more than 25% of equity, and all of a smaller one",
    inputs=("position.notional", "account.equity"),
)
def halve_or_close(notional: float, equity: float) -> Goal:
    return reduce(0.5) if notional > SMALL * equity else close()
