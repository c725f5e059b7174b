"""The book and the only code that changes it: folds, checkpoints, recovery."""
