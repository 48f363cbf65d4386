"""Deploying the page to a writable Hub."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import RepoCard

from pneumonia.publishing import deploy
from pneumonia.publishing.hub_client import Repository

from ..support.writable_hub import WritableHub
from .conftest import SPACE

Command = Callable[..., tuple[int, str, str]]
KEY = f"spaces/{SPACE}"
VARIABLE = "PNEUMONIA_MODEL"


def send(page: Repository, model: str | None = None, *, private: bool = False) -> str:
    """Deploy the page; returns its address."""
    return deploy.execute(deploy.plan(page, deploy.collect_content(page, model), private=private))


def front_matter(hub: WritableHub) -> dict[str, Any]:
    """The settings of the Space, from its README."""
    card: Any = RepoCard(hub.files(KEY)["README.md"].decode())
    return dict(card.data.to_dict())


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, without the settings and the package of this process."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PNEUMONIA_", "PYTHONPATH"))
    }
    command = [sys.executable, "-P", "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
