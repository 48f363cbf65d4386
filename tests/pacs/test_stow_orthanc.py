"""STOW-RS to Orthanc's DICOMweb plugin, with the result objects of the product."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import pytest
from pydicom.uid import ComprehensiveSRStorage, SecondaryCaptureImageStorage

from benchmarks import pacs_peers
from benchmarks.service_process import free_port
from pneumonia import Predictor
from pneumonia.pacs.destinations import Destination
from pneumonia.pacs.stow_client import StowClient
from pneumonia.pacs.tls import TlsFiles

from ..support.dicom_programs import find_program
from .scp_support import send
from .storage_peers import wait_until, write_object

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
OPENER = build_opener(ProxyHandler({}))


@contextmanager
def orthanc(folder: Path) -> Iterator[int]:
    """Run Orthanc with DICOMweb; yields its HTTP port."""
    port = free_port()
    settings = {
        **{"HttpPort": port, "DicomServerEnabled": False, "AuthenticationEnabled": False},
        **{"RemoteAccessAllowed": False, "Plugins": [str(PLUGIN)], "DicomWeb": {"Enable": True}},
        **{"StorageDirectory": str(folder / "storage"), "IndexDirectory": str(folder / "storage")},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings), encoding="utf-8")
    process = subprocess.Popen(
        [find_program("Orthanc"), str(folder / "orthanc.json")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: _get(port, "system") is not None, 120)
        yield port
    finally:
        process.terminate()
        process.wait(60)


def _get(port: int, path: str) -> object:
    try:
        with OPENER.open(f"http://127.0.0.1:{port}/{path}", timeout=60) as response:
            return json.load(response)
    except OSError:
        return None


@pytest.mark.slow
@pytest.mark.skipif(not PLUGIN.exists(), reason="needs Debian's orthanc-dicomweb")
def test_orthanc_stores_each_object_once(tmp_path: Path) -> None:
    paths = [write_object(tmp_path, kind) for kind in (ComprehensiveSRStorage, SecondaryCaptureImageStorage)]
    with orthanc(tmp_path) as port:
        client = StowClient(
            Destination("orthanc", type="dicomweb", url=f"http://127.0.0.1:{port}/dicom-web"), TlsFiles()
        )
        # The second time is as after a lost answer.
        assert [client.send(path).is_delivered for path in [*paths, *paths]] == [True] * 4
        client.close()
        assert len(_instances(port)) == 2
        wrong = StowClient(Destination("orthanc", type="dicomweb", url=f"http://127.0.0.1:{port}/x"), TlsFiles())
        assert wrong.send(paths[0]).reason == "wrong_address"
        wrong.close()


DESTINATION = """
[[destination]]
name = "web"
type = "dicomweb"
url = "http://127.0.0.1:{port}/dicom-web"
"""


@pytest.mark.slow
@pytest.mark.skipif(not PLUGIN.exists(), reason="needs Debian's orthanc-dicomweb")
def test_the_service_stores_the_results_of_a_film_by_dicomweb(tmp_path: Path, predictor: Predictor) -> None:
    """The film comes by C-STORE; QIDO-RS of Orthanc then finds the results in its study."""
    film = pacs_peers.radiograph(predictor, (500, 400))
    service = pacs_peers.service(tmp_path / "service", [], service="workers = 1")
    with orthanc(tmp_path) as port:
        with (tmp_path / "service" / "pacs.toml").open("a") as configuration:
            configuration.write(DESTINATION.format(port=port))
        with pacs_peers.running(service):
            assert send(service.port, film) == [0]
            address = f"dicom-web/studies/{film.StudyInstanceUID}/instances?includefield=all"
            wait_until(lambda: len(_list(port, address)) == 2, 120)
            found = _list(port, address)
            wait_until(lambda: not list((tmp_path / "service" / "queue" / "results").iterdir()), 60)
    assert {each["00080016"]["Value"][0] for each in found} == {ComprehensiveSRStorage, SecondaryCaptureImageStorage}
    assert {each["00100020"]["Value"][0] for each in found} == {film.PatientID}


def _list(port: int, path: str) -> list[dict[str, Any]]:
    found = _get(port, path)
    return found if isinstance(found, list) else []


def _instances(port: int) -> list[object]:
    instances = _get(port, "instances")
    assert isinstance(instances, list)
    return instances
