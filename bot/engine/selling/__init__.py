"""From parents to orders: what is due, by which tactic, at what price, within which budget."""
