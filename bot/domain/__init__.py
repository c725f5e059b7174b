"""The nouns of the program: what a price, an order, an account and a fact are.

Nothing here decides, waits, reads a clock or does I/O. Every other room speaks in these types.

Units, everywhere: time is integer nanoseconds UTC; a price is an integer at the instrument's
``price_digits``; a quantity is an integer at its ``quantity_digits``; cash and notional are integers at
10^-8 of the currency they are counted in. Ratios are fractions. ``None`` means "not available".
"""
