"""Python interpreters of this machine."""

from __future__ import annotations

import shutil
import subprocess


def find_python(version: str) -> str | None:
    """Path of the interpreter of a version such as `3.12`; None if this machine has none.

    The interpreter is started, because a version manager's command may exist without the version being installed.
    """
    command = shutil.which(f"python{version}")
    if command is None:
        return None
    process = subprocess.run([command, "-c", "import sys; print(sys.executable)"], capture_output=True, text=True)
    return process.stdout.strip() if process.returncode == 0 else None
