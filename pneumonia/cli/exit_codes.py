"""Exit codes of the command line; docs/api.md documents them."""

from __future__ import annotations

SUCCESS = 0
SOME_FAILED = 1
"""Some films failed and the others are complete, or `evaluate` computed figures that differ from the model card."""
NOTHING_DONE = 2
"""The command line is invalid, or the command produced no result."""
