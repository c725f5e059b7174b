"""Any exchange of ccxt's by its unified methods alone: linear swaps and futures, one-way mode.

    habits      what one exchange does in its own way and ccxt does not unify: a table, short on purpose
    rehearsal   what ccxt would send for our orders, looked at before anything is sent
    orders      requests out, rows of orders and trades in
    account     pages of balances and positions in
    prices      tickers, books, trades and funding in
    questions   what became of orders
    reading     an account as of one moment, out of two pages and its trades
    venue       the port: places, cancels, asks, and tells what it learned
    watch       the polls of an account, and the streams that ring for one
    feed        prices by streams where there are any, by polls where not
    terms       markets, modes, leverage and brackets at the start
    api         all of it behind ``ExchangeApi``

Pages tell, streams ring: of an account's stream nothing is believed but that something happened, since trade ids,
sizes and states of it differ from those of the pages in ways that differ by exchange. What an exchange cannot do is
refused at the start or told in ``doctor``.
"""
