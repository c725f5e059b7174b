"""Recorded markets as streams of domain events.

    source   what the user named: symbol, kind, path; its hash
    formats  the door: which format a file has, and its facts
    blocks   a file, packed or not, as blocks of whole lines; memory does not grow with the file
    json_rows, arrow_rows    arrays and tables as the lines of CSV that they would be

    layout, table, rows, reader    columns of candles and Binance trades, a block at once or row by row
    trades, candles, bars          their readers
    forms, facts, form_rows        every other file with a header: a table of forms, one row at a time
    captures, messages, book_sequence    raw websocket captures
    packed, rescale                our own tape

    markets, guard, kinds, faults  whose facts, at which scales; what no fact may be; what a fact is; what was wrong
    survey, survey_columns, survey_facts, contents    one pass over a tape: rows, span, digits, range
    walk, merge                    a candle as four points; several streams in time order

Every block of columns goes through ``table`` when it is regular and good throughout, and through ``rows``
otherwise; a property test holds that both give the same. A bad row never becomes a price: it is counted in
``faults``. Prices and quantities are parsed from their text as integers: no float stands between file and event.
"""
