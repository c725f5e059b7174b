"""From the bytes of a tick on a socket to the bytes of an order at the venue: three bots, one bare server, one run.

    python -m bench.reaction [--events N] [--only floor,ccxt,penstock]

    server     its own process: bare asyncio sockets, the paper exchange behind them; it alone looks at a clock
    floor      a bare WebSocket and a raw HTTP request, signed, and nothing else
    ccxt       the loop from ccxt.pro's manual: await watch_trades, compare, await create_order
    penstock   the daemon as it is: decoder, engine, gate, journal with durable names, limiter, ccxt's signing

A tick below a threshold is to be answered by an order; the next tick, above it, arms the bot again. The time runs from
just before the tick is written to the bytes of the order's request at the server's socket. All three run on uvloop.
"""
