"""Program of a worker process: reads films of the queue, one at a time, until its standard input ends.

Films are read in processes of their own, because native code that a damaged film crashes must not end the service, and
because pydicom and highdicom hold the interpreter lock, which the network threads need.

Standard input: the pickled configuration and number of the worker, then one line for each film, its id. Standard
output: one line of JSON when the worker is ready, or cannot start, and one for each film. The parent is trusted.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import pickle
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from .. import operating_system, service_log
from ..errors import InternalError, PneumoniaError
from ..files.locks import try_lock
from ..imaging.process_hardening import harden_process
from .configuration import Configuration
from .film_processing import FilmProcessor, ProcessingResult
from .queue import Queue

LOCK_PATTERN = "worker-*.lock"
LOCK_WAIT_S = 60.0
"""Seconds to wait for a worker of a service that was killed: it finishes its film first."""


def lock_path(folder: Path, number: int) -> Path:
    """The lock that worker `number` holds while it may write into the queue in `folder`."""
    return folder / LOCK_PATTERN.replace("*", str(number))


def main() -> None:
    """Run until standard input ends."""
    responses = _take_standard_output()
    for ignored in (signal.SIGINT, signal.SIGTERM):  # the service decides when its workers end
        signal.signal(ignored, signal.SIG_IGN)
    os.umask(0o077)
    operating_system.limit_malloc_arenas()
    harden_process()
    service_log.configure()
    configuration, number = pickle.load(sys.stdin.buffer)
    with suppress(BrokenPipeError):  # the service is gone
        _run(configuration, number, responses)


def _run(configuration: Configuration, number: int, responses: BinaryIO) -> None:
    lock = try_lock(lock_path(configuration.folder, number), LOCK_WAIT_S)
    if lock is None:
        _respond(responses, {"error": "busy", "message": "Another service uses the queue."})
        return
    try:
        queue = Queue(configuration.folder, remember_h=configuration.queue.remember_h)
        processor, queue.fingerprint = _load(configuration, queue)
    except PneumoniaError as error:
        _respond(responses, {"error": error.code, "message": str(error)})
        return
    except Exception as error:
        _respond(responses, {"error": "internal", "message": str(InternalError.from_exception(error))})
        return
    _respond(responses, {"fingerprint": queue.fingerprint})
    for line in sys.stdin.buffer:
        _respond(responses, _process(processor, queue, int(line)))


def _load(configuration: Configuration, queue: Queue) -> tuple[FilmProcessor, str]:
    """The processor, and the fingerprint of everything that decides about its results."""
    from ..inference.predictor import load_predictor

    predictor = load_predictor(configuration.service.model or None, threads=1)
    service = configuration.service
    parts = (
        predictor.identity,
        service.operating_point,
        service.prevalence,
        configuration.results,
        [(destination.name, destination.kinds, destination.calling) for destination in configuration.destinations],
    )
    processor = FilmProcessor(configuration, queue, predictor)
    try:
        processor.warm_up()
    except Exception as error:
        InternalError.from_exception(error)  # logs the location; films are read nevertheless
    # Libraries and models stay to the end. The garbage collector need not search them several times for each film,
    # which takes a twentieth of its processor time.
    gc.collect()
    gc.freeze()
    return processor, repr(parts)


def _process(processor: FilmProcessor, queue: Queue, instance_id: int) -> dict[str, Any]:
    instance = queue.instance(instance_id)
    try:
        result = ProcessingResult() if instance is None else processor.process(instance)
    except Exception as error:
        InternalError.from_exception(error)  # logs the location
        result = ProcessingResult(error="internal")
    return dataclasses.asdict(result)


def _take_standard_output() -> BinaryIO:
    """The stream of responses; what libraries print goes to standard error instead."""
    responses = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return responses


def _respond(responses: BinaryIO, response: dict[str, Any]) -> None:
    responses.write(json.dumps(response).encode() + b"\n")


if __name__ == "__main__":
    main()
