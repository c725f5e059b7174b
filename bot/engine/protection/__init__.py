"""What stands between an account and its worst day: stops, blindness, halts, adoption, alarms."""
