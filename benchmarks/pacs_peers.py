"""The PACS service in a process of its own, and the systems around it: DCMTK's `storescp` as archive, films to send.

Needs requirements-hospital.txt, and Debian's package `dcmtk`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from pneumonia.files import walk_bottom_up
from pneumonia.inference.predictor import Predictor
from pneumonia.pacs.response_queue import KEEP_RESPONSES

from . import dcmtk, films
from .process_tree import ProcessTree
from .service_process import free_port

SERVICE_AET, MODALITY_AET, ARCHIVE_AET = "PNEUMONIA", "MODALITY", "ARCHIVE"
START_TIMEOUT_S = 180
BITS_STORED = 12

SERVICE = """
[service]
ae_title = "{SERVICE_AET}"
port = {port}
folder = "queue"
{service}
[limits]
{limits}
[[peer]]
ae_title = "{MODALITY_AET}"
addresses = ["127.0.0.0/8"]
"""
DESTINATION = """
[[destination]]
name = "archive{number}"
ae_title = "{ARCHIVE_AET}"
host = "127.0.0.1"
port = {port}
{options}
"""


def find_program(name: str) -> str:
    """Return the path of a program of DCMTK; `RuntimeError` if it is not installed."""
    program = dcmtk.find_program(name)
    if program is None:
        raise RuntimeError(f"{name} is missing: apt-get install dcmtk")
    return program


class Process(ProcessTree):
    """The service or one of its peers."""

    calling = MODALITY_AET
    """AE title with which it is asked whether it is ready."""


def service(
    folder: Path,
    destinations: Iterable[int],
    *,
    port: int = 0,
    service: str = "",
    limits: str = "",
    destination: str = "retry_first_s = 0.5\nretry_maximum_s = 2",
) -> Process:
    """The PACS service with its configuration, log and queue in `folder`; not started.

    `service`, `limits` and `destination` are additional lines of the tables of the configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    titles = {"SERVICE_AET": SERVICE_AET, "MODALITY_AET": MODALITY_AET, "ARCHIVE_AET": ARCHIVE_AET}
    text = SERVICE.format(**titles, port=port, service=service, limits=limits)
    for number, port_of_destination in enumerate(destinations):
        text += DESTINATION.format(**titles, number=number, port=port_of_destination, options=destination)
    path = folder / "pacs.toml"
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pneumonia", "pacs", "--config", str(path)]
    return Process(command, port, folder / "log")


def archive(folder: Path, port: int = 0) -> Process:
    """DCMTK's `storescp`, which writes what it receives into `folder`/objects; not started.

    A file has the name of its SOP Instance UID, so an object that is sent again replaces itself, as in a PACS.
    """
    objects = folder / "objects"
    objects.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [find_program("storescp"), "--aetitle", ARCHIVE_AET, "--output-directory", str(objects), str(port)]
    return Process(command, port, folder / "log", folder)


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Start processes, wait until they answer, and end them after the block."""
    try:
        for each in processes:
            each.start()
        for each in processes:
            await_answer(each)
        yield
    finally:
        for each in processes:
            if each.process is not None and each.process.poll() is None:
                each.end()


def answers(port: int, called: str, calling: str = MODALITY_AET) -> bool:
    """Whether an application entity answers a C-ECHO."""
    entity = AE(calling)
    entity.connection_timeout = entity.acse_timeout = entity.dimse_timeout = 5
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", port, ae_title=called, evt_handlers=KEEP_RESPONSES)
    if not association.is_established:
        return False
    status = association.send_c_echo()
    association.release()
    return "Status" in status and status.Status == 0


def await_answer(process: Process) -> None:
    """Wait until the process answers a C-ECHO; `RuntimeError` with its log if it ends or takes too long."""
    called = ARCHIVE_AET if process.command[0].endswith("storescp") else SERVICE_AET
    deadline = time.monotonic() + START_TIMEOUT_S
    while not answers(process.port, called, process.calling):
        assert process.process is not None
        if process.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.command} does not answer: {process.log.read_text()[-2000:]}")
        time.sleep(0.05)


def radiograph(predictor: Predictor, size: tuple[int, int], number: int = 0) -> Dataset:
    """A CR image of `size` (width, height) with 12 bits, made from a class average with noise; it shows no patient."""
    pixels = films.film(predictor, size, number).astype(np.uint16) << (BITS_STORED - 8)
    pixels |= np.random.default_rng(number).integers(0, 16, pixels.shape, np.uint16)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, value in {
        **{"SpecificCharacterSet": "ISO_IR 100", "ImageType": ["ORIGINAL", "PRIMARY"]},
        **{"SOPClassUID": ComputedRadiographyImageStorage, "Modality": "CR", "Manufacturer": "Benchmark"},
        **{"PatientName": "Benchmark^Film", "PatientID": f"BENCHMARK-{number}", "PatientAge": "004Y"},
        **{"PatientBirthDate": "", "PatientSex": "O", "StudyDate": "20260102", "StudyTime": "101500"},
        **{"AccessionNumber": "", "ReferringPhysicianName": "", "StudyID": "1", "SeriesNumber": 1, "InstanceNumber": 1},
        **{"BodyPartExamined": "CHEST", "ViewPosition": "AP", "Rows": size[1], "Columns": size[0]},
        **{"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "PixelRepresentation": 0},
        **{"BitsAllocated": 16, "BitsStored": BITS_STORED, "HighBit": BITS_STORED - 1},
        **{"WindowCenter": 2048, "WindowWidth": 4096, "PixelSpacing": [0.15, 0.15]},
    }.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = pixels.tobytes()
    renew(dataset)
    return dataset


def renew(dataset: Dataset) -> str:
    """Give the film new UIDs, as another film; returns its SOP Instance UID."""
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    return str(dataset.SOPInstanceUID)


def compress(dataset: Dataset, folder: Path) -> Dataset:
    """The film in JPEG Lossless, Process 14, Selection Value 1, written by DCMTK."""
    plain, compressed = folder / "plain.dcm", folder / "lossless.dcm"
    dataset.save_as(plain, enforce_file_format=True)
    subprocess.run([find_program("dcmcjpeg"), "+e1", plain, compressed], check=True)
    return dcmread(compressed)


def stored_objects(process: Process) -> list[Path]:
    """The files of an `archive`."""
    objects = Path(process.command[process.command.index("--output-directory") + 1])
    return [path for path in walk_bottom_up(objects) if path.is_file()]
