"""``penstock doctor`` where the venue is out of reach: what can be told without it is told first."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.app.verbs.doctor import doctor
from bot.domain.errors import CredentialError, InputError
from tests.app.runs import BTC, STOP_NOW

ACCOUNT = """  {name}:
    exchange:
      id: {exchange_id}
      apiKey: env:{name}_KEY
      secret: env:{name}_SECRET
      endpoints: {{rest: "http://127.0.0.1:{port}", streams: "ws://127.0.0.1:{port}/ws"}}
    mode: live
    instruments: ["{symbol}"]
"""
KEYS = {"first_KEY": "a", "first_SECRET": "b", "second_KEY": "c", "second_SECRET": "d"}


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine at which every connection is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))              # bound and not listening, so that nobody else takes it
        yield held.getsockname()[1]


@pytest.mark.parametrize("exchange_id", ["binanceusdm", "binance"])
@pytest.mark.parametrize("missing", ["first_KEY", "second_SECRET"])
def test_doctor_without_a_network_tells_of_a_missing_key_first(
    tmp_path: Path, closed_port: int, exchange_id: str, missing: str
) -> None:
    """Whoever forgot a variable learns that, not that there is no network; with all of them he learns the latter."""
    (tmp_path / "rules.yaml").write_text(STOP_NOW)
    config = tmp_path / "live.yaml"
    accounts = "".join(
        ACCOUNT.format(name=name, exchange_id=exchange_id, port=closed_port, symbol=BTC) for name in ("first", "second")
    )
    config.write_text(f"accounts:\n{accounts}strategies: [rules.yaml]\n")
    with pytest.raises(CredentialError, match=f"{missing}: is not set"):
        doctor(config, {name: value for name, value in KEYS.items() if name != missing}, as_json=False)
    with pytest.raises(InputError, match="the venue cannot be asked"):
        doctor(config, KEYS, as_json=False)
