"""`/health` and `/metrics`: what they answer, that they name nobody, and that slow clients block no probe."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydicom.uid import DigitalXRayImageStorageForPresentation

from benchmarks.service_process import free_port
from pneumonia.errors import UsageError
from pneumonia.pacs import queue_upkeep, status_server
from pneumonia.pacs.configuration import parse_configuration
from pneumonia.pacs.deliveries import Deliveries
from pneumonia.pacs.disk_space import DiskSpace
from pneumonia.pacs.events import AssociationEvent, FilmEvent, InstanceEvent
from pneumonia.pacs.metrics import Metrics, sop_class_label
from pneumonia.pacs.outcome import Outcome, Verdict
from pneumonia.pacs.queue import Queue
from pneumonia.pacs.service import create_service
from pneumonia.pacs.service_state import ServiceState
from pneumonia.pacs.status_server import MAX_REQUESTS, StatusServer

from .delivery_support import add_film, is_empty
from .scp_support import configured_library, film, send
from .storage_peers import scripted_scp, wait_until

OPENER = build_opener(ProxyHandler({}))


@dataclass
class Status:
    """A status server above a real queue and real deliveries; the listening side is replaced by its state."""

    server: StatusServer
    queue: Queue
    metrics: Metrics
    deliveries: Deliveries
    scp: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(is_listening=True, open_associations=2))

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        try:
            request = Request(f"http://127.0.0.1:{self.server.port}{path}", method=method)
            with OPENER.open(request, timeout=60) as response:
                return response.status, response.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()

    def health(self) -> tuple[int, dict[str, Any]]:
        status, text = self.get("/health")
        return status, json.loads(text)

    def samples(self) -> dict[tuple[str, ...], float]:
        """(name, label values ...) -> value."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        return {
            (sample.name.removeprefix("pneumonia_pacs_"), *(sample.labels[key] for key in sorted(sample.labels))): (
                sample.value
            )
            for family in families
            for sample in family.samples
        }


@pytest.fixture
def ports() -> dict[str, int]:
    return {"archive": free_port()}


@pytest.fixture
def status(tmp_path: Path, ports: dict[str, int]) -> Iterator[Status]:
    destinations = [
        {"name": name, "ae_title": "PACS", "host": "127.0.0.1", "port": port, "retry_first_s": 0.05, "refusals": 1}
        for name, port in ports.items()
    ]
    configuration = parse_configuration(
        {"destination": destinations, "peer": [{"ae_title": "CR1"}], "limits": {"min_free_disk_mb": 1}}, tmp_path
    )
    queue = Queue(configuration.folder)
    metrics = Metrics(configuration)
    deliveries = Deliveries.create(configuration, queue, metrics)
    scp = SimpleNamespace(is_listening=True, open_associations=2)
    workers = SimpleNamespace(is_alive=True, pids=[1, 2])
    service = SimpleNamespace(configuration=configuration, queue=queue, deliveries=deliveries, scp=scp, workers=workers)
    state = ServiceState(cast(Any, service))
    metrics.registry.register(state)
    server = StatusServer("127.0.0.1", 0, state.health, metrics.registry)
    server.start()
    yield Status(server, queue, metrics, deliveries, scp)
    server.stop()
    deliveries.stop()
    queue.close()


def test_a_healthy_service_answers_200_with_the_state_of_its_parts(status: Status) -> None:
    code, details = status.health()
    assert code == 200
    assert {key: details[key] for key in ("status", "listening", "workers", "queue_writable", "disk_space")} == {
        **{"status": "ok", "listening": True, "workers": True},
        **{"queue_writable": True, "disk_space": True},
    }
    assert details["films"] == {"received": 0, "predicted": 0, "failed": 0}
    assert details["destinations"]["archive"]["available"] is True


def test_a_service_that_does_not_listen_answers_503(status: Status) -> None:
    status.scp.is_listening = False
    code, details = status.health()
    assert (code, details["status"], details["listening"]) == (503, "unavailable", False)
    assert status.samples()[("up",)] == 0


def test_a_queue_that_cannot_be_written_is_503_and_the_metrics_go_on(status: Status) -> None:
    status.queue.close()
    code, details = status.health()
    assert (code, details["queue_writable"]) == (503, False)
    assert "films" not in details


def test_a_full_disk_is_low() -> None:
    assert DiskSpace(Path(), 10**12).is_low()
    assert DiskSpace(Path("missing"), 0).is_low()
    assert not DiskSpace(Path(), 0).is_low()


