"""Two hours of a live daemon on a bad line: what it keeps in memory, and whether its books are the venue's.

    python -m bench.long_run [--hours H] [--rate N] [--seed N] [--keep DIR]

Three processes: the paper exchange, the daemon with unmodified ccxt in it, and this one, which lets the market trade
``rate`` times a second, dips it so that rules fire, buys back as the account's owner what they sold, and breaks the
line by a seeded plan: sockets closed, keys of the user stream ended, pages that answer 503, answers that are lost.

    weather     the prices and the troubles, drawn from a seed
    owner       everything that is said to the exchange: prices, faults, and the account owner's own orders
    vitals      memory, descriptors, threads and time of a process, from /proc, and how steeply a series climbs
    books       the venue's fills and the journal's beside each other
    runners     the two processes

One JSON object last; exits 1 when books differ or the daemon did not live.
"""
