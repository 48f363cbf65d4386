"""The command line: `pneumonia COMMAND`, also available as `python -m pneumonia COMMAND`."""

from .main import main

__all__ = ["main"]
