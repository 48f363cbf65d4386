"""Provenance of a model: command, commit, library versions, machine."""

from __future__ import annotations

import argparse
import platform
import shlex
import subprocess
from importlib.metadata import version
from pathlib import Path

from .. import settings

ROOT = Path(__file__).parents[2]
"""The checkout; if the package is installed, the folder of the installed packages."""

UNKNOWN_REVISION = "unknown"
LIBRARIES = ("keras", "tensorflow-cpu", "tensorflow", "ai-edge-litert", "numpy", "pillow", "scikit-learn")


def public_command(options: argparse.Namespace) -> str:
    """The command that reproduces the run. Folders are shortened to their names: no path is published."""
    folders = [root.resolve().name for root in options.data]
    arguments = ["python", "train.py", "--data", *folders, "--recipe", options.recipe]
    arguments += ["--split", options.split, "--seed", str(options.seed)]
    arguments += ["--epochs", str(options.epochs)] if options.epochs is not None else []
    if options.calibrate_on:
        arguments += ["--calibrate-on", *("/".join(("runs", *run.parts[-2:])) for run in options.calibrate_on)]
    return shlex.join(arguments)


def git_revision() -> str:
    """The commit of this checkout, with the suffix `-dirty` if files differ from it; else `unknown`.

    An installed package has no commit. Git itself would report that of a repository around the environment.
    """
    if not (ROOT / ".git").exists():  # a folder, or a file in a worktree
        return UNKNOWN_REVISION
    try:
        result = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_REVISION
    return result.stdout.strip()


def versions() -> dict[str, str]:
    """Version numbers of Python and of the installed libraries that the model depends on."""
    numbers = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            numbers[library] = version(library)
        except ImportError:  # only one of the two TensorFlow packages is installed
            continue
    return numbers


def machine() -> str:
    """Number of cores, architecture and Keras backend as text."""
    import keras  # imported late, because it takes seconds and `--help` does not need it

    return f"{settings.THREADS.read()} cores, {platform.machine()}, {keras.backend.backend()}"
