"""A daemon's way to a real venue: one key per account, one public client for prices, one turnstile for all.

    open     markets and quotas -> clock -> what each key may do -> how each account is set -> layout
    attach   feed and streams may speak
    jobs     feed, clock, and per account its streams and its polls

Which adapter speaks to the exchange is one question (``exchange_apis``); everything here is the same for all.

Modes and leverage are the venue's: an account is guarded as it is set, and nothing is set here. All accounts of a
daemon are at one exchange, in one world: live or demo.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.adapters.ccxt.account_view import AccountView
from bot.adapters.ccxt.clock import QUESTIONS, Offset
from bot.adapters.ccxt.connection import Access, Connection, Endpoints, Where
from bot.adapters.ccxt.exchange_api import AccountLink, Chore, ExchangeApi, Probed
from bot.adapters.ccxt.exchange_apis import api_of
from bot.adapters.ccxt.limiter import Limiter, Quota
from bot.adapters.ccxt.names import code_of
from bot.adapters.ccxt.probe import Markets
from bot.adapters.ccxt.times import VenueTime
from bot.adapters.ccxt.troubles import Trouble
from bot.adapters.ccxt.turnstile import Turnstile
from bot.app.config import AccountSpec, Mode
from bot.app.daemon.clock import WallClock
from bot.app.daemon.connection import NamedJob
from bot.app.daemon.supervisor import Pulse
from bot.app.loading import Loaded
from bot.app.margins import backing_of, settle_of
from bot.domain.account import MarginMode
from bot.domain.errors import CredentialError, InputError
from bot.domain.events import AccountFact, InstrumentStatus
from bot.domain.instrument import Instrument, TradingState
from bot.domain.market import MarketFact
from bot.domain.open_order import OpenOrder
from bot.domain.order import Approved
from bot.domain.scale import NS_PER_MS, NS_PER_SECOND
from bot.engine.measures.layout import HEDGE, ONE_WAY, AccountSlot, Layout
from bot.ports import Venue

CLOCK_EVERY = 5.0                    # s; each question also keeps the connection warm, which drops after 75 idle ones
CLOCK_AHEAD_MAX = 250 * NS_PER_MS    # RELIABILITY R23; requests are stamped with the venue's time all the same
CLOCK_SILENCE_MAX = 60.0             # s; questions wait for the venue's quota
_WORLDS = {Mode.LIVE: Where.LIVE, Mode.DEMO: Where.DEMO}


@dataclass(slots=True)
class _Guarded:
    """One account's key and what hangs on it."""

    name: str
    connection: Connection
    probed: Probed
    unasked: str | None              # why the key's rights are not known
    link: AccountLink | None = None


class _Routes:
    """The venue port of all accounts: each call goes to the account's own."""

    def __init__(self, venues: Sequence[Venue]) -> None:
        self._venues = venues

    def place(self, now: int, approved: Approved) -> None:
        self._venues[approved.request.key.account].place(now, approved)

    def cancel(self, now: int, account: int, name: str) -> None:
        self._venues[account].cancel(now, account, name)

    def cancel_foreign(self, now: int, account: int, order: OpenOrder) -> None:
        self._venues[account].cancel_foreign(now, account, order)

    def look_up(self, now: int, account: int, name: str) -> None:
        self._venues[account].look_up(now, account, name)

    def report_account(self, now: int, account: int) -> None:
        self._venues[account].report_account(now, account)

    def catch_up(self, now: int, account: int, facts_after: int, orders_after: int) -> None:
        self._venues[account].catch_up(now, account, facts_after, orders_after)


@dataclass(slots=True)
class _Doors:
    """Where prices, facts and troubles go; set when the daemon is ready for them."""

    put: Callable[[MarketFact], None] = field(default=lambda _: None)
    tell: Callable[[AccountFact], None] = field(default=lambda _: None)
    ring: Callable[[str, str], None] = field(default=lambda _code, _detail: None)

    def report(self, trouble: Trouble) -> None:
        self.ring(trouble.code, trouble.detail)


