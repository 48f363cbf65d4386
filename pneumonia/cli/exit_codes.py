"""Exit codes of the command line; docs/api.md documents them."""

from __future__ import annotations

SUCCESS = 0
SOME_FAILED = 1
"""Some files failed and the others are complete, or `evaluate` computed figures that differ from the card's."""
NOTHING_DONE = 2
"""Wrong usage, or nothing could be done."""
