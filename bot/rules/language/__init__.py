"""The rule language: text that a person writes -> a checked tree -> one Python function.

    syntax      text to an untyped tree, by ``grammar.lark``; knows words, not meanings
    check       untyped to typed: names, scopes, dimensions; the only way to get a ``Condition``
    derived     windows and indicators, each a reading of its own
    moments     clocks and periods, and when time alone may change a condition
    interpret   the typed tree, node by node: the plain meaning, and the oracle of the next
    compile     many conditions to one generated function; the only file with ``exec``
    explain     a condition with its readings, in one line for a person
    measures, functions     the tables that the checker, the docs and ``penstock rules`` share

Values at run time are floats: ratios are fractions, durations nanoseconds, money units of its currency,
prices quote units per base unit, quantities base units. ``None`` is "not available" and never zero; NaN is
taken for None. Infinity is a value where a measure says so (the distance of an account without positions).
Conditions are True, False or None by the strong logic of Kleene.

Nothing here reads Python: there are no attributes, no subscripts, no calls but a fixed table, and no text
but the symbol of a market.
"""
