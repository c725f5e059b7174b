"""The quiet core: state, apply, decide, reconcile, gate, step. No I/O, no clock, no logging."""
