"""Keys of user streams. One per account; it lives an hour after it was last asked for or kept alive.

Source: Binance USDⓈ-M futures API, "User Data Streams", read 2026-11.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from paper.wire.hub import Connection, Hub
from paper.wire.refusals import Refused
from paper.wire.values import ms


@dataclass(slots=True)
class ListenKey:
    text: str
    expires: int                     # ns


class ListenKeys:
    """The keys that live, by account."""

    def __init__(self, hub: Hub, life: int) -> None:
        self._hub = hub
        self._life = life
        self._keys: dict[int, ListenKey] = {}
        self._made = 0
        hub.on_unlisted = self.attach

    def start(self, account: int, *, now: int) -> str:
        """Return the account's key, a new one when it has none, and let it live on from now."""
        key = self._keys.get(account)
        if key is None:
            self._made += 1
            digest = hashlib.sha256(f"{account} {self._made} {now}".encode()).hexdigest()
            key = self._keys[account] = ListenKey(digest, 0)
        key.expires = now + self._life
        return key.text

    def keep_alive(self, account: int, *, now: int) -> str:
        """Let the account's key live on from now; refuse when it has none."""
        if account not in self._keys:
            raise Refused(-1125, "This listenKey does not exist.")
        return self.start(account, now=now)

    def end(self, account: int) -> None:
        """End the account's key; its streams go quiet."""
        self._keys.pop(account, None)
        self._silence(account)

    def attach(self, connection: Connection, text: str) -> None:
        """Give a connection the user stream of a key; with a key that does not live it stays silent."""
        for account, key in self._keys.items():
            if key.text == text:
                connection.account = account
                connection.listen_key = text

    def next_at(self) -> int | None:
        """Return when the next key expires."""
        return min((key.expires for key in self._keys.values()), default=None)

    def expire(self, now: int) -> None:
        """End the keys whose time is over, and say so on their streams."""
        for account in [account for account, key in self._keys.items() if key.expires <= now]:
            key = self._keys.pop(account)
            self._hub.tell(account, {"e": "listenKeyExpired", "E": ms(now), "listenKey": key.text})
            self._silence(account)

    def _silence(self, account: int) -> None:
        for connection in self._hub.connections.values():
            if connection.account == account:
                connection.account = None
