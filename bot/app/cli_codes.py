"""Exit codes that are no error of ours; those of errors stand at ``bot.domain.errors``."""

EXIT_GOOD = 0
EXIT_LIQUIDATED = 5
EXIT_BUG = 70