def test_a_destination_that_is_down_is_shown_and_does_not_make_the_service_unhealthy(status: Status) -> None:
    add_film(status.queue, "archive")
    status.deliveries.start()
    wait_until(lambda: not status.deliveries.queues[0].state.is_available)
    code, details = status.health()
    assert code == 200
    archive = details["destinations"]["archive"]
    assert (archive["available"], archive["reason"], archive["waiting"]) == (False, "not_reachable", 2)
    samples = status.samples()
    assert samples[("destination_available", "archive")] == 0
    assert samples[("queue_deliveries", "archive", "waiting")] == 2
    assert samples[("delivery_attempts_total", "archive", "unavailable", "not_reachable")] >= 1


def test_deliveries_are_counted_and_timed(status: Status, ports: dict[str, int]) -> None:
    with scripted_scp([0xA900], port=ports["archive"]):
        uids = add_film(status.queue, "archive")
        status.deliveries.start()
        wait_until(lambda: bool(queue_upkeep.dead_letters(status.queue)))
        wait_until(lambda: status.samples()[("delivery_seconds_count", "archive")] == 1)
        samples = status.samples()
        assert samples[("deliveries_failed_total", "archive", "data_set_mismatch")] == 1
        assert samples[("queue_deliveries", "archive", "failed")] == 1
        assert samples[("queue_films", "predicted")] == 1
        queue_upkeep.retry(status.queue, None)
        wait_until(lambda: is_empty(status.queue))
    text = status.get("/metrics")[1] + status.get("/health")[1]
    assert not [name for name in ("DOE", "MRN-4711", *uids) if name in text]


def test_the_events_of_reception_are_counted(status: Status) -> None:
    metrics = status.metrics
    dx = str(DigitalXRayImageStorageForPresentation)
    for title in ("CR1", "DOE^JANE", "MRN-4711"):
        metrics.association(AssociationEvent(1, title, "released", 1, 100, 0.1))
        metrics.instance(InstanceEvent(1, title, "stored", dx, "1.2.840.10008.1.2.1", 100, 0.1))
    metrics.connection("pdu_too_long")
    metrics.instance(InstanceEvent(None, "CR1", "skipped:other_class", "1.2.3.4.5", "1.2", 50, 0.1))
    for outcome in ("Pneumonia", "Unknown:inconclusive", "unreadable_image", "retry:crashed", "failed:crashed"):
        metrics.film(FilmEvent(1, "CR1", outcome, "adults", 0.3, 0.2))
    samples = status.samples()
    assert samples[("associations_total", "CR1", "released")] == 1
    assert samples[("associations_total", "other", "released")] == 2
    assert samples[("instances_total", "CR1", "stored", "DigitalXRayImageStorageForPresentation")] == 1
    assert samples[("instances_total", "CR1", "skipped:other_class", "other")] == 1
    assert samples[("received_bytes_total", "CR1")] == 150
    assert samples[("connections_closed_total", "pdu_too_long")] == 1
    films = {key[2:]: value for key, value in samples.items() if key[0] == "films_total"}
    assert films == {
        ("Pneumonia", "adults", ""): 1,
        ("Unknown", "adults", "inconclusive"): 1,
        ("error", "adults", "unreadable_image"): 1,
        ("retry", "adults", "crashed"): 1,
        ("failed", "adults", "crashed"): 1,
    }
    assert samples[("result_seconds_count",)] == 3
    assert "DOE" not in status.get("/metrics")[1]


def test_labels_are_bounded(status: Status) -> None:
    for number in range(1_000):
        status.metrics.association(AssociationEvent(number, f"AE{number}", "calling_ae_title"))
        status.metrics.instance(InstanceEvent(None, f"AE{number}", "duplicate", f"1.2.{number}", "", 1, 0.0))
    assert len(status.samples()) < 120
    assert sop_class_label("1.2.840.10008.5.1.4.1.1.2") == "CTImageStorage"
    assert sop_class_label("1.2.840.10008.1.2.1") == "other"


@pytest.mark.parametrize(
    ("path", "method", "code"),
    [("/", "GET", 404), ("/health/", "GET", 404), ("/metrics", "POST", 405), ("/health", "DELETE", 405)],
)
def test_other_paths_and_methods_are_refused(status: Status, path: str, method: str, code: int) -> None:
    assert status.get(path, method)[0] == code


