"""The exit codes of the command line, as docs/api.md states them."""

from __future__ import annotations

SUCCESS = 0
SOME_FAILED = 1
"""Some files failed, the others are complete; or `evaluate` found figures that differ from the card's."""
NOTHING_DONE = 2
"""Wrong usage, or nothing could be done."""
