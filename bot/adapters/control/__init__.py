"""How a person's words reach a running daemon: one line of JSON each way, over loopback, with a token."""
