"""Validators of DICOM objects that other projects made: dciodvfy of dicom3tools, dsrdump of DCMTK."""

from __future__ import annotations

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from pydicom import Dataset


def encode(dataset: Dataset) -> bytes:
    """The object as a file (PS3.10)."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dciodvfy_errors(path: Path) -> list[str]:
    """The lines of dciodvfy that report an error; skips the test if it is not installed."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian package dicom3tools)")
    process = subprocess.run(["dciodvfy", path], capture_output=True, text=True, errors="replace", timeout=60)
    lines = (process.stdout + process.stderr).splitlines()
    return [line for line in lines if line.startswith("Error") or "can't" in line.lower()]


def dsrdump(path: Path) -> str:
    """The content of a structured report as DCMTK shows it; skips the test if dsrdump is not installed."""
    if shutil.which("dsrdump") is None:
        pytest.skip("dsrdump is not installed (Debian package dcmtk)")
    command = ["dsrdump", "--print-long-values", "--print-all-codes", str(path)]
    process = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert process.returncode == 0, process.stderr
    return process.stdout
