"""`POST /api/v1/results`: the result objects of one film, as files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np
from starlette.responses import Response
from starlette.types import Receive, Scope

from ... import settings
from ...errors import FilmError, UsageError
from ...files import portable_name
from ...inference.decision import Failure, Prediction
from ...inference.predictor import Predictor
from ...inference.reading import Reading
from ...languages import ENGLISH, LANGUAGES, use_language
from ...messages import message
from ...reporting import pdf_pictures, pdf_report
from ...reporting.dicom.options import COMPREHENSIVE, SR_CLASSES, ResultOptions
from ...reporting.result_files import check_kinds, create_result_files
from .. import handlers
from ..film_session import SessionFilm, gate_report_of
from ..server import route_policy
from .film_call import Film, FilmCall, ReceivedFilm, answer
from .parameters import FILM_PARAMETERS, FilmOptions, film_options
from .responses import failure_response, json_response
from .result_kinds import KINDS, MEDIA_TYPES, PDF


class NamedFile(NamedTuple):
    """A result: the end of its file name, its media type, and its bytes."""

    suffix: str
    media_type: str
    data: bytes


class Results(FilmCall):
    """The handler: responds with the file of one kind, or a ZIP of several."""

    parameters = ("kind", "language", "sr_class", *FILM_PARAMETERS)

    async def _respond(
        self, scope: Scope, receive: Receive, film: ReceivedFilm, parameters: Mapping[str, str]
    ) -> Response:
        kinds, result_options = _kinds(parameters.get("kind", "")), _result_options(parameters)
        options = film_options(parameters, self._predictor)
        try:
            check_kinds([kind for kind in kinds if kind != PDF])
        except UsageError as error:
            return json_response(Failure(film.part.name, error).as_dict(), 501)
        files = await self._turns.run(receive, lambda: self._make(film.read(), options, kinds, result_options))
        if isinstance(files, Failure):
            return failure_response(scope, files, self._turns.retry_after_s())
        return _response(files, film.part.name)

    def _make(
        self, film: Film, options: FilmOptions, kinds: Sequence[str], result_options: ResultOptions
    ) -> list[NamedFile] | Failure:
        """The files; a `Failure` if there is nothing to write into them.

        A film that cannot be read has DICOM and FHIR objects, which state the error, if its header names a study.
        """
        result, reading = answer(self._predictor, film, options, route_policy.REST_RESULTS)
        if isinstance(result, Failure) and (not isinstance(result.error, FilmError) or PDF in kinds):
            return result
        try:
            with use_language(result_options.language):
                files = self._objects(film, result, reading, [kind for kind in kinds if kind != PDF], result_options)
                if PDF in kinds and isinstance(result, Prediction) and reading is not None:
                    files.append(NamedFile(".pdf", MEDIA_TYPES[PDF], report(self._predictor, film, result, reading)))
        except FilmError as error:
            return result if isinstance(result, Failure) else Failure(film.name, error)
        return files

    def _objects(
        self,
        film: Film,
        result: Prediction | Failure,
        reading: Reading | None,
        kinds: Sequence[str],
        options: ResultOptions,
    ) -> list[NamedFile]:
        """The DICOM and FHIR objects. They are made together, because the FHIR bundle refers to the others."""
        files = create_result_files(self._predictor, film.data, result, reading, kinds, options)
        return [NamedFile(file.name_suffix, file.media_type, file.data) for file in files]


def report(predictor: Predictor, film: Film, prediction: Prediction, reading: Reading) -> bytes:
    """The report of the page as PDF."""
    return pdf_report.render_pdf(
        np.asarray(handlers.display_image(film.data, reading, pdf_pictures.PICTURE_SIDE)),
        prediction,
        reading.activation,
        area=reading.area,
        lung_field=reading.lung_field,
        bundle=predictor.model_of(reading).bundle,
        gate=gate_report_of(predictor, SessionFilm.from_reading(reading, film.data)),
    )


def _kinds(text: str) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not kinds or not set(kinds) <= set(KINDS):
        raise UsageError(
            message(
                "Invalid kind of result. Allowed: one or several of {allowed}, separated by commas. Received: "
                "{received!r}.",
                allowed=", ".join(KINDS),
                received=text[:40],
            )
        )
    return kinds


def _result_options(parameters: Mapping[str, str]) -> ResultOptions:
    return ResultOptions(
        uid_root=settings.UID_ROOT.read(),
        language=_choice(parameters, "language", LANGUAGES, ENGLISH),
        sr_class=_choice(parameters, "sr_class", SR_CLASSES, COMPREHENSIVE),
    )


def _choice(parameters: Mapping[str, str], name: str, allowed: Collection[str], default: str) -> str:
    """The value of a parameter; raises `UsageError`, with the start of what was received, unless it is allowed."""
    text = parameters.get(name, default)
    if text not in allowed:
        raise UsageError(
            message(
                "Invalid value of {name}. Allowed: {allowed}. Received: {value!r}.",
                name=name,
                allowed=", ".join(allowed),
                value=text[:40],
            )
        )
    return text


def _response(files: Sequence[NamedFile], film_name: str | None) -> Response:
    stem = PurePosixPath(portable_name(film_name)).stem if film_name else "film"
    if len(files) == 1:
        [file] = files
        headers = {"Content-Disposition": f'attachment; filename="result{file.suffix}"'}
        return Response(file.data, media_type=file.media_type, headers=headers)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.writestr(f"{stem}{file.suffix}", file.data)
    headers = {"Content-Disposition": 'attachment; filename="results.zip"'}
    return Response(buffer.getvalue(), media_type="application/zip", headers=headers)