class LiveConnection:
    """A ``Connection`` to one exchange for all accounts of a configuration."""

    def __init__(
        self, loaded: Loaded, clock: WallClock, api: ExchangeApi, public: Connection, markets: Markets,
        accounts: list[_Guarded], times: VenueTime,
    ) -> None:
        self._api = api
        self._markets = markets
        self._public = public
        self._accounts = accounts
        self._time = times
        self._clock = clock
        self._doors = _Doors()
        self._layout = _layout(loaded, markets, accounts)
        self._is_clock_told = False
        doors = self._doors
        self._chores = [
            api.feed(public, markets, times, put=lambda event: doors.put(event), report=doors.report),
            api.market_watch(public, markets, times, tell=lambda fact: doors.tell(fact), report=doors.report),
        ]
        for index, account in enumerate(accounts):
            view = AccountView(
                account=index, marker=loaded.config.marker, names=code_of(public.access.exchange_id),
                instruments=_of_account(markets, self._layout.accounts[index]),
                mode_of=self._layout.accounts[index].mode_of, is_hedged=account.probed.terms.is_hedged,
            )
            account.link = account.probed.link(
                view, times, tell=lambda fact: doors.tell(fact), report=doors.report
            )
        self._routes = _Routes([account.link.venue for account in accounts if account.link is not None])

    @classmethod
    async def open(cls, loaded: Loaded, clock: WallClock) -> LiveConnection:
        """Ask all that must be known before anything is trusted; close what was opened if it may not be.

        Keys that this machine does not have are told before anybody is asked. Raises InputError for a configuration
        that the venue contradicts, CredentialError for keys.
        """
        exchange_id, mode = _one_world(loaded)
        keys = {
            name: access_of(spec, exchange_id, mode, is_public=False) for name, spec in loaded.config.accounts.items()
        }
        api = api_of(exchange_id)
        times = VenueTime(clock.now)
        turnstile = Turnstile(Limiter(()), monotonic=time.monotonic_ns, wall=clock.now)
        opened: list[Connection] = []
        try:
            first = next(iter(loaded.config.accounts.values()))
            public = Connection(access_of(first, exchange_id, mode, is_public=True), turnstile)
            opened.append(public)
            await public.open()
            markets = await api.read_markets(public, loaded.config.symbols)
            turnstile.limiter = Limiter(markets.quotas)
            accounts = []
            for name, access in keys.items():
                own = Connection(access, turnstile)
                opened.append(own)
                await own.open()
                for _ in range(QUESTIONS):
                    await api.ask_time(own, times)
                unasked = await api.refuse_withdrawals(own) if mode is Mode.LIVE else None
                accounts.append(_Guarded(name, own, await api.probe(own, markets, now=clock.now()), unasked))
            return cls(loaded, clock, api, public, markets, accounts, times)
        except BaseException as error:
            for connection in opened:
                await connection.close()
            raise as_ours(error) from error

    @property
    def layout(self) -> Layout:
        """Accounts as the venue has them set, instruments with its filters, brackets of each account's tier."""
        return self._layout

    @property
    def clock_offset(self) -> Offset | None:
        """How far the venue's clock was from ours when it was last asked."""
        return self._time.offset

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """What the venue lets one address and one account ask."""
        return self._markets.quotas

    @property
    def states(self) -> tuple[TradingState, ...]:
        """What orders each instrument took when it was read."""
        return self._markets.states

    @property
    def lacks(self) -> dict[str, tuple[str, ...]]:
        """What the exchange cannot do, or did not say, by account."""
        return {
            account.name: ((account.unasked,) if account.unasked else ()) + account.probed.lacks
            for account in self._accounts
        }

    @property
    def venue(self) -> _Routes:
        """Where orders go."""
        return self._routes

    def attach(
        self, *, put: Callable[[MarketFact], None], tell: Callable[[AccountFact], None],
        ring: Callable[[str, str], None],
    ) -> None:
        """Let feed and streams speak; what the venue does not trade at the moment is told first."""
        self._doors.put, self._doors.tell, self._doors.ring = put, tell, ring
        now = self._clock.now()
        for instrument, state in zip(self._markets.instruments, self._markets.states, strict=True):
            if state is not TradingState.TRADING:
                tell(InstrumentStatus(now, now, instrument.index, state))
        for name, lacks in self.lacks.items():
            for lack in lacks:
                ring("exchange_lacks", f"{name}: {lack}")

    def took_over(self, at: int) -> None:
        """Let every account wait for what another process may have sent until ``at``."""
        for account in self._accounts:
            assert account.link is not None
            account.link.took_over(at)

    def jobs(self) -> Sequence[NamedJob]:
        """Return the tasks that keep sockets, clock and polls alive."""
        jobs = [job_of(chore, chore.name) for chore in self._chores]
        jobs.append(NamedJob("clock", self._watch_clock, CLOCK_SILENCE_MAX))
        for account in self._accounts:
            assert account.link is not None
            jobs += [job_of(chore, f"{chore.name} {account.name}") for chore in account.link.chores]
        return jobs

    async def history(self) -> Sequence[MarketFact]:
        """Return the last day's marks and trades by the minute; nothing, with a word, where they cannot be read."""
        try:
            return await self._api.read_day(self._public, self._markets, now=self._clock.now())
        except Exception as error:  # noqa: BLE001 - without it volatility has its stated prior, and windows fill up
            self._doors.ring("history_unread", f"{type(error).__name__}: {error}")
            return ()

    async def close(self) -> None:
        """Close every socket; an order that is under way is told as unknown."""
        for account in self._accounts:
            if account.link is not None:
                await account.link.close()
            await account.connection.close()
        await self._public.close()

    async def _watch_clock(self, pulse: Pulse) -> None:
        """Measure the venue's clock against ours, for ever; alarm once when they part and once when they agree."""
        while True:
            for account in self._accounts:
                try:
                    await self._api.ask_time(account.connection, self._time)
                except Exception as error:  # noqa: BLE001 - a question that failed is asked again
                    self._doors.ring("clock_unread", f"{account.name}: {type(error).__name__}: {error}")
                pulse.beat()
            self._judge_clock()
            await asyncio.sleep(CLOCK_EVERY)

    def _judge_clock(self) -> None:
        is_off = abs(self._time.ahead) > CLOCK_AHEAD_MAX
        if is_off is self._is_clock_told:
            return
        self._is_clock_told = is_off
        seconds = self._time.ahead / NS_PER_SECOND
        if is_off:
            self._doors.ring("clock_off", f"the venue's clock is {seconds:+.3f} s ahead of ours; mend the machine's")
        else:
            self._doors.ring("clock_agrees", f"the venue's clock is {seconds:+.3f} s ahead of ours")


