"""The simulated exchange: what a venue would do, in memory, at the instant it is told of.

It is an independent judge: its margin, fills and liquidation are written from the venue's own pages and share
no code with ``bot.risk``; it imports ``bot.domain`` only. Nothing here reads a clock or does I/O, except ``store``.

    venue        the door: messages in, facts out, one heap of what is due
    messages     what a client may say
    spec         what a venue and its accounts start with
    state        everything it remembers
    exchange     the state with what all parts need of it
    admission    which orders are refused, with the venue's codes
    desk         what arrives or falls due, each at its instant
    opening      how accounts begin
    quiet        between which prices nothing can happen
    matching     how orders fill, rest and are triggered
    crossing     what an arriving order meets, and how far it reaches
    liquidity    the tape's book or the model behind one door
    book         the tape's order book, less what clients took of it
    queue        where a resting order stands at its price
    conditional  which waiting orders a price sends
    selftrade    what becomes of two orders of one account
    booking      what one trade does, and what follows from it
    orders       the register: what became of each order
    fees         rates by tier
    impact       what a fill costs where there is no book
    activity     volatility and volume, estimated from its own tape
    holdings     positions at average cost
    margin       pools: what is liquidated together, and how far prices may move unnoticed
    tiers        leverage brackets
    collateral   what several wallets are worth together
    modes        what a client may set
    warnings     the margin call
    liquidation  how a pool is closed out
    adl          who pays when the insurance fund cannot
    funding      what holding a perpetual costs
    store        the durable file
"""
