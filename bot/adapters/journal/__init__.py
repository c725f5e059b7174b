"""The journal: what happened, what was decided and why, durable before the world hears of it.

    codec     facts and effects to canonical JSON and back
    chain     the running digest over all rows
    schema    the tables of the SQLite file
    faults    SQLite's errors as ours, with the cure
    lock      one writer
    reader    everything that only reads
    sqlite    the writer
    null      the same doors, and nothing behind them
"""
