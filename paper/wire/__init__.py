"""Binance's USD-M futures as a server: the paper venue, spoken to over HTTP and WebSocket.

All but the last group does no I/O and reads no clock: a request comes in with its time and leaves as a reply,
and what streams push waits in an outbox for whoever carries it.

    exchange       the door: ``request``, ``market``, ``wake``, connections, and what is to be sent
    routes         the table of what can be asked over HTTP: path, weight, order count, whether it is signed
    methods        the same over the WebSocket API

    params         what a request carries, read with the venue's words where something is wrong
    signing        keys, signatures, the receive window
    limits         request weights and order counts, 429, 418
    refusals       an answer that says no: code, words, HTTP status
    values         numbers as the venue writes them

    floor          what all handlers share;  core: the venue that they stand on;  spec: what it is made with
    contracts      instruments by the venue's symbols, its filters, exchangeInfo
    place          new orders;  amend: another price or quantity;  batch: several at once
    working        cancel, query, list;  countdown: the dead man's switch
    algo           conditional orders;  trailing, trail: those whose trigger moves with the price
    settings       leverage, modes, isolated margin
    account        balances, totals;  positions: what is held;  closeout: where it would be liquidated
    income         what moved the balances
    market         public replies;  listing: what each symbol's market has shown;  bars, depth: parts of it

    register       every order that was sent, as the venue's own pages show it
    reports        the venue's facts as changes of the register and events of the user stream (user_events)
    listen_keys    keys of user streams, which expire
    hub            connections and what each is subscribed to;  streams: their names;  beat: what is pushed by the clock

    faults         the one place through which every request, reply and frame goes
    mischief       what may happen there, by a plan;  rules: the plan;  request_faults, frame_faults: the menu
    server         sockets;  clock: its time;  playback: a tape in that time;  tls: true names on loopback
    control        steering by a test, off by default

Sources: Binance USDⓈ-M futures API, developer documentation, read 2026-11; recorded replies in other clients' tests.
"""
