"""The files of a result table, derived from the path of the CSV."""

from __future__ import annotations

from pathlib import Path

from ..files import temporary_path


class TablePaths:
    """For `results.csv`: the CSV, `results.jsonl`, and during a run `results.jsonl.part` and a lock file."""

    def __init__(self, out: Path) -> None:
        self.csv = out
        self.json_lines = out.with_suffix(".jsonl")
        self.partial = out.with_suffix(".jsonl.part")
        """One JSON object per film of the current run, after a line with the run's options."""
        self.lock = out.with_name(f".{self.partial.name}.lock")
        self.old_partial_csv = out.with_name(f"{out.name}.part")
        """Incomplete table of an older version, which appended to the CSV itself. It is refused."""

    def all(self) -> set[Path]:
        """Absolute paths of all files that a run may write or refuse."""
        finished = [self.csv, self.json_lines]
        paths = [*finished, *map(temporary_path, finished), self.partial, self.lock, self.old_partial_csv]
        return {path.absolute() for path in paths}
