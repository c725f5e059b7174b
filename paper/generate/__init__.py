"""Seeded markets: trades drawn from a model, for demonstrations, tests and studies.

Nothing here reads a file or a clock. All randomness comes from one seed through numpy's PCG64, in streams that
are named for their purpose: the path of prices depends neither on how many trades are drawn along it nor on
which other instruments are asked for.

    crash        the door: ``black_thursday``, the market of 12 and 13 March 2020
    facts        what was published of those two days: what the model is measured against
    regimes      stretches of a market with a mood of their own, and how a seed lays them out in time
    cascade      jumps that beget jumps: the forced selling
    path         seconds: the common factor, and each instrument's own part
    character    how one underlying follows the common factor
    prints       trades drawn along a path
    decay        the one filter that all memories here are made of
    streams      random numbers by seed and purpose
"""
