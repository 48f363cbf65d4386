"""The record of one batch: its films, its rows, and its files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..batch import results
from ..inference.decision import Failure, Prediction
from ..inference.named_film import NamedFilm
from . import age_groups
from .job_store import StoredJob

TaskKind = Literal["films", "again", "reports"]
"""What a task counts: films, films that are tried again, reports."""


@dataclass(frozen=True)
class BatchRow:
    """A row of the page's table. `thumbnail` is a JPEG as `data:` URL; "" for a failure."""

    result: Prediction | Failure
    thumbnail: str = ""


@dataclass
class BatchJob(StoredJob):
    """One batch. `rows` grows while the batch runs.

    `changes` lists the index of a row each time that the row was added or replaced, so that a page asks for the changes
    since its last question.
    """

    operating_point: str
    films: list[NamedFilm]
    age_group: str = age_groups.FROM_FILE
    rows: list[BatchRow] = field(default_factory=list)
    changes: list[int] = field(default_factory=list)
    table_number: int = 0

    def clear(self) -> None:
        self.films.clear()
        self.rows.clear()
        self.changes.clear()

    @property
    def table_folder(self) -> Path:
        """Folder of the present tables. After a second attempt, the tables are written into another one."""
        return self.folder / f"tables-{self.table_number}"

    @property
    def table(self) -> Path:
        return self.table_folder / "results.csv"

    @property
    def json_lines(self) -> Path:
        return self.table_folder / "results.jsonl"

    @property
    def reports(self) -> Path:
        return self.folder / "reports.zip"

    @property
    def counts(self) -> Counter[str]:
        """Number of films for each label, and number of failures under `results.FAILED`."""
        return Counter(
            results.FAILED if isinstance(row.result, Failure) else row.result.label for row in list(self.rows)
        )

    def add_row(self, row: BatchRow) -> None:
        self.rows.append(row)
        self.changes.append(len(self.rows) - 1)

    def replace_row(self, index: int, row: BatchRow) -> None:
        self.rows[index] = row
        self.changes.append(index)

    def failed_indices(self) -> list[int]:
        """Indices of the rows of files that could not be read or scored."""
        return [index for index, row in enumerate(list(self.rows)) if isinstance(row.result, Failure)]
