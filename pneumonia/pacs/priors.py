"""Priors, off by default: has the PACS send earlier chest films of a patient whose film was received.

C-FIND at study and series level, then C-MOVE of each series to this service (PS3.4, annex C), in a thread of its own.
Priors are received and read as any other film, so that their results stand beside the new one. Nothing waits for them:
a request that fails, or is one too many, is dropped. What a query needs of a patient stays in memory.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError
from pynetdicom import AE, Association
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
)

from ..errors import InternalError
from .configuration import Configuration, Priors
from .destinations import Destination
from .response_queue import KEEP_RESPONSES
from .scu_connection import explain_no_association
from .tls import client_context
from .tls_renewal import TlsReloader

log = logging.getLogger("pneumonia.pacs")

MODALITIES = ("CR", "DX")

MODELS = (StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelMove)

REPEAT_AFTER_S = 24 * 3_600
"""Seconds until the priors of the same patient are requested again. Each prior that arrives is a film, too."""

MAX_WAITING = 1_000
"""Requests that wait at most; further ones are dropped."""

_TAGS = [
    "PatientID",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "SpecificCharacterSet",
]

_WILDCARDS = frozenset("*?\\")


@dataclass(frozen=True)
class _Request:
    patient_id: str
    issuer: str
    character_set: str | list[str] | None
    study: str


class PriorFetcher:
    """Queries the PACS of `[priors]`. `request` may be called from any thread and returns at once."""

    def __init__(self, configuration: Configuration) -> None:
        self._settings: Priors = configuration.priors
        self._move_to = self._settings.move_to or configuration.service.ae_title
        self._tls = TlsReloader("priors", configuration.tls_files, client_context) if self._settings.tls else None
        self._entity = AE(configuration.service.ae_title)
        self._entity.acse_timeout = self._entity.connection_timeout = 10
        self._entity.dimse_timeout = self._entity.network_timeout = self._settings.timeout_s
        for model in MODELS:
            self._entity.add_requested_context(model)
        self._requests: queue.Queue[_Request | None] = queue.Queue(MAX_WAITING)
        self._requested_at: dict[bytes, float] = {}
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="priors", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End after the present request; waiting ones are dropped. Does not wait."""
        while True:
            try:
                self._requests.get_nowait()
            except queue.Empty:
                break
        with suppress(queue.Full):
            self._requests.put_nowait(None)

    def request(self, film: Path) -> None:
        """Request the priors of the patient of a received film, unless that was done in the last 24 hours."""
        try:
            header = dcmread(film, stop_before_pixels=True, specific_tags=_TAGS)
            request = _request(header)
            if request is not None and self._is_new(request):
                self._requests.put_nowait(request)
        except (OSError, InvalidDicomError, queue.Full):
            log.warning("priors outcome=dropped")
        except Exception as error:  # never an error of the reception
            InternalError.from_exception(error)

    def _is_new(self, request: _Request) -> bool:
        digest = hashlib.blake2b(f"{request.issuer}\0{request.patient_id}".encode(), digest_size=16).digest()
        now = time.monotonic()
        with self._lock:
            self._requested_at = {key: at for key, at in self._requested_at.items() if now - at < REPEAT_AFTER_S}
            is_new = digest not in self._requested_at
            self._requested_at.setdefault(digest, now)
        return is_new

    def check(self) -> str:
        """Open and release an association; returns the problem, "" if the PACS accepts C-FIND and C-MOVE."""
        settings = self._settings
        try:
            association, tls = self._associate()
        except OSError:
            return "The host name of the PACS is not known."
        if not association.is_established:
            pacs = Destination("priors", settings.ae_title, settings.host, settings.port, tls_name=settings.tls_name)
            return explain_no_association(association, pacs, tls).detail
        accepted = {str(context.abstract_syntax) for context in association.accepted_contexts}
        refused = [model.name for model in MODELS if model not in accepted]
        association.release()
        return f"The destination does not accept {', '.join(refused)}." if refused else ""

    # ------------------------------------------------------------------ thread

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            started_at = time.monotonic()
            try:
                outcome, number = self._fetch(request)
            except Exception as error:
                InternalError.from_exception(error)
                outcome, number = "internal", 0
            log.info("priors outcome=%s series=%d ms=%.0f", outcome, number, 1000 * (time.monotonic() - started_at))

    def _associate(self) -> tuple[Association, ssl.SSLContext | None]:
        """An association, established or not, and its TLS context. Raises `OSError` if the name is not known."""
        settings, tls = self._settings, None if self._tls is None else self._tls.current()
        association = self._entity.associate(
            settings.host,
            settings.port,
            ae_title=settings.ae_title,
            tls_args=None if tls is None else (tls, settings.tls_name or settings.host),
            evt_handlers=KEEP_RESPONSES,
        )
        return association, tls

    def _fetch(self, request: _Request) -> tuple[str, int]:
        try:
            association, _ = self._associate()
        except OSError:
            return "no_association", 0
        if not association.is_established:
            return "no_association", 0
        try:
            return self._fetch_over(association, request)
        except (RuntimeError, ValueError):  # the PACS ended the association, or does not accept the model
            return "aborted", 0
        finally:
            if association.is_established:
                association.release()

    def _fetch_over(self, association: Association, request: _Request) -> tuple[str, int]:
        moved = 0
        for study in self._studies(association, request):
            for series in _find(association, _series_query(study)):
                if str(series.get("Modality", "")) in MODALITIES and "SeriesInstanceUID" in series:
                    if not self._move(association, study, str(series.SeriesInstanceUID)):
                        return "move_failed", moved
                    moved += 1
        return "done", moved

    def _studies(self, association: Association, request: _Request) -> list[str]:
        """Study Instance UIDs of earlier studies with films, the latest first."""
        matches = _find(association, self._study_query(request))
        answers = [answer for answer in matches if _is_same(answer, request) and _may_have_films(answer)]
        answers.sort(key=lambda answer: str(answer.get("StudyDate", "")), reverse=True)
        studies = [str(answer.get("StudyInstanceUID", "")) for answer in answers]
        earlier = [study for study in dict.fromkeys(studies) if study and study != request.study]
        return earlier[: self._settings.max_studies]

    def _study_query(self, request: _Request) -> Dataset:
        today = date.today()
        first = today - timedelta(days=self._settings.max_age_days)
        query = Dataset()
        if request.character_set:
            query.SpecificCharacterSet = request.character_set
        query.QueryRetrieveLevel = "STUDY"
        query.PatientID, query.IssuerOfPatientID = request.patient_id, request.issuer
        query.StudyDate = f"{first:%Y%m%d}-{today:%Y%m%d}"
        query.ModalitiesInStudy = ""
        query.StudyInstanceUID = ""
        return query

    def _move(self, association: Association, study: str, series: str) -> bool:
        query = Dataset()
        query.QueryRetrieveLevel = "SERIES"
        query.StudyInstanceUID, query.SeriesInstanceUID = study, series
        status = 0xC000
        for response, _ in association.send_c_move(query, self._move_to, StudyRootQueryRetrieveInformationModelMove):
            status = int(response.get("Status", 0xC000))
        # B000: some of the objects could not be sent; those that arrived are read.
        return status in {0x0000, 0xB000}


