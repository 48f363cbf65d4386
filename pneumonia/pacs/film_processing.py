"""From a film in the queue to result objects in the queue. Runs in a worker process."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields

from .. import settings
from ..errors import Busy, DiskFull, FilmError, PneumoniaError
from ..inference.decision import Failure, Prediction
from ..inference.outcome_code import outcome_code
from ..inference.predictor import Predictor
from ..inference.reading import Reading
from ..monitoring.recorder import recorder
from ..reporting.dicom.options import ResultOptions
from ..reporting.result_files import ResultFile, create_result_files
from .configuration import Configuration
from .queue import Instance, Queue, Result
from .warm_up import warm_up

log = logging.getLogger("pneumonia.pacs")

RETRY_S = 30.0
"""Seconds until a film is tried again after an error that may pass, such as a full disk."""


@dataclass(frozen=True)
class ProcessingResult:
    """What became of a film. `outcome` is a label, `Unknown:REASON`, or the code of the error that its results state.

    With `error`, a code, no results could be made. `is_temporary`: the attempt does not count; `is_permanent`: another
    attempt would end in the same way.
    """

    outcome: str = ""
    population: str = ""
    error: str = ""
    is_temporary: bool = False
    is_permanent: bool = False


class FilmProcessor:
    """Reads films with one predictor and stores their results."""

    def __init__(self, configuration: Configuration, queue: Queue, predictor: Predictor) -> None:
        self._configuration, self._queue, self._predictor = configuration, queue, predictor
        self._options = result_options(configuration)
        service = configuration.service
        predictor.check_options(service.operating_point, service.prevalence)

    def warm_up(self) -> None:
        """Make the first film as fast as the next ones."""
        warm_up(self._predictor, self._configuration.results.kinds, self._options)

    def process(self, instance: Instance) -> ProcessingResult:
        """Read one film, and store its results and their deliveries. A film that cannot be read gets results too."""
        try:
            data = instance.path.read_bytes()
        except FileNotFoundError:
            return ProcessingResult(error="file_missing", is_permanent=True)
        try:
            result, reading = self._predict(data)
            files = self._create_files(data, result, reading, instance.calling_ae)
            self._queue.complete(instance, self._route(files, instance.calling_ae))
        except PneumoniaError as error:
            return ProcessingResult(
                error=error.code,
                is_temporary=isinstance(error, Busy | DiskFull),
                is_permanent=isinstance(error, FilmError),
            )
        monitor = recorder()
        if monitor is not None:
            monitor.record(result, reading, instance.calling_ae)
        return ProcessingResult(outcome_code(result), getattr(result, "population", None) or "")

    def _predict(self, data: bytes) -> tuple[Prediction | Failure, Reading | None]:
        service = self._configuration.service
        try:
            reading = self._predictor.read(data)
            return self._predictor.decide(reading, service.operating_point, prevalence=service.prevalence), reading
        except (Busy, DiskFull):
            raise  # the film is not to blame: it is tried again
        except PneumoniaError as error:
            return Failure(None, error), None

    def _create_files(
        self, data: bytes, result: Prediction | Failure, reading: Reading | None, calling_ae: str
    ) -> list[ResultFile]:
        """The objects of the kinds that some destination gets; all configured kinds without a destination."""
        destinations = self._configuration.destinations
        kinds = [
            kind
            for kind in self._configuration.results.kinds
            if any(destination.receives(kind, calling_ae) for destination in destinations)
        ]
        if not kinds:
            return []
        return create_result_files(self._predictor, data, result, reading, kinds, self._options)

    def _route(self, files: list[ResultFile], calling_ae: str) -> list[Result]:
        return [
            Result(
                file.kind,
                file.name_suffix,
                file.data,
                file.sop_class_uid or "",
                file.sop_instance_uid or "",
                tuple(
                    destination.name
                    for destination in self._configuration.destinations
                    if destination.receives(file.kind, calling_ae)
                ),
            )
            for file in files
        ]


def result_options(configuration: Configuration) -> ResultOptions:
    """The options of `[results]`; keys that are not set have the defaults of `ResultOptions`. Raises `UsageError`."""
    results = configuration.results
    names = [field.name for field in fields(results) if field.name != "kinds"]
    values = {name: getattr(results, name) for name in names}
    values["uid_root"] = values["uid_root"] or settings.UID_ROOT.read()
    return ResultOptions(**{name: value for name, value in values.items() if value is not None})
