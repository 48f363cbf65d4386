"""The command line: `python -m pneumonia COMMAND`."""

from .main import main

__all__ = ["main"]
