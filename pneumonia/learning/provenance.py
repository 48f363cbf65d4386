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


def public_command(options: argparse.Namespace) -> str:
    """The command as anyone can type it: the films' folder by name only, since a path tells about a machine."""
    words = ["python", "train.py", "--data", options.data.resolve().name, "--recipe", options.recipe]
    words += ["--split", options.split, "--seed", str(options.seed)]
    words += ["--epochs", str(options.epochs)] if options.epochs is not None else []
    return shlex.join(words)


def git_revision() -> str:
    """The commit that trained, with `-dirty` where files differed from it; `unknown` outside of git."""
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return result.stdout.strip()


def versions() -> dict[str, str]:
    """Python and the libraries that a model depends on."""
    numbers = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            numbers[library] = version(library)
        except ImportError:  # only one of the two TensorFlow packages is there
            continue
    return numbers


def machine() -> str:
    """What trained, in words."""
    import keras  # seconds, which a command's help need not wait for

    return f"{settings.THREADS.read()} cores, {platform.machine()}, {keras.backend.backend()}"
