"""Ray for the duration of one run: a local instance, or a connection to the cluster at an address."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .. import settings
from ..errors import UsageError
from ..files import ProcessTempdir
from . import ray_environment

MAX_LOST_PARTS = 10
"""Number of parts that may be lost before a run is aborted: 0.1 % of ten million films. The next run repeats them."""

START_ATTEMPTS = 3
"""Attempts to start a local Ray. It waits at most 30 s for its own processes, which a busy machine may exceed."""

if find_spec("ray") is None:
    # Checked when this module is imported, so that a missing Ray is reported before films are listed. Ray itself is not
    # imported yet, since it must be configured first.
    raise ModuleNotFoundError("No module named 'ray'", name="ray")

_PREFIX = "pneumonia-ray-"
_PACKAGE = Path(__file__).parents[1]


@contextmanager
def ray_cluster(address: str | None, workers: int | None) -> Iterator[int]:
    """Start Ray or connect to it, yield its number of cores, and shut down or disconnect at the end.

    `address` None starts a local instance with `workers` cores, by default `PNEUMONIA_THREADS`. Raises `UsageError` if
    Ray cannot be started or reached.
    """
    ray_environment.configure_ray(loopback=address is None)
    import ray
    import ray.data

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # otherwise they log a failure with its traceback
    with ExitStack() as stack:
        connection = {"address": address} if address else stack.enter_context(_local_ray(workers))
        try:
            _start(attempts=1 if address else START_ATTEMPTS, **connection, **_worker_options())
        except (ConnectionError, ValueError, RuntimeError, OSError, StartTimeout) as error:
            detail = "It needs free memory, and free space for temporary files."
            if address:
                hint = "a running cluster; if it requires a token, set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
                detail = f"Allowed: {hint}. Received: {address}."
            raise UsageError(f"Ray cannot be used ({type(error).__name__}). {detail}") from None
        stack.callback(ray.shutdown)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = MAX_LOST_PARTS
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield int(resources.get("CPU", 1))


class StartTimeout(Exception):
    """Ray's own processes did not start in time."""


def _start(attempts: int, **options: Any) -> None:
    """`ray.init(**options)`, tried again if it timed out; raises `StartTimeout` after the last attempt."""
    import ray

    for _ in range(attempts):
        try:
            ray.init(**options)
            return
        except Exception as error:
            if type(error) is not Exception:  # Ray has no class of its own for this error
                raise
    raise StartTimeout


def _worker_options() -> dict[str, Any]:
    """Arguments of `ray.init` that give every worker this version of the package and the settings of this process."""
    environment = {"py_modules": [str(_PACKAGE)], "env_vars": ray_environment.worker_variables()}
    return {"logging_level": logging.CRITICAL, "log_to_driver": False, "runtime_env": environment}


@contextmanager
def _local_ray(workers: int | None) -> Iterator[dict[str, Any]]:
    """Arguments of `ray.init` for a Ray instance of this process, in a temporary folder that is deleted at the end.

    Ray's default folder is shared by all users and never deleted. Folders that killed runs left behind are deleted too.
    """
    folder = ProcessTempdir(Path(tempfile.gettempdir()), _PREFIX)
    try:
        yield {
            "address": "local",
            "num_cpus": workers or settings.THREADS.read(),
            "include_dashboard": False,
            "_temp_dir": str(folder.path),
        }
    finally:
        folder.delete()
