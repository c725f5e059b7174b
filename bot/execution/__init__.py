"""How a quantity is sold: curves, slices, ladders and what it cost. Pure sums over domain types."""
