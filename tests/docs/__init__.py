"""The docs against the program."""
