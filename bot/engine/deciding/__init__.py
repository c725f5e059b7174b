"""From truth to parents: triggers, episodes, plans, the arbiter."""
