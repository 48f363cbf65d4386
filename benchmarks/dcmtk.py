"""Programs of DCMTK and other DICOM toolkits, as Debian's packages install them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def find_program(name: str) -> str | None:
    """Return the path of a program; None if it is not installed.

    The programs of this Python environment are left out: pynetdicom installs its own `storescu`, `storescp` and
    `echoscu`, which take other options.
    """
    own = Path(sys.executable).parent
    folders = [each for each in os.get_exec_path() if each and Path(each) != own]
    return shutil.which(name, path=os.pathsep.join([*folders, "/usr/sbin"]))
