"""The log says when and what on one line, hides secrets, and never stops the program."""

from __future__ import annotations

import ast
import io
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.app.logs import LEVELS, configure, iso_time
from bot.domain.errors import InputError
from tests.shared_data import ROOT

NOW = 1_584_009_840_123_456_789                # 2020-03-12 10:44:00.123456789 UTC
CANARY = "canary-4f2a"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave structlog as it was found."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def lines() -> Callable[[], list[dict[str, Any]]]:
    """Configure JSON logs; return a function that reads what was written."""
    stream = io.StringIO()
    configure(stream, "debug", json=True)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_logs_json_line_has_time_level_event_and_fields(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """The record's own time is the line's time, and comes first."""
    structlog.get_logger().warning("order_refused", now=NOW, code=-2019, notional_quote=Decimal("1.50"))
    (line,) = lines()
    assert list(line.items()) == [
        ("time", "2020-03-12T10:44:00.123456Z"),
        ("level", "warning"),
        ("event", "order_refused"),
        ("code", -2019),
        ("notional_quote", "1.50"),
    ]


def test_logs_without_now_uses_the_clock(
    lines: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that belongs to no event is stamped by the wall clock."""
    monkeypatch.setattr("time.time_ns", lambda: NOW + 1_000)
    structlog.get_logger().info("started")
    assert lines()[0]["time"] == "2020-03-12T10:44:00.123457Z"


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (999, "1970-01-01T00:00:00.000000Z"),
        (1_000, "1970-01-01T00:00:00.000001Z"),
        (999_999_999, "1970-01-01T00:00:00.999999Z"),
        (1_000_000_000, "1970-01-01T00:00:01.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (10**30, f"{10**30} ns"),
    ],
)
def test_iso_time_rounds_down(now: int, text: str) -> None:
    """A time is never shown later than it was."""
    assert iso_time(now) == text


@pytest.mark.parametrize("level", list(LEVELS))
def test_logs_below_the_level_are_not_written(level: str) -> None:
    """At the level and above is written, below is not."""
    stream = io.StringIO()
    configure(stream, level, json=True)
    log = structlog.get_logger()
    for name in LEVELS:
        getattr(log, name)("happened")
    written = [json.loads(line)["level"] for line in stream.getvalue().splitlines()]
    assert written == list(LEVELS)[list(LEVELS).index(level):]


def test_logs_unknown_level_is_refused() -> None:
    """A level that does not exist is the user's error, with the list to choose from."""
    with pytest.raises(InputError, match="was 'loud'; use one of debug, info, warning, error, critical"):
        configure(io.StringIO(), "loud", json=False)


@pytest.mark.parametrize(
    "key", ["secret", "apiKey", "api_key", "API-KEY", "password", "passphrase", "token", "bot_token", "signature",
            "X-MBX-APIKEY", "listenKey", "Authorization", "privateKey"],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_logs_field_with_a_secret_name_is_hidden_at_any_depth(key: str, form: str) -> None:
    """Whoever logs a whole exchange configuration by mistake does not publish its keys."""
    stream = io.StringIO()
    configure(stream, "info", json=form == "json")
    structlog.get_logger().info("connected", **{key: CANARY}, options={"headers": [{key: CANARY}]}, id="binance")
    assert CANARY not in stream.getvalue()
    assert stream.getvalue().count("***") == 2
    assert "binance" in stream.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://fapi.binance.com/fapi/v2/account?timestamp=1&signature={CANARY}",
        f"GET https://fapi.binance.com/fapi/v2/account?signature={CANARY}&timestamp=1",
        f"headers {{'X-MBX-APIKEY': '{CANARY}', 'User-Agent': 'x'}}",
        f'{{"apiKey":"{CANARY}","id":1}}',
        f"secret = {CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"https://host/hook?token={CANARY}",
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_logs_secret_inside_a_text_or_an_error_is_hidden(text: str, form: str) -> None:
    """ccxt quotes the signed address in its errors; neither message nor traceback carries it on."""
    stream = io.StringIO()
    configure(stream, "info", json=form == "json")
    log = structlog.get_logger()
    log.info("sent", detail=text)
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        log.exception("request_failed", error=error)
    written = stream.getvalue()
    assert CANARY not in written
    assert written.count("***") >= 3
    assert "RuntimeError" in written
    assert "Traceback" in written


def test_logs_harmless_fields_stay(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """Hiding does not eat what an operator needs."""
    fields = {"symbol": "BTC/USDT:USDT", "keys": 3, "limit_price": "7900.1", "ok": True, "none": None,
              "why": "account.liquidation_distance was 4.9%, less than 5%", "tiers": [1, {"cap": 2.5}]}
    structlog.get_logger().info("rule_fired", **fields)
    assert fields.items() <= lines()[0].items()


def test_logs_text_from_outside_cannot_forge_a_line() -> None:
    """A venue's message with line ends or terminal codes stays one harmless line."""
    stream = io.StringIO()
    configure(stream, "info", json=False)
    structlog.get_logger().info("order_refused", detail="no\n2020-01-01 [info] all_good\x1b[2J\r\u2028x")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()
    assert "all_good" in stream.getvalue()


def test_logs_infinite_ratio_is_still_json(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """A line is JSON for every reader, whatever a ratio was."""
    structlog.get_logger().info("margin", ratio=float("inf"), deep=[float("nan")])
    line = lines()[0]
    assert (line["ratio"], line["deep"]) == ("inf", ["nan"])


def test_logs_value_that_holds_itself_ends(lines: Callable[[], list[dict[str, Any]]]) -> None:
    """A loop in what is logged costs a long line, not the program."""
    loop: dict[str, Any] = {}
    loop["self"] = loop
    structlog.get_logger().info("odd", loop=loop)
    assert lines()[0]["event"] == "odd"


class Refusing(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_logs_stream_that_refuses_never_raises() -> None:
    """A full disk or a closed pipe loses lines; the exit that was being logged goes on."""
    closed = io.StringIO()
    closed.close()
    for stream in (Refusing(), closed):
        configure(stream, "info", json=True)
        structlog.get_logger().info("sold", now=NOW)


def test_logs_narrow_terminal_encoding_escapes_instead_of_losing() -> None:
    """A terminal that knows only ASCII shows an escape, and the line arrives."""
    raw = io.BytesIO()
    configure(io.TextIOWrapper(raw, encoding="ascii"), "info", json=False)
    structlog.get_logger().info("alarm", detail="entfällt")
    assert b"entf\\xe4llt" in raw.getvalue()


def test_logs_text_form_is_plain_where_no_terminal_is() -> None:
    """Into a file go no colour codes."""
    stream = io.StringIO()
    configure(stream, "info", json=False)
    structlog.get_logger().info("rule_fired", now=NOW, rule="margin_guard")
    assert re.fullmatch(
        r"2020-03-12T10:44:00.123456Z \[info +\] rule_fired +rule=margin_guard\n", stream.getvalue()
    )


# Constant names -------------------------------------------------------------------------------------------


def loose_names(source: str) -> list[str]:
    """Return the log calls whose event is not a constant in snake_case."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "logger" | "_log"), attr=method), args=args):
                if method not in (*LEVELS, "exception"):
                    continue
                match args:
                    case [ast.Constant(value=str(name))] if re.fullmatch(r"[a-z][a-z0-9_]*", name):
                        pass
                    case _:
                        found.append(ast.unparse(node))
            case _:
                pass
    return found


@pytest.mark.parametrize(
    ("call", "is_loose"),
    [
        ('log.info("order_refused", code=1)', False),
        ('log.exception("request_failed")', False),
        ('log.info(f"order {name} refused")', True),
        ('log.info("Order refused")', True),
        ("log.error(message)", True),
        ('log.info("order_refused", code)', True),
        ("log.bind(x)", False),
    ],
)
def test_loose_names_finds_events_that_vary(call: str, is_loose: bool) -> None:
    """The reader of the next test knows a good call from a bad one."""
    assert bool(loose_names(call)) is is_loose


@pytest.mark.parametrize("path", sorted((ROOT / "bot").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_logs_event_names_are_constants(path: Path) -> None:
    """An event that can be searched for has one name: every call in the program passes a literal."""
    assert loose_names(path.read_text()) == []
