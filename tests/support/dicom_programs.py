"""Programs of Debian that speak or check DICOM: DCMTK, dicom3tools and Orthanc."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks import dcmtk

PACKAGES = {
    "dciodvfy": "dicom3tools",
    "dcentvfy": "dicom3tools",
    "Orthanc": "orthanc orthanc-dicomweb",
}
"""Program -> the Debian packages that contain it; all others are of `dcmtk`."""

REQUIRED = "PNEUMONIA_REQUIRE_DICOM_PEERS"
"""A variable that `.ci/run` sets after it installed the programs: their tests then fail instead of being skipped."""


def find_program(name: str) -> str:
    """Return the path of a program; skips the test if it is not installed."""
    program = dcmtk.find_program(name)
    if program is None:
        reason = f"needs {name} of Debian: apt-get install {PACKAGES.get(name, 'dcmtk')}"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{reason}; {REQUIRED} forbids skipping")
        pytest.skip(reason)
    return program


def run_program(name: str, *arguments: str | Path, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with its standard output and standard error as text.

    DCMTK writes texts in the character set of the object, which is UTF-8 in results.
    """
    command = [find_program(name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=timeout_s, encoding="utf-8", errors="replace")


def iod_errors(path: Path) -> list[str]:
    """The lines of `dciodvfy` about violations of the object's information object definition (PS3.3)."""
    process = run_program("dciodvfy", "-new", path)
    lines = (process.stdout + process.stderr).splitlines()
    return [line for line in lines if line.startswith("Error")]
