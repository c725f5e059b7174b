"""``python -m bot.app.reference FOLDER``: write the generated pages."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.app.reference.pages import write_pages


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the generated pages of the docs.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    write_pages(parser.parse_args().folder)


if __name__ == "__main__":
    main()
