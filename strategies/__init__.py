"""Rule books that come with the program: one explained, runnable YAML file each."""
