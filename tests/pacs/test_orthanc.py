"""Orthanc as PACS: films that it routes to the service come back as results in their studies, and nothing loops.

Orthanc has the files of docs/pacs, which docs/hospital.md gives to the user; the ports are others.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

import pydicom  # noqa: E402
from pydicom import Dataset  # noqa: E402
from pydicom.uid import CTImageStorage  # noqa: E402

from benchmarks import pacs_peers  # noqa: E402
from benchmarks.pacs_peers import Process  # noqa: E402
from benchmarks.service_process import free_port  # noqa: E402
from pneumonia import Predictor  # noqa: E402

from ..support.dicom_programs import iod_errors, run_program  # noqa: E402
from ..support.orthanc import AET, Orthanc, running_orthanc  # noqa: E402
from ..support.systems import linux  # noqa: E402
from ..support.wait import until  # noqa: E402

pytestmark = [pytest.mark.slow, linux]

SERVICE = Path(__file__).parents[2] / "docs" / "pacs" / "pacs.toml"
ROUTE_EVERYTHING = "function OnStoredInstance(id, tags, metadata, origin) SendToModality(id, 'pneumonia') end"
"""A rule of an Orthanc that would send results back to the service."""

DEADLINE_S = 180


def start(folder: Path, orthanc_port: int) -> Process:
    """The service with docs/pacs/pacs.toml on other ports; not started."""
    port = free_port()
    text = SERVICE.read_text(encoding="utf-8")
    for old, new in (("11112", port), ("4242", orthanc_port), ("8112", free_port())):
        text = text.replace(f"port = {old}", f"port = {new}")
    process = pacs_peers.service(folder, [], port=port)
    process.calling = AET
    (folder / "pacs.toml").write_text(text, encoding="utf-8")
    return process


def send(orthanc: Orthanc, folder: Path, *datasets: Dataset) -> None:
    """Send objects to Orthanc by DCMTK's `storescu`, as a modality does."""
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.dcm" for number in range(len(datasets))]
    for dataset, path in zip(datasets, paths, strict=True):
        dataset.save_as(path, enforce_file_format=True)
    titles = ("-aet", pacs_peers.MODALITY_AET, "-aec", AET)
    process = run_program("storescu", "-xs", *titles, "127.0.0.1", str(orthanc.port), *paths)
    assert process.returncode == 0, process.stderr


def read(orthanc: Orthanc) -> dict[str, Dataset]:
    """All objects of Orthanc, by their identifier there."""
    return {name: pydicom.dcmread(io.BytesIO(orthanc.download(name))) for name in orthanc.get("/instances")}


def settled(orthanc: Orthanc, count: int) -> bool:
    """Whether Orthanc has `count` instances, and after a moment without a job still has no more."""
    if not until(lambda: len(orthanc.get("/instances")) >= count and orthanc.jobs_done(), DEADLINE_S):
        return False
    until(lambda: len(orthanc.get("/instances")) > count, 3)
    return len(orthanc.get("/instances")) == count


@pytest.fixture
def film(predictor: Predictor) -> Callable[..., Dataset]:
    """`film(number, **tags)`: a CR image; each number is another film, with UIDs of its own."""

    def make(number: int = 0, **tags: Any) -> Dataset:
        dataset = pacs_peers.radiograph(predictor, (700, 600), number)
        dataset.PatientOrientation = ["L", "F"]
        for keyword, value in tags.items():
            setattr(dataset, keyword, value)
        return dataset

    return make


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[tuple[Orthanc, Process]]:
    """Orthanc with the script of the docs, and the service."""
    port = free_port()
    service = start(tmp_path / "service", port)
    with running_orthanc(tmp_path / "orthanc", service.port, port=port) as orthanc, pacs_peers.running(service):
        yield orthanc, service


def test_films_in_orthanc_get_results_in_their_studies(
    pacs: tuple[Orthanc, Process], film: Callable[..., Dataset], tmp_path: Path
) -> None:
    orthanc, service = pacs
    japanese = {"SpecificCharacterSet": ["", "ISO 2022 IR 87"], "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう"}
    films = [film(0), film(1, **japanese), pacs_peers.compress(film(2, PatientID=""), tmp_path)]
    ct = film(3, SOPClassUID=CTImageStorage, Modality="CT")
    pacs_peers.renew(ct)
    send(orthanc, tmp_path / "sent", *films, ct)
    assert settled(orthanc, 3 * len(films) + 1), service.log.read_text()

    objects = read(orthanc)
    for source in films:
        check_results(source, [each for each in objects.values() if each.StudyInstanceUID == source.StudyInstanceUID])
    assert sum(each.StudyInstanceUID == ct.StudyInstanceUID for each in objects.values()) == 1
    names = {str(each.PatientName) for each in objects.values() if each.StudyInstanceUID == films[1].StudyInstanceUID}
    assert names == {japanese["PatientName"]}, "in another character set, but the same name"
    for name, dataset in objects.items():
        if dataset.get("Modality") in {"SR", "OT"}:
            path = tmp_path / f"{name}.dcm"
            path.write_bytes(orthanc.download(name))
            assert iod_errors(path) == []
            if dataset.Modality == "SR":
                check_text(run_program("dsrdump", "--print-long-values", "--print-all-codes", path).stdout)
    assert "internal error" not in service.log.read_text()
    assert not list((service.log.parent / "queue" / "films").iterdir()), "delivered films are deleted"


def check_results(source: Dataset, objects: list[Dataset]) -> None:
    classes = Counter(each.SOPClassUID.name for each in objects)
    assert classes == {
        "Computed Radiography Image Storage": 1,
        "Comprehensive SR Storage": 1,
        "Secondary Capture Image Storage": 1,
    }
    results = [each for each in objects if each.SOPInstanceUID != source.SOPInstanceUID]
    assert len({each.SeriesInstanceUID for each in objects}) == 3
    for each in results:
        assert each.PatientID == source.PatientID and each.AccessionNumber == source.AccessionNumber
        references = {str(item.value) for item in each.iterall() if item.keyword == "ReferencedSOPInstanceUID"}
        assert source.SOPInstanceUID in references


def check_text(text: str) -> None:
    """What a viewer shows: the notice, the answer, the algorithm and the probability."""
    assert "not for primary diagnosis" in text.lower()
    for expected in ("Imaging Measurement Report", "Normal", "Algorithm Name", "Probability"):
        assert expected in text, text


def test_results_do_not_loop_when_the_pacs_sends_everything_on(film: Callable[..., Dataset], tmp_path: Path) -> None:
    """The service recognises its own results, also if the PACS sends them as its own objects."""
    port = free_port()
    service = start(tmp_path / "service", port)
    with (
        running_orthanc(tmp_path / "orthanc", service.port, port=port, script=ROUTE_EVERYTHING) as orthanc,
        pacs_peers.running(service),
    ):
        send(orthanc, tmp_path / "sent", film(0), film(1))
        # Two structured reports and two secondary captures come back.
        assert until(lambda: skipped(service) >= 4, DEADLINE_S), service.log.read_text()
        assert settled(orthanc, 6), service.log.read_text()
    assert skipped(service) == 4


def skipped(service: Process) -> int:
    """Number of objects that the service has skipped, by its log."""
    return service.log.read_text().count("outcome=skipped:")
