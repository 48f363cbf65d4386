"""JSON files of a run folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .. import files


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically; creates the folder. Raises `DiskFull`."""
    files.atomic_write(path, (json.dumps(value, indent=1) + "\n").encode())
