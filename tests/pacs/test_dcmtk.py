"""The service with DCMTK on both sides, in every transfer syntax; its objects are checked by others' validators.

Also with the DICOM files of pydicom and pydicom-data, which many systems wrote.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("pynetdicom", reason="needs requirements-hospital.txt")

import pydicom  # noqa: E402
from openjpeg.utils import encode_array  # noqa: E402
from pydicom import Dataset, dcmread  # noqa: E402
from pydicom.encaps import encapsulate  # noqa: E402
from pydicom.uid import JPEG2000Lossless  # noqa: E402
from pynetdicom import AE  # noqa: E402

from benchmarks import pacs_peers  # noqa: E402
from benchmarks.pacs_peers import Process  # noqa: E402
from pneumonia import Predictor  # noqa: E402
from pneumonia.pacs.response_queue import KEEP_RESPONSES  # noqa: E402
from pneumonia.pacs.sop_classes import FILM_CLASSES, FILM_SYNTAXES  # noqa: E402

from ..support.dicom_programs import find_program, iod_errors, run_program  # noqa: E402
from ..support.systems import linux  # noqa: E402
from ..support.wait import until  # noqa: E402

pytestmark = [pytest.mark.slow, linux]

TIMEOUT_S = 300
"""For all films and their results; a run takes 20 seconds."""

KINDS = ("Comprehensive SR", "Secondary Capture Image", "Grayscale Softcopy Presentation State", "Encapsulated PDF")
RESULTS = '[results]\nkinds = ["dicom-sr", "secondary-capture", "presentation-state", "encapsulated-pdf"]\n'

CONVERSIONS = {
    "-xe": ("dcmconv", "+te"),
    "-xi": ("dcmconv", "+ti"),
    "-xb": ("dcmconv", "+tb"),
    "-xd": ("dcmconv", "+td"),
    "-xs": ("dcmcjpeg", "+e1"),
    "-xy": ("dcmcjpeg", "+eb"),
    "-xx": ("dcmcjpeg", "+ee"),
    "-xt": ("dcmcjpls", "+el"),
    "-xu": ("dcmcjpls", "+en"),
    "-xr": ("dcmcrle",),
    "-xv": (),
}
"""Option of `storescu` that proposes a transfer syntax -> the command that writes it; DCMTK writes no JPEG 2000."""


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[tuple[Process, Process]]:
    """(service that makes all kinds of objects, DCMTK's `storescp` as its destination)."""
    find_program("storescp")
    archive = pacs_peers.archive(tmp_path / "archive")
    service = pacs_peers.service(tmp_path / "service", [archive.port])
    path = tmp_path / "service" / "pacs.toml"
    path.write_text(RESULTS + path.read_text())
    with pacs_peers.running(archive, service):
        yield service, archive


def written(folder: Path, option: str, film: Dataset) -> Path:
    """The film in the transfer syntax that the option proposes."""
    plain, path = folder / "plain.dcm", folder / f"film{option}.dcm"
    pacs_peers.renew(film)
    film.save_as(plain, enforce_file_format=True)
    command = CONVERSIONS[option]
    if command:
        process = run_program(*command, plain, path)
        assert process.returncode == 0, process.stderr
    else:
        codestream = encode_array(film.pixel_array, photometric_interpretation=2)
        film.PixelData = encapsulate([codestream])
        film["PixelData"].VR, film.file_meta.TransferSyntaxUID = "OB", JPEG2000Lossless
        film.save_as(path, enforce_file_format=True)
    return path


def test_films_in_every_transfer_syntax_get_valid_results(
    peers: tuple[Process, Process], predictor: Predictor, tmp_path: Path
) -> None:
    service, archive = peers
    sent, used = {}, set()
    for option in CONVERSIONS:
        film = pacs_peers.radiograph(predictor, (600, 500))
        film.PatientOrientation = ["L", "F"]
        if option == "-xy":
            to_eight_bits(film)
        path = written(tmp_path, option, film)
        titles = ("-aet", pacs_peers.MODALITY_AET, "-aec", pacs_peers.SERVICE_AET)
        process = run_program("storescu", option, *titles, "127.0.0.1", str(service.port), path)
        assert process.returncode == 0, (option, process.stderr)
        source = dcmread(path, stop_before_pixels=True)
        sent[str(source.StudyInstanceUID)] = option
        used.add(str(source.file_meta.TransferSyntaxUID))
    # JPEG Lossless of other predictors and lossy JPEG 2000 are sent by the tests of the storage SCP.
    assert len(set(FILM_SYNTAXES) - used) <= 2
    assert until(lambda: len(pacs_peers.stored_objects(archive)) >= len(KINDS) * len(sent), TIMEOUT_S), (
        service.log.read_text()
    )
    await_deliveries(service)
    check_objects(pacs_peers.stored_objects(archive), sent)


def await_deliveries(service: Process) -> None:
    """Wait for the responses to all results: `storescp` has written a file completely when it answers."""
    folder = service.log.parent / "queue" / "results"
    assert until(lambda: not list(folder.iterdir()), TIMEOUT_S), service.log.read_text()


def to_eight_bits(film: Dataset) -> None:
    """Baseline JPEG has eight bits."""
    film.PixelData = (film.pixel_array >> 4).astype("u1").tobytes()
    film.BitsAllocated = film.BitsStored = 8
    film.HighBit = 7
    film.WindowCenter, film.WindowWidth = 128, 256


def check_objects(paths: list[Path], sent: dict[str, str]) -> None:
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for path in paths:
        dataset = dcmread(path)
        kind = dataset.SOPClassUID.name.removesuffix(" Storage")
        kinds[sent[str(dataset.StudyInstanceUID)]][kind] += 1
        assert iod_errors(path) == [], kind
        CHECKS[kind](path, dataset)
    assert kinds == {option: Counter(KINDS) for option in CONVERSIONS}


def check_report(path: Path, dataset: Dataset) -> None:
    text = run_program("dsrdump", "--print-long-values", "--print-all-codes", path).stdout
    assert "Normal" in text and "Probability" in text and "not for primary diagnosis" in text


def check_presentation_state(path: Path, dataset: Dataset) -> None:
    process = run_program("dcmpschk", path)
    assert "Test passed." in process.stdout + process.stderr, process.stdout + process.stderr


def check_pdf(path: Path, dataset: Dataset) -> None:
    extracted = path.with_suffix(".pdf")
    process = run_program("dcm2pdf", path, extracted)
    assert process.returncode == 0 and extracted.read_bytes().startswith(b"%PDF-")
    extracted.unlink()


def check_picture(path: Path, dataset: Dataset) -> None:
    picture = path.with_suffix(".pgm")
    assert run_program("dcmj2pnm", path, picture).returncode == 0
    assert picture.stat().st_size >= dataset.Rows * dataset.Columns
    picture.unlink()


CHECKS: dict[str, Callable[[Path, Dataset], None]] = dict(
    zip(KINDS, (check_report, check_picture, check_presentation_state, check_pdf), strict=True)
)


OTHERS_STEP = 4
"""Of the objects of other classes, which are skipped without being read, every fourth one is sent."""


def files_of_pydicom() -> list[Path]:
    """DICOM files of pydicom and pydicom-data that name their SOP class, instance and transfer syntax."""
    packages = [Path(str(pydicom.__file__)).parent / "data" / "test_files"]
    try:
        import data_store  # type: ignore[import-untyped]
    except ImportError:
        pytest.skip("needs pydicom-data")
    packages.append(Path(str(data_store.__file__)).parent / "data")
    return sorted(path for package in packages for path in package.rglob("*.dcm"))


def send(service: Process, path: Path) -> str:
    """Send a file as it is; returns the status in hexadecimal, or why it was not sent."""
    try:
        dataset = dcmread(path, defer_size=None)
        sop_class, syntax = dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    except Exception:
        return "not sent: header"
    entity = AE(pacs_peers.MODALITY_AET)
    entity.add_requested_context(sop_class, syntax)
    association = entity.associate(
        "127.0.0.1", service.port, ae_title=pacs_peers.SERVICE_AET, evt_handlers=KEEP_RESPONSES
    )
    if not association.accepted_contexts:
        return "not sent: context"
    try:
        status = association.send_c_store(dataset)
    except Exception:
        association.abort()
        return "not sent: encoding"
    association.release()
    return f"{status.Status:04X}" if "Status" in status else "no response"


@pytest.mark.filterwarnings("ignore")  # pydicom warns about the faults of the files
def test_the_files_of_pydicom_are_answered(peers: tuple[Process, Process]) -> None:
    service, archive = peers
    statuses: Counter[str] = Counter()
    films = 0
    for number, path in enumerate(files_of_pydicom()):
        is_film = dcmread(path, stop_before_pixels=True, force=True).get("SOPClassUID") in FILM_CLASSES
        if is_film or number % OTHERS_STEP == 0:
            status = send(service, path)
            statuses[status] += 1
            films += is_film and status == "0000"
    assert statuses["no response"] == 0 and set(statuses) <= {
        *("0000", "A900", "C000", "not sent: header", "not sent: context", "not sent: encoding"),
    }, statuses
    assert statuses["0000"] > 20 and films > 5, (statuses, films)
    folder = service.log.parent / "queue" / "films"
    assert until(lambda: not list(folder.iterdir()), TIMEOUT_S), "every film has been read"
    await_deliveries(service)
    assert "internal error" not in service.log.read_text()
    for path in pacs_peers.stored_objects(archive):
        assert iod_errors(path) == [], dcmread(path, stop_before_pixels=True).SOPClassUID.name
