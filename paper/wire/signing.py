"""Who asks: API key, HMAC SHA256 signature over exactly what was sent, and the receive window.

Over HTTP the signed text is the query string followed by the body, as they were sent, without the signature
wherever it stood. Over the WebSocket API it is ``name=value`` of all parameters but the signature, by name.

Source: Binance USDⓈ-M futures API, "General Info" and "WebSocket API General Info", read 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from bot.domain.scale import NS_PER_MS
from paper.wire.params import Params
from paper.wire.refusals import Refused, missing
from paper.wire.spec import Credentials

WINDOW_DEFAULT_MS = 5_000
WINDOW_MOST_MS = 60_000
AHEAD_MOST_MS = 1_000


def known_key(credentials: Mapping[str, Credentials], key: str | None) -> Credentials:
    """Return whose key it is."""
    if not key:
        raise Refused(-2014, "API-key format invalid.", status=401)
    found = credentials.get(key)
    if found is None:
        raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
    return found


def verify(owner: Credentials, params: Params, *, signed: str, now: int) -> None:
    """Refuse what the owner did not sign, or signed too long ago; ``now`` in ns."""
    signature = params.values.get("signature")
    if not signature:
        raise missing("signature")
    expected = hmac.new(owner.secret.encode(), signed.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Refused(-1022, "Signature for this request is not valid.")
    window = params.whole_or("recvWindow", WINDOW_DEFAULT_MS)
    if window > WINDOW_MOST_MS:
        raise Refused(-1131, "recvWindow must be less than 60000.")
    stamp, server = params.whole("timestamp"), now // NS_PER_MS
    if stamp > server + AHEAD_MOST_MS:
        raise Refused(-1021, f"Timestamp for this request was {AHEAD_MOST_MS}ms ahead of the server's time.")
    if server - stamp > window:
        raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")


def signed_text(query: str, body: str) -> str:
    """Return what the signature of an HTTP request is over."""
    return _without_signature(query) + _without_signature(body)


def signed_params(params: Params) -> str:
    """Return what the signature of a WebSocket request is over."""
    return "&".join(f"{name}={params.values[name]}" for name in sorted(params.values) if name != "signature")


def _without_signature(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))
