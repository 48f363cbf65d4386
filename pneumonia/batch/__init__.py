"""Many films: find them in folders and ZIPs, predict them, write one row for each."""

from .discovery import Film, each, find, in_zip, judge

__all__ = ["Film", "each", "find", "in_zip", "judge"]
