"""Recorded markets as streams of domain events.

    source   what the user named: symbol, kind, path; its hash
    blocks   a file, packed or not, as blocks of whole lines; memory does not grow with the file
    layout   which columns mean what, told from the file's first lines
    table    one regular block to columns of integers, all rows at once
    rows     one irregular block, row by row; the judge of what a good row is
    trades, candles   the two readers
    survey   one pass over a file: rows, span, digits, range, faults
    walk, merge       a candle as four points; several streams in time order

Every block goes through ``table`` when it is regular and good throughout, and through ``rows`` otherwise;
a property test holds that both give the same. A bad row never becomes a price: it is counted in ``faults``.
Prices and quantities are parsed from their text as integers: no float stands between file and event.
"""
