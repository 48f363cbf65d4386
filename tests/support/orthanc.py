"""Debian's Orthanc with the configuration of docs/pacs, on other ports and with its files in a temporary folder."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.service_process import free_port

from .dicom_programs import find_program
from .wait import until

CONFIGURATION = Path(__file__).parents[2] / "docs" / "pacs"
AET, USER = "ORTHANC", ("demo", "demo")
START_TIMEOUT_S, END_TIMEOUT_S = 120, 120


@dataclass(frozen=True)
class Orthanc:
    """A running Orthanc: its DICOM port and its REST API."""

    port: int
    client: httpx.Client

    def get(self, path: str) -> Any:
        """The JSON of a resource."""
        return self.client.get(path).raise_for_status().json()

    def instances(self) -> list[dict[str, Any]]:
        """The simplified tags of all instances, with the key `ID` of Orthanc."""
        return [self.get(f"/instances/{name}/simplified-tags") | {"ID": name} for name in self.get("/instances")]

    def download(self, instance: str) -> bytes:
        """The DICOM file of an instance."""
        return self.client.get(f"/instances/{instance}/file").raise_for_status().content

    def jobs_done(self) -> bool:
        """Whether no job, such as sending an instance on, waits or runs."""
        return all(job["State"] in {"Success", "Failure"} for job in self.get("/jobs?expand"))


@contextmanager
def running_orthanc(folder: Path, service_port: int, *, port: int = 0, script: str | None = None) -> Iterator[Orthanc]:
    """Run Orthanc until the block ends. `script` replaces autoroute.lua."""
    program = find_program("Orthanc")
    shutil.copytree(CONFIGURATION, folder / "configuration")
    path, http_port = folder / "configuration" / "orthanc.json", free_port()
    settings = json.loads(path.read_text())
    settings |= {"HttpPort": http_port, "DicomPort": port or free_port()}
    settings["DicomModalities"]["pneumonia"]["Port"] = service_port
    path.write_text(json.dumps(settings))
    if script is not None:
        (folder / "configuration" / "autoroute.lua").write_text(script)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, str(path)], cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    client = httpx.Client(base_url=f"http://127.0.0.1:{http_port}", auth=USER, trust_env=False, timeout=60)
    try:
        assert until(lambda: _answers(client), START_TIMEOUT_S), (folder / "log").read_text()
        yield Orthanc(settings["DicomPort"], client)
    finally:
        client.close()
        process.terminate()
        process.wait(END_TIMEOUT_S)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/system").status_code == 200
    except httpx.TransportError:
        return False
