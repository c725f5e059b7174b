"""The program a person starts: command line, wiring, drivers, logs."""
