"""Marks of tests that need a certain operating system; the reason is shown where they are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux, which shows processes in /proc")
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no signals that a process can handle or survive")
restricted_user = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root and Windows ignore the permissions of a folder"
)
