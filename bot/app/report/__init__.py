"""The report of a run: one page that opens offline, and a summary for the terminal.

Everything here is a function of the stored record: the same record gives the same bytes, today and in a
year. ``story`` finds what is worth saying, ``charts`` and ``tables`` show it, ``page.*`` is how it looks.
"""
