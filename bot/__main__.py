"""``python -m bot`` is ``penstock``."""

from bot.app.cli import main

raise SystemExit(main())
