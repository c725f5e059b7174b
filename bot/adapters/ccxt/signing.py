"""Signatures of the requests that cannot wait: the bytes that ccxt would write, without its care for all other ones.

ccxt's ``sign`` knows every path of every product, and on a processor that has done something else meanwhile it takes
as long as a rule does. An order of Binance's futures needs four lines of it. Where a request is anything else than
plain, ccxt signs it: another key than an HMAC's, a character that must be quoted, a name that is left to the venue.

Source: Binance USD-M futures API, "SIGNED Endpoint security", HMAC SHA256 of the body as it is sent (read 2026-11).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from bot.adapters.ccxt.line import HttpRequest

_UNQUOTED = re.compile(r"[\w.~=&-]*", re.ASCII)
_NAMES = {"order": "newClientOrderId", "algoOrder": "clientAlgoId"}      # ccxt makes one up where it is missing


class Signer:
    """Signs for one ccxt client, whose keys and addresses are read anew for each request but for the secret."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._secret: str | None = None
        self._keyed: hmac.HMAC

    def signed(self, path: str, api: str, verb: str, parameters: dict[str, object]) -> HttpRequest:
        """Return a request that only has to be written; raises what ccxt raises."""
        request = self._order(path, api, parameters) if verb == "POST" else None
        if request is not None:
            return request
        signed = self._exchange.sign(path, [api], verb, parameters)
        return HttpRequest(verb, signed["url"], signed["headers"] or {}, signed["body"] or "")

    def _order(self, path: str, api: str, parameters: dict[str, object]) -> HttpRequest | None:
        """Return a plain order, None where ccxt must look at it."""
        exchange = self._exchange
        key, secret = exchange.apiKey, exchange.secret
        if not (key and secret and _NAMES[path] in parameters and "recvWindow" in parameters):
            return None
        query = plain_query({"timestamp": exchange.nonce(), **parameters})
        if query is None or "PRIVATE KEY" in secret:
            return None
        headers = {"X-MBX-APIKEY": key, "Content-Type": "application/x-www-form-urlencoded"}
        body = f"{query}&signature={self._signature(query, secret)}"
        return HttpRequest("POST", f"{exchange.urls['api'][api]}/{path}", headers, body)

    def _signature(self, query: str, secret: str) -> str:
        """Return the HMAC of a query; its key is worked in once."""
        if secret != self._secret:
            self._secret, self._keyed = secret, hmac.new(secret.encode(), digestmod=hashlib.sha256)
        signature = self._keyed.copy()
        signature.update(query.encode())
        return signature.hexdigest()


def hex_sha256(request: bytes, secret: bytes) -> str:
    """Return an HMAC as ccxt writes it; at once, where it goes by a dozen calls."""
    return hmac.digest(secret, request, hashlib.sha256).hex()


def plain_query(parameters: Mapping[str, object]) -> str | None:
    """Return parameters as a query, as ccxt writes it, or None where some character or truth needs its care.

    An order's are letters, digits and dots; quoting each by itself takes as long as signing them all.
    """
    query = "&".join([f"{name}={value}" for name, value in parameters.items()])
    count = len(parameters)
    is_plain = (
        query.count("=") == count and query.count("&") == count - 1          # no value brings any of its own
        and _UNQUOTED.fullmatch(query) is not None
        and bool not in map(type, parameters.values())
    )
    return query if is_plain else None
