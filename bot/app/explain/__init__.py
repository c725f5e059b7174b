"""Why something was done, or was not: what ``penstock explain`` reads from a run's folder."""