def _request(header: Dataset) -> _Request | None:
    """What to ask for; None without a patient ID that matches exactly one patient."""
    patient_id, issuer = str(header.get("PatientID", "") or "").strip(), str(header.get("IssuerOfPatientID", "") or "")
    # With a wildcard, the PACS would answer with other patients (PS3.4, C.2.2.2.4).
    if not patient_id or _WILDCARDS & set(patient_id + issuer):
        return None
    character_set = header.get("SpecificCharacterSet")
    return _Request(patient_id, issuer, character_set, str(header.get("StudyInstanceUID", "")))


def _series_query(study: str) -> Dataset:
    query = Dataset()
    query.QueryRetrieveLevel = "SERIES"
    query.StudyInstanceUID, query.SeriesInstanceUID, query.Modality = study, "", ""
    return query


def _find(association: Association, query: Dataset) -> Iterator[Dataset]:
    """The matches of a query; ends without an error if the PACS refuses it."""
    for status, answer in list(association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind)):
        if status and status.Status in {0xFF00, 0xFF01} and answer is not None:
            yield answer


def _may_have_films(answer: Dataset) -> bool:
    """False if the PACS says that the study has neither CR nor DX; the key is optional, and matching of it too."""
    element = answer.get("ModalitiesInStudy") or ""
    modalities = [element] if isinstance(element, str) else list(element)
    return not any(modalities) or any(modality in MODALITIES for modality in modalities)


def _is_same(answer: Dataset, request: _Request) -> bool:
    """Whether an answer is of this patient: a PACS may ignore a key, and then answers with all patients."""
    issuer = str(answer.get("IssuerOfPatientID", "") or "")
    is_issuer = not issuer or not request.issuer or issuer == request.issuer
    return str(answer.get("PatientID", "") or "").strip() == request.patient_id and is_issuer
