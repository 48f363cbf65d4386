"""Priors: a scripted PACS that answers C-FIND and C-MOVE, and sends earlier films to the storage SCP of the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from socketserver import BaseServer
from threading import Thread
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    ComputedRadiographyImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelMove,
)
from pynetdicom.transport import ThreadedAssociationServer

from benchmarks.service_process import free_port
from pneumonia.errors import UsageError
from pneumonia.pacs.configuration import parse_configuration
from pneumonia.pacs.destination_check import check_priors
from pneumonia.pacs.priors import PriorFetcher
from pneumonia.pacs.response_queue import KEEP_RESPONSES

from .scp_support import CALLING, film, running_scp
from .storage_peers import wait_until


@dataclass
class Archive:
    """A PACS with films of several patients; it ignores the keys of a study query, as some do."""

    films: list[Dataset]
    move_port: int
    queries: list[Dataset] = field(default_factory=list)
    moved: list[str | None] = field(default_factory=list)
    port: int = 0

    def find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        query = event.identifier
        self.queries.append(query)
        for each in self.films:
            answer = Dataset()
            answer.QueryRetrieveLevel = query.QueryRetrieveLevel
            answer.PatientID, answer.StudyDate = each.PatientID, each.StudyDate
            answer.StudyInstanceUID, answer.SeriesInstanceUID = each.StudyInstanceUID, each.SeriesInstanceUID
            answer.Modality = answer.ModalitiesInStudy = each.Modality
            if query.QueryRetrieveLevel == "STUDY" or query.StudyInstanceUID == each.StudyInstanceUID:
                yield 0xFF00, answer

    def move(self, event: evt.Event) -> Iterator[Any]:
        series = event.identifier.SeriesInstanceUID
        films = [each for each in self.films if each.SeriesInstanceUID == series]
        self.moved.append(event.move_destination)
        yield "127.0.0.1", self.move_port, {"evt_handlers": KEEP_RESPONSES}
        yield len(films)
        for each in films:
            yield 0xFF00, each


@contextmanager
def running_archive(films: list[Dataset], move_port: int) -> Iterator[Archive]:
    archive = Archive(films, move_port)
    entity = AE(CALLING)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelMove)
    entity.add_requested_context(ComputedRadiographyImageStorage, "1.2.840.10008.1.2.1")
    server = entity.make_server(
        ("127.0.0.1", 0),
        evt_handlers=[(evt.EVT_C_FIND, archive.find), (evt.EVT_C_MOVE, archive.move)],
        server_class=ThreadedAssociationServer,
    )
    archive.port = server.server_address[1]
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield archive
    finally:
        BaseServer.shutdown(server)
        server.server_close()


def fetcher(port: int, **options: object) -> PriorFetcher:
    table = {"host": "127.0.0.1", "port": port, "ae_title": "PACS", "timeout_s": 60, **options}
    fetcher = PriorFetcher(parse_configuration({"priors": table}))
    fetcher.start()
    return fetcher


def save(folder: Path, dataset: Dataset) -> Path:
    path = folder / f"{dataset.SOPInstanceUID}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def dated(days: int, **values: Any) -> Dataset:
    return film(StudyDate=f"{date.today() - timedelta(days=days):%Y%m%d}", **values)


def test_the_latest_earlier_films_of_the_patient_arrive_once(tmp_path: Path) -> None:
    current = dated(0)
    others = [dated(3, PatientID="OTHER"), dated(4, Modality="CT")]
    earlier = [dated(days) for days in (700, 30, 100)]
    with running_scp(tmp_path) as service, running_archive([current, *others, *earlier], service.port) as archive:
        priors = fetcher(archive.port)
        path = save(tmp_path, current)
        for _ in range(3):
            priors.request(path)
        wait_until(lambda: len(service.events.instances) == 2)
        priors.stop()
        priors._thread.join(60)
        assert service.events.outcomes == ["stored", "stored"]
        study_queries = [query for query in archive.queries if query.QueryRetrieveLevel == "STUDY"]
        assert [query.PatientID for query in study_queries] == ["MRN-4711"]
        assert archive.moved == ["PNEUMONIA", "PNEUMONIA"]
        assert len(service.queue.waiting_instances(10)) == 2


@pytest.mark.parametrize("patient_id", ["", "  ", "47*", "4?11"])
def test_without_a_patient_id_that_names_one_patient_nothing_is_asked(tmp_path: Path, patient_id: str) -> None:
    with running_archive([], 1) as archive:
        priors = fetcher(archive.port)
        priors.request(save(tmp_path, film(PatientID=patient_id)))
        priors.stop()
        priors._thread.join(60)
        assert archive.queries == []


def test_a_pacs_that_is_down_and_a_file_that_cannot_be_read_raise_nothing(tmp_path: Path) -> None:
    priors = fetcher(free_port())
    (tmp_path / "text.dcm").write_text("no DICOM", encoding="utf-8")
    for path in (save(tmp_path, film()), tmp_path / "text.dcm", tmp_path / "missing.dcm"):
        priors.request(path)
    priors.stop()
    priors._thread.join(60)
    assert not priors._thread.is_alive()


def test_the_check_names_what_the_pacs_does_not_accept(tmp_path: Path) -> None:
    def check(port: int, title: str = "PACS") -> str | None:
        table = {"host": "127.0.0.1", "port": port, "ae_title": title}
        return check_priors(parse_configuration({"priors": table, "service": {"ae_title": CALLING}}))

    assert check_priors(parse_configuration({})) is None
    with running_archive([], 1) as archive:
        assert check(archive.port) == "" and archive.queries == []
    assert "refused" in (check(archive.port) or "")
    with running_scp(tmp_path) as storage:
        assert "none of the proposed SOP classes" in (check(storage.port, "PNEUMONIA") or "")
        assert "rejects the association" in (check(storage.port) or "")


def test_priors_are_off_without_a_host() -> None:
    assert parse_configuration({}).priors.host == ""
    with pytest.raises(UsageError, match=r"\[priors\] ae_title"):
        parse_configuration({"priors": {"host": "pacs"}})
