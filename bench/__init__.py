"""Measurements, as ratios against a floor or a peer in the same run. Each prints one JSON object last.

    python -m bench.long_run         (two hours: a live daemon's memory and books on a bad line)
    python -m bench.pairs
    python -m bench.replay
    python -m bench.rules
    python -m bench.screenshots      (no measurement: the pictures of the docs)
    python -m bench.venue
"""
