"""Where a model comes from: command, commit, versions, machine."""

from __future__ import annotations

import argparse
import platform
import shlex
import subprocess
from importlib.metadata import version
from pathlib import Path

from .. import settings

LIBRARIES = ("keras", "tensorflow-cpu", "tensorflow", "ai-edge-litert", "numpy", "pillow", "scikit-learn")


def public_command(given: argparse.Namespace) -> str:
    """The command as anyone can type it: the films' folder by name only, since a path tells about a machine."""
    words = ["python", "train.py", "--data", given.data.resolve().name, "--recipe", given.recipe]
    words += ["--split", given.split, "--seed", str(given.seed)]
    words += ["--epochs", str(given.epochs)] if given.epochs is not None else []
    return shlex.join(words)


def git_revision() -> str:
    """The commit that trained, with `-dirty` where files differed from it; `unknown` outside of git."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def versions() -> dict[str, str]:
    """Python and the libraries that a model depends on."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except ImportError:  # only one of the two TensorFlow packages is there
            continue
    return found


def machine() -> str:
    """What trained, in words."""
    import keras  # seconds, which a command's help need not wait for

    return f"{settings.THREADS.read()} cores, {platform.machine()}, {keras.backend.backend()}"
