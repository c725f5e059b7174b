"""What the user asks for: the rule language, triggers, remedies and the arbiter."""
