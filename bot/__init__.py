"""Penstock: lets a leveraged account out at a controlled rate before the venue does it for you."""

__version__ = "0.1.0"