def test_silent_clients_leave_room_for_a_probe(status: Status) -> None:
    clients = [socket.create_connection(("127.0.0.1", status.server.port)) for _ in range(MAX_REQUESTS - 1)]
    try:
        assert status.health()[0] == 200
    finally:
        for client in clients:
            client.close()


def test_clients_that_hold_every_place_lose_it_in_time(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_server, "REQUEST_TIMEOUT_S", 0.2)
    clients = [socket.create_connection(("127.0.0.1", status.server.port)) for _ in range(MAX_REQUESTS)]
    for client in clients:
        client.sendall(b"GET /health")  # and never the end of the line

    def is_answered() -> bool:
        try:
            return status.health()[0] == 200
        except OSError:  # on a busy machine, the probe itself may take longer than the short limit
            return False

    wait_until(is_answered)
    for client in clients:
        client.close()


def test_a_port_in_use_is_named(status: Status) -> None:
    with pytest.raises(UsageError, match=f"port {status.server.port} of 127.0.0.1"):
        StatusServer("127.0.0.1", status.server.port, lambda: (True, {}), status.metrics.registry)


def test_the_server_adds_no_metrics_of_the_process_registry(status: Status) -> None:
    """`prometheus_client` has a registry of the whole process, in which two services would collide."""
    Metrics(parse_configuration({}))
    assert all("pneumonia_pacs_" in line or "#" in line for line in status.get("/metrics")[1].splitlines() if line)


DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_and_the_alert_rules_name_the_metrics_that_exist(status: Status) -> None:
    metrics = status.metrics
    families = {
        family.name.removeprefix("pneumonia_pacs_") + ("_total" if family.type == "counter" else "")
        for family in metrics.registry.collect()
    } | {"certificate_expiry_seconds"}  # only with a certificate
    page = (DOCS / "pacs-destinations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \| (?:`|\|| )", page.split("## Health and metrics")[1], re.M)) == families
    rules = (DOCS / "pacs" / "alerts.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"pneumonia_pacs_(\w+)", rules)) <= families


def promtool(*arguments: str, text: str = "") -> str:
    """The complaints of Prometheus' own checker; "" if there are none."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    process = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, cwd=DOCS / "pacs")
    return "" if process.returncode == 0 else process.stdout + process.stderr


def test_promtool_accepts_rules_configuration_and_metrics(status: Status) -> None:
    assert promtool("check", "config", "prometheus.yml") == "", "it checks alerts.yml, too"
    status.metrics.film(FilmEvent(1, "CR1", "Pneumonia", "adults", 0.3, 0.2))
    status.metrics.association(AssociationEvent(1, "CR1", "released", 1, 100, 0.1))
    assert promtool("check", "metrics", text=status.get("/metrics")[1]) == ""


def metrics(port: int) -> str:
    with OPENER.open(f"http://127.0.0.1:{port}/metrics", timeout=60) as response:
        return str(response.read().decode())


@pytest.mark.slow
def test_a_film_from_reception_to_delivery_is_counted(tmp_path: Path) -> None:
    port = free_port()
    with scripted_scp() as peer, configured_library(tmp_path):
        service = create_service(
            parse_configuration(
                {
                    "service": {"port": 0, "workers": 1},
                    "metrics": {"port": port},
                    "destination": [{"name": "archive", "ae_title": "PACS", "host": "127.0.0.1", "port": peer.port}],
                },
                tmp_path,
            )
        )
        try:
            service.start()
            assert send(service.scp.port, film(side=256)) == [0]
            wait_until(lambda: len(peer.stored) == 2, 60)
            wait_until(lambda: is_empty(service.queue))
            with OPENER.open(f"http://127.0.0.1:{port}/health", timeout=60) as response:
                assert response.status == 200
            wait_until(lambda: 'pneumonia_pacs_delivery_seconds_count{destination="archive"} 2.0' in metrics(port))
            wait_until(lambda: 'pneumonia_pacs_films_total{calling="other",label="Unknown"' in metrics(port))
            text = metrics(port)
        finally:
            service.stop()
    assert not [name for name in ("SECRET", "MRN-4711", *peer.stored) if name in text]


@dataclass
class _Delivery:
    destination: str = "archive"


def test_the_reasons_of_outcomes_are_words(status: Status) -> None:
    status.metrics.attempted(cast(Any, _Delivery()), Outcome(Verdict.REFUSED, "not_authorised", "any text"))
    assert status.samples()[("delivery_attempts_total", "archive", "refused", "not_authorised")] == 1
