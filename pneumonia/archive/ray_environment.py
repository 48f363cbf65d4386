"""Environment variables for Ray and for its workers. Ray has no other interface for these options."""

from __future__ import annotations

import os
import secrets

from .. import settings


def worker_variables() -> dict[str, str]:
    """Environment variables that give a worker the limits of this process for reading films."""
    limits = {setting.name: setting.raw() for setting in (settings.MAX_FILE_MB, settings.MAX_PIXELS)}
    # A worker uses one core, regardless of how many its machine has.
    return {**limits, settings.THREADS.name: "1"}


def configure_ray(*, loopback: bool) -> None:
    """Set the environment variables of Ray; must be called before Ray is imported.

    Usage statistics are disabled. With `loopback`, Ray listens on the loopback interface only. This is Ray's default on
    Windows and macOS; RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 enables it on other systems. A local Ray also requires a
    random token, which only the processes of this run have. RAY_BACKEND_LOG_LEVEL=fatal suppresses an incorrect warning
    of Ray's native code, that a pool of workers cannot be restarted.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if loopback:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
