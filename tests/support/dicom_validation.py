"""Validators of DICOM objects that other projects made: dciodvfy of dicom3tools, dsrdump of DCMTK."""

from __future__ import annotations

import io
from pathlib import Path

from pydicom import Dataset

from tests.support.dicom_programs import run_program


def encode(dataset: Dataset) -> bytes:
    """The object as a file (PS3.10)."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dciodvfy_errors(path: Path) -> list[str]:
    """The lines of dciodvfy that report an error; skips the test if it is not installed."""
    process = run_program("dciodvfy", path)
    lines = (process.stdout + process.stderr).splitlines()
    return [line for line in lines if line.startswith("Error") or "can't" in line.lower()]


def dsrdump(path: Path) -> str:
    """The content of a structured report as DCMTK shows it; skips the test if dsrdump is not installed."""
    process = run_program("dsrdump", "--print-long-values", "--print-all-codes", path)
    assert process.returncode == 0, process.stderr
    return process.stdout
