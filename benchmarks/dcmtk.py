"""Programs of DCMTK and other DICOM toolkits, as Debian's packages install them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def find_program(name: str) -> str | None:
    """Return the path of a program; None if it is not installed.

    The programs of Python environments are left out: pynetdicom installs its own `storescu`, `storescp` and `echoscu`,
    which take other options.
    """
    own = Path(sys.executable).parent
    folders = [each for each in os.get_exec_path() if each and Path(each) != own and not _is_environment(Path(each))]
    return shutil.which(name, path=os.pathsep.join([*folders, "/usr/sbin"]))


def _is_environment(programs: Path) -> bool:
    """Whether a folder of programs is that of a virtual environment, such as an activated one beside that in use."""
    return (programs.parent / "pyvenv.cfg").is_file()
