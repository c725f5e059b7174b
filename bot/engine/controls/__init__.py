"""The gate's controls: each a small function of one case that returns a denial or nothing."""
