"""Folders with the test files of pydicom and pydicom-data."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

FOLDERS = {
    "pydicom": Path(str(files("pydicom"))) / "data",
    "pydicom-data": Path(str(files("data_store"))) / "data",
}
