"""Real venues through ccxt: metadata, signing, REST and sockets are its work; judgement and time are ours.

ccxt is imported when a client is made and not before, since that takes half a second to four. What it says of an
order or an account is decoded here to facts of ``bot.domain``; ``Any`` goes no further than this package.
"""
