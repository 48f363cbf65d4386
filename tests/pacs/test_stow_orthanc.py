"""STOW-RS to Orthanc's DICOMweb plugin, with the result objects of the product."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import pytest
from pydicom.uid import ComprehensiveSRStorage, SecondaryCaptureImageStorage

from benchmarks.service_process import free_port
from pneumonia.pacs.destinations import Destination
from pneumonia.pacs.stow_client import StowClient
from pneumonia.pacs.tls import TlsFiles

from ..support.dicom_programs import find_program
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
        with OPENER.open(f"http://127.0.0.1:{port}/{path}", timeout=5) as response:
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


def _instances(port: int) -> list[object]:
    instances = _get(port, "instances")
    assert isinstance(instances, list)
    return instances
