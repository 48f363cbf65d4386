"""Wrong options of the commands for many films, and what their error says."""

from __future__ import annotations

WRONG_OPTIONS = [
    (["--operating-point", "lucky"], "Allowed: screening, balanced, confirm"),
    (["--prevalence", "74"], "Invalid prevalence"),
    (["--workers", "0"], "Invalid number of threads"),
    (["--model", "no-such-folder/"], "Unknown model"),
]
