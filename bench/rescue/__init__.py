"""What the bundled rules save and cost, on crashes that happened: thousands of accounts, each on its own.

    tape -> entries (every so many minutes, at each leverage) -> what could happen (``outlook``: arithmetic)
                                                                   |                      |
                                                           nothing: settled         something: a run
                                                                   |                      |
                                                                 outcome  <-  venue and engine (``life``)
                                                                   |
                                                           rows -> page of the docs

An entry is an account of its own that opens one position at the open of a bar and is watched for ``HORIZON``, or to
the tape's end. Engine and venue have seen the tape from its beginning, as a bot that ran before has.

Two things keep it affordable, and neither changes a result. An account that no price of its horizon brings near a
trigger, a stop or liquidation is not run: it ends with what it holds at the last close. One that comes near is run
from shortly before, and until it is flat or nothing more can happen. ``tests/bench`` holds both to whole runs.
"""