def job_of(chore: Chore, name: str) -> NamedJob:
    """Return an adapter's task as the supervisor takes it."""
    return NamedJob(name, lambda pulse: chore.run(pulse.beat), chore.silence_max)


def _one_world(loaded: Loaded) -> tuple[str, Mode]:
    """Return the exchange and the mode of all accounts; raises InputError when they are not the same."""
    worlds = list(dict.fromkeys((spec.exchange.id, spec.mode) for spec in loaded.config.accounts.values()))
    if len(worlds) > 1:
        told = " and ".join(f"{exchange_id} {mode.value}" for exchange_id, mode in worlds)
        raise InputError(f"accounts: a daemon has one exchange and one mode, were {told}; run a daemon for each")
    exchange_id, mode = worlds[0]
    return exchange_id, mode


def access_of(spec: AccountSpec, exchange_id: str, mode: Mode, *, is_public: bool) -> Access:
    exchange = spec.exchange
    endpoints = None if exchange.endpoints is None else Endpoints(exchange.endpoints.rest, exchange.endpoints.streams)
    if is_public:
        return Access(exchange_id, _WORLDS[mode], endpoints=endpoints)
    held = [exchange.apiKey, exchange.secret, exchange.password, exchange.privateKey]
    if (exchange.apiKey is None or exchange.secret is None) and exchange.privateKey is None:
        raise CredentialError("exchange: needs apiKey and secret, each as env:NAME of the variable that holds it")
    key, secret, password, private_key = (None if each is None else each.reveal() for each in held)
    return Access(
        exchange_id, _WORLDS[mode], key=key, secret=secret, password=password, wallet=exchange.walletAddress,
        private_key=private_key, total=exchange.total, endpoints=endpoints,
    )


def as_ours(error: BaseException) -> BaseException:
    """Return an error of the start in our words: what the venue refused by the key is a matter of the key."""
    name = type(error).__name__
    if name in ("AuthenticationError", "PermissionDenied", "AccountSuspended", "AccountNotEnabled"):
        return CredentialError(f"exchange.apiKey: the venue refuses it, {name}: {error}; check key, rights and address")
    if name in ("NetworkError", "RequestTimeout", "ExchangeNotAvailable", "DDoSProtection", "RateLimitExceeded"):
        return InputError(f"exchange: the venue cannot be asked, {name}: {error}; try again when it can")
    return error


def _of_account(markets: Markets, slot: AccountSlot) -> dict[str, Instrument]:
    return {symbol: each for symbol, each in markets.by_symbol.items() if each.index in slot.instruments}


def _layout(loaded: Loaded, markets: Markets, accounts: Sequence[_Guarded]) -> Layout:
    """Return the columns of a run; brackets are those of the first account, since instruments are shared."""
    by_ccxt = {instrument.symbol: instrument for instrument in markets.instruments}
    venue_symbol = {instrument.symbol: symbol for symbol, instrument in markets.by_symbol.items()}
    slots = []
    for account in accounts:
        spec = loaded.config.accounts[account.name]
        own = [by_ccxt[symbol] for symbol in spec.instruments]
        modes = {each.index: account.probed.terms.modes[venue_symbol[each.symbol]] for each in own}
        leverages = {each.index: float(account.probed.terms.leverages[venue_symbol[each.symbol]]) for each in own}
        slots.append(
            AccountSlot(
                name=account.name,
                settle=settle_of(account.name, spec),
                instruments=tuple(each.index for each in own),
                taker_fee=spec.paper.fees.taker,
                leverage=max(leverages.values()),
                margin_call_grace=spec.margin_call_grace,
                sides=HEDGE if account.probed.terms.is_hedged else ONE_WAY,
                isolated=tuple(index for index, mode in modes.items() if mode is MarginMode.ISOLATED),
                leverages=leverages,
                collateral=backing_of(account.name, spec, by_ccxt),
            )
        )
    tiers = accounts[0].probed.terms.tiers
    return Layout(
        instruments=markets.instruments,
        tiers=tuple(tiers[symbol] for symbol in markets.symbols),
        accounts=tuple(slots),
    )
