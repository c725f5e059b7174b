"""How long a venue's pages are waited for: they are copies that lag, and some do not answer."""

from __future__ import annotations

READ_BACK_WAITS = (0.25, 0.5, 1.0, 2.0)  # s after which a stop that was taken is looked for again before it is missed
CATCH_UP_WAITS = (0.25, 0.5, 1.0, 2.0)   # s after which a market that did not answer is asked again
CATCH_UP_MAX = 10.0                  # s that the account waits for it: longer, and an exit is worth more than certainty
