"""``penstock exchange``: the paper venue on loopback, as Binance's USD-M futures, until somebody ends it."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path

from bot.app.cli_codes import EXIT_GOOD
from bot.app.generated import open_generated
from bot.app.markets import MarketSource, RecordedMarket, make_instrument, sign_of
from bot.app.symbols import perpetual_of
from bot.domain.errors import InputError
from bot.domain.instrument import Instrument
from bot.domain.scale import CASH_DIGITS, to_fixed
from paper.spec import AccountStart, PositionStart, VenueSpec
from paper.wire.clock import ServerClock
from paper.wire.contracts import as_listed, stated_digits
from paper.wire.core import CoreVenue
from paper.wire.exchange import WireExchange
from paper.wire.mischief import Mischief
from paper.wire.playback import played
from paper.wire.refusals import Refused
from paper.wire.server import Tape, WireServer
from paper.wire.spec import Credentials, WireSpec
from paper.wire.tls import HOSTS, make_tls

SYMBOLS_DEFAULT = ("BTC/USDT:USDT", "ETH/USDT:USDT")
ACCOUNT = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says."""

    port: int
    key: str
    secret: str
    tapes: Sequence[str]
    generate: str | None
    pace: float
    symbols: Sequence[str]
    balance: str
    positions: Sequence[str]
    leverage: int
    is_steerable: bool
    faults: Path | None


def serve_exchange(asked: Asked, *, as_json: bool) -> int:
    """Serve until SIGTERM or SIGINT; the addresses are printed once everything answers."""
    if asked.tapes and asked.generate is not None:
        raise InputError("exchange: takes prices from one place; give either --tape or --generate")
    if asked.pace <= 0:
        raise InputError(f"--pace: must be above 0, was {asked.pace:g}; write 60 for a minute in a second")
    market = _market(asked)
    instruments = market.instruments if market is not None else _instruments(_symbols(asked))
    listed = [as_listed(instrument) for instrument in instruments]
    venue = CoreVenue(VenueSpec(latency=0), listed, [_start(asked, listed)])
    clock = ServerClock()
    exchange = WireExchange(venue, WireSpec((Credentials(asked.key, asked.secret, ACCOUNT),)), now=clock.now())
    tape: Tape | None = None
    if market is not None:
        events = market.events(lambda instrument: sign_of(venue.net_quantity(instrument)))
        tape = played(events, starts=clock.now(), pace=asked.pace)
    server = WireServer(exchange, clock, tape=tape, carrier=_carrier(asked.faults), is_steerable=asked.is_steerable)
    asyncio.run(_serve(server, asked.port, as_json=as_json))
    return EXIT_GOOD


async def _serve(server: WireServer, port: int, *, as_json: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    with tempfile.TemporaryDirectory(prefix="penstock-exchange-") as folder:
        served = make_tls(Path(folder))
        await server.start(port=port, tls=served.context)
        _tell(server, served.ca, as_json=as_json)
        try:
            await server.serve_until(ended)
        finally:
            await server.stop()


def _tell(server: WireServer, ca: Path, *, as_json: bool) -> None:
    at = f"127.0.0.1:{server.port}"
    addresses = {
        "rest": f"http://{at}", "ws": f"ws://{at}/ws", "ws_api": f"ws://{at}/ws-fapi/v1",
        "tls": {"port": server.tls_port, "ca": str(ca), "hosts": list(HOSTS)},
    }
    if as_json:
        print(json.dumps(addresses), flush=True)
        return
    print(f"REST           {addresses['rest']}")
    print(f"streams        {addresses['ws']}")
    print(f"WebSocket API  {addresses['ws_api']}")
    print(f"TLS            port {server.tls_port}, authority {ca}, for {', '.join(HOSTS[:4])} ...")
    print("serving until Ctrl-C", flush=True)


def _carrier(plan: Path | None) -> Mischief:
    carrier = Mischief()
    if plan is not None:
        try:
            carrier.follow(plan.read_bytes())
        except Refused as refused:
            raise InputError(f"--faults {plan}: {refused.message}") from refused
    return carrier


def _symbols(asked: Asked) -> list[str]:
    """Return the symbols that are listed: those given, else those that tapes are named for, else the usual two."""
    named = [text.partition("=")[0].partition("@")[0] for text in asked.tapes if "=" in text]
    return list(dict.fromkeys(asked.symbols or named or SYMBOLS_DEFAULT))


def _market(asked: Asked) -> MarketSource | None:
    """Return where prices come from, or None where a test is to give them."""
    symbols = _symbols(asked)
    if asked.tapes:
        return RecordedMarket.open(asked.tapes, symbols)
    if asked.generate is None:
        return None
    market = open_generated(asked.generate, symbols)
    return replace(market, instruments=tuple(as_listed(instrument) for instrument in market.instruments))


def _instruments(symbols: Sequence[str]) -> list[Instrument]:
    found = []
    for index, symbol in enumerate(symbols):
        named = perpetual_of(symbol)
        price_digits, quantity_digits = stated_digits(f"{named.base}{named.quote}")
        found.append(make_instrument(index, symbol, price_digits=price_digits, quantity_digits=quantity_digits))
    return found


def _start(asked: Asked, instruments: Sequence[Instrument]) -> AccountStart:
    by_symbol = {instrument.symbol: instrument for instrument in instruments}
    positions = []
    for text in asked.positions:
        symbol, _, amount = text.partition("=")
        instrument = by_symbol.get(symbol)
        if instrument is None or not amount:
            raise InputError(f"--position {text}: must be SYMBOL=AMOUNT of one of {', '.join(by_symbol)}")
        quantity = _amount("--position", text, amount, instrument.quantity_digits)
        positions.append(PositionStart(instrument.index, quantity))
    balance = _amount("--balance", asked.balance, asked.balance, CASH_DIGITS)
    return AccountStart(
        ACCOUNT, instruments[0].settle, balance, positions=tuple(positions), leverage=asked.leverage
    )


def _amount(option: str, text: str, amount: str, digits: int) -> int:
    try:
        return to_fixed(Decimal(amount), digits)
    except (ValueError, InvalidOperation) as error:
        raise InputError(f"{option} {text}: is no amount of at most {digits} decimals; write 1.5") from error
