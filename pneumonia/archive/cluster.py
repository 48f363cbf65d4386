"""Ray for the length of one run: on this machine's cores alone, or on the cluster at an address."""

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
"""Parts that may be given up before the run is: 0.1 % of ten million films. A re-run tries them again."""

if find_spec("ray") is None:
    # It cannot be imported here, before it is tamed, and must not be found missing when films were gathered.
    raise ModuleNotFoundError("No module named 'ray'", name="ray")

_PREFIX = "pneumonia-ray-"
_PACKAGE = Path(__file__).parents[1]


@contextmanager
def ray_cluster(address: str | None, workers: int | None) -> Iterator[int]:
    """How many cores there are; Ray runs as long as this does. Raises `UsageError` where it cannot be reached."""
    ray_environment.configure_ray(loopback=address is None)
    import ray
    import ray.data

    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they would tell of a failure with a traceback
    with ExitStack() as stack:
        connection = {"address": address} if address else stack.enter_context(_local_ray(workers))
        try:
            ray.init(**connection, **_worker_options())
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            hint = "a cluster that runs; where it asks for a token, RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
            detail = f"Allowed: {hint}. Received: {address}." if address else "Is there memory, and room in /tmp?"
            raise UsageError(f"Ray cannot be used ({type(error).__name__}). {detail}") from None
        stack.callback(ray.shutdown)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.max_errored_blocks = MAX_LOST_PARTS
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        yield int(resources.get("CPU", 1))


def _worker_options() -> dict[str, Any]:
    """A worker gets this very package, wherever it runs, and reads films by the same settings."""
    environment = {"py_modules": [str(_PACKAGE)], "env_vars": ray_environment.worker_variables()}
    return {"logging_level": logging.CRITICAL, "log_to_driver": False, "runtime_env": environment}


@contextmanager
def _local_ray(workers: int | None) -> Iterator[dict[str, Any]]:
    """Arguments of `ray.init` for a Ray instance of this process, in a folder of its own.

    Ray's default folder is shared by all users and never deleted. Folders that killed runs left are deleted.
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
