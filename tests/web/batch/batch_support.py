"""Steps of a batch and its table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from pneumonia.web.batch_record import BatchJob


def finish(steps: Iterator[Any]) -> None:
    """Run the steps of a batch to their end."""
    for _ in steps:
        pass


def table(job: BatchJob) -> list[dict[str, str]]:
    """The rows of the finished table."""
    return list(csv.DictReader(io.StringIO(job.table.read_text(encoding="utf-8-sig"), newline="")))
