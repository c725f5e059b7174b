"""Risk sums: margin, liquidation, volatility, what a cut frees and costs. Pure functions, no state."""
