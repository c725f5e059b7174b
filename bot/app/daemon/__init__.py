"""The daemon: supervised tasks around one engine, by the wall clock, against a venue that answers when it likes.

    feed, venue  ->  Inbox  ->  Driver.turn  ->  engine.step  ->  journal  ->  venue
                                     ^                                          |
                                     +---------------- facts -------------------+
"""
