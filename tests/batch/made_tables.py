"""Runs that write result tables, without a model."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from pneumonia import Failure, Prediction
from pneumonia.batch import results
from pneumonia.batch.results import open_table
from pneumonia.batch.rows import TableOptions
from pneumonia.errors import UnreadableImage
from pneumonia.inference.decision import ModelIdentity

MODEL = ModelIdentity("embedded", "abc", "f" * 64)
OPTIONS = TableOptions(MODEL, "balanced")
NAMES = ["plain.png", '=odd, "quoted".png', "two\nlines.png", "Żółw.png", "'quote.png"]


def result(name: str) -> Prediction | Failure:
    if name.startswith("="):
        return Failure(name, UnreadableImage("It is damaged."))
    return Prediction(name, "Normal", 0.1, "balanced", None, None, MODEL)


def run(out: Path, names: list[str] = NAMES, **options: Any) -> results.ResultTable:
    """A run over `names`, as the command does it."""
    with open_table(out, OPTIONS, **options) as result_table:
        for name in names:
            if not result_table.has(name):
                result_table.add(result(name))
        result_table.finish()
    return result_table


def table(out: Path) -> list[dict[str, str]]:
    with out.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def json_rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]


def run_killed(out: Path, names: list[str], **options: Any) -> bytes:
    """A run that is killed after the last film and before the finished files; returns its partial file."""
    with open_table(out, OPTIONS, **options) as result_table:
        for name in names:
            if not result_table.has(name):
                result_table.add(result(name))
    return results.partial_path(out).read_bytes()
