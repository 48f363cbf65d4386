"""The environment variables that Ray reads, and those that its workers get. Ray has no other interface for them."""

from __future__ import annotations

import os
import secrets

from .. import settings


def worker_variables() -> dict[str, str]:
    """The settings with which a worker on another machine reads films as this process does."""
    limits = {setting.name: setting.text() for setting in (settings.MAX_FILE_MB, settings.MAX_PIXELS)}
    # Each worker of an archive has one core, however many its machine has.
    return {**limits, settings.THREADS.name: "1"}


def configure_ray(*, loopback: bool) -> None:
    """Set Ray's variables; call it before Ray is imported.

    Usage statistics are switched off. With `loopback`, Ray opens no port to other machines: it does so by itself on
    Windows and macOS only, and the variable that is named for these systems switches it on here. A local Ray also
    requires a token that only this run knows. Ray's native log level hides a wrong warning that a pool of workers
    cannot be restarted.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if loopback:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
