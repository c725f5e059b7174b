"""Seeded markets: facts drawn from a model, for demonstrations, tests and studies.

Nothing here reads a file or a clock. All randomness comes from one seed through numpy's PCG64, in streams that
are named for their purpose: the path of prices depends neither on how many trades are drawn along it nor on
which other instruments are asked for.

    market       the door: ``generate``, every kind of fact of every kind of market
    scenario     the kinds: calm, trend, gap, wick, crash, depeg, funding_spike
    crash        the door of the demonstration: ``black_thursday``, the trades of 12 and 13 March 2020
    facts        what was published of those two days: what the model is measured against

    hours        what all instruments share: the factor, leaps, makers' depth, premium, a stablecoin's peg
    regimes      stretches of a market with a mood of their own, and how a seed lays them out in time
    cascade      jumps that beget jumps: the forced selling
    leaps        gaps and wicks
    path         seconds: the common factor, and each instrument's own part

    listing      one instrument's facts, consistent with each other
    character    how one underlying follows the common factor
    prints       trades drawn along a path
    shown_book   quotes and levels
    valuation    index, mark, funding
    forced       forced closings and open interest
    decay        the one filter that all memories here are made of
    streams      random numbers by seed and purpose
"""
