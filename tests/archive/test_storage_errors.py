"""Storage that cannot be used: one error that ends the run at once, instead of retries for each film."""

from __future__ import annotations

import errno
import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pneumonia import Predictor, cli
from pneumonia.archive import cluster, film_names, run, storage, storage_errors
from pneumonia.archive.parts import Parts
from pneumonia.archive.storage import ResultFolder
from pneumonia.archive.storage_errors import StorageUnusable
from pneumonia.batch.rows import TableOptions
from pneumonia.errors import Busy, DiskFull, PneumoniaError, UnreadableImage, UsageError

CREDENTIALS = "the credentials are missing, invalid or expired"
NO_BUCKET = "the bucket or repository does not exist"


class FailingStorage(MemoryFileSystem):
    """The protocol `fake`: paths in `errors` cannot be opened, and nothing can be listed while `listing_error` is set.

    `opened` has the paths of all attempts.
    """

    protocol = "fake"
    store: dict[str, Any] = {}
    errors: dict[str, Exception] = {}
    listing_error: Exception | None = None
    opened: list[str] = []

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.removeprefix("fake://")))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        self.opened.append(path)
        error = self.errors.get(path, self.errors.get("*"))
        if error is not None:
            raise error
        return super()._open(path, mode, **options)

    def find(self, path: str, **options: Any) -> Any:
        if self.listing_error is not None:
            raise self.listing_error
        return super().find(path, **options)


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FailingStorage]:
    fsspec.register_implementation("fake", FailingStorage, clobber=True)
    for name, value in (("store", {}), ("errors", {}), ("listing_error", None), ("opened", [])):
        monkeypatch.setattr(FailingStorage, name, value)
    # In this module only: threads of other tests sleep, too.
    clock = types.SimpleNamespace(sleep=lambda seconds: FailingStorage.opened.append(f"slept {seconds} s"))
    monkeypatch.setattr(storage, "time", clock)
    return FailingStorage


def error_of_class(name: str, base: type[Exception] = Exception, **attributes: Any) -> Exception:
    """An exception of a storage package that need not be installed; its text is secret."""
    error: Exception = type(name, (base,), {})("arn:aws:iam::secret")
    for attribute, value in attributes.items():
        setattr(error, attribute, value)
    return error


def s3_error(code: str) -> Exception:
    """The `ClientError` of botocore."""
    return error_of_class("ClientError", response={"Error": {"Code": code, "Message": "secret"}})


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


PERMANENT = [
    (error_of_class("NoCredentialsError"), CREDENTIALS),
    (error_of_class("TokenIsGone", type(error_of_class("DefaultCredentialsError"))), CREDENTIALS),
    (s3_error("ExpiredToken"), CREDENTIALS),
    (caused_by(PermissionError("secret"), s3_error("InvalidAccessKeyId")), CREDENTIALS),
    (caused_by(PermissionError("secret"), s3_error("SignatureDoesNotMatch")), CREDENTIALS),
    (caused_by(FileNotFoundError("secret"), s3_error("NoSuchBucket")), NO_BUCKET),
    (caused_by(FileNotFoundError("secret"), error_of_class("RepositoryNotFoundError")), NO_BUCKET),
    (error_of_class("HttpError", code=401), CREDENTIALS),
    (error_of_class("ClientResponseError", status=401), CREDENTIALS),
    (error_of_class("RefreshError", retryable=False), CREDENTIALS),
    (ModuleNotFoundError("secret", name="aiohttp"), "the package aiohttp is not installed"),
]
TRANSIENT = [
    TimeoutError("secret"),
    ConnectionError("secret"),
    s3_error("SlowDown"),
    s3_error("InternalError"),
    error_of_class("RefreshError", retryable=True),
    error_of_class("HttpError", code=503),
]


@pytest.mark.parametrize(("error", "cause"), PERMANENT, ids=lambda value: type(value).__name__)
def test_an_error_that_no_retry_heals_is_raised_at_once(
    fake: type[FailingStorage], error: Exception, cause: str
) -> None:
    fake.errors["*"] = error
    with pytest.raises(StorageUnusable) as caught:
        storage.fetch_object("fake://bucket/film.png")
    assert fake.opened == ["/bucket/film.png"]
    assert caught.value.message.startswith(f"The storage cannot be used: {cause}. Allowed: ")
    assert caught.value.message.endswith(" Received: fake://bucket.")
    assert "secret" not in caught.value.message and caught.value.code == "usage"


@pytest.mark.parametrize("error", TRANSIENT, ids=lambda error: type(error).__name__)
def test_a_transient_error_is_retried(fake: type[FailingStorage], error: Exception) -> None:
    fake.errors["*"] = error
    with pytest.raises(Busy):
        storage.fetch_object("fake://bucket/film.png")
    assert fake.opened == ["/bucket/film.png", "slept 2.0 s", "/bucket/film.png", "slept 4.0 s", "/bucket/film.png"]


def test_a_film_that_is_denied_or_missing_concerns_no_other_film(fake: type[FailingStorage]) -> None:
    fake.errors["/bucket/film.png"] = caused_by(PermissionError("secret"), s3_error("AccessDenied"))
    with pytest.raises(UnreadableImage, match="the storage denies access"):
        storage.fetch_object("fake://bucket/film.png")
    with pytest.raises(UnreadableImage, match="no such object"):
        storage.fetch_object("fake://bucket/missing.png")


def test_a_bucket_that_denies_every_checked_film_is_unusable(fake: type[FailingStorage]) -> None:
    fsspec.filesystem("fake").pipe_file("/bucket/readable.png", b"film")
    fake.errors["/bucket/denied.png"] = fake.errors["/closed/film.png"] = PermissionError("secret")
    storage.check_access([])
    storage.check_access(["fake://bucket/denied.png", "fake://bucket/readable.png", "fake://bucket/denied.png"])
    storage.check_access(["fake://bucket/denied.png", "fake://bucket/missing.png"])
    with pytest.raises(StorageUnusable, match=r"it denies access\..*Received: fake://closed\.$"):
        storage.check_access(["fake://bucket/readable.png", "fake://closed/film.png", "fake://closed/film.png"])


def test_a_storage_without_an_answer_is_left_to_the_run(fake: type[FailingStorage]) -> None:
    fake.errors["*"] = TimeoutError("secret")
    storage.check_access(["fake://bucket/1.png", "fake://bucket/2.png"])
    assert fake.opened == ["/bucket/1.png"]


@pytest.mark.parametrize(
    ("address", "root"),
    [
        ("s3://bucket/folder/film.png", "s3://bucket"),
        ("memory:///films/film.png", "memory://films"),
        ("ftp://user:password@host/film.png", "ftp://host"),
        ("hf://owner/name@v1/film.png", "hf://owner/name@v1"),
        ("hf://datasets/owner/name/film.png", "hf://datasets/owner/name"),
    ],
)
def test_a_message_names_the_bucket_only(address: str, root: str) -> None:
    assert storage_errors.root_of(address) == root


def test_the_checked_films_are_spread_over_all_addresses() -> None:
    names = pa.chunked_array([[b"a.png", b"s3://b/0"], [], [f"s3://b/{number}".encode() for number in range(1, 101)]])
    assert film_names.sample_addresses(names, 5) == [f"s3://b/{number}" for number in (0, 25, 50, 75, 100)]
    assert film_names.sample_addresses(names.slice(0, 2), 5) == ["s3://b/0"]
    assert film_names.sample_addresses(names.slice(0, 1), 5) == []


@pytest.mark.parametrize("address", ["fake://bucket", "fake://bucket/*.png", "fake://bucket/*.parquet"])
def test_a_listing_without_credentials_is_a_usage_error(fake: type[FailingStorage], address: str) -> None:
    fake.listing_error = error_of_class("NoCredentialsError")
    with pytest.raises(StorageUnusable, match=CREDENTIALS):
        film_names.list_names([address], set())
    fake.listing_error = error_of_class("HttpError", code=503)
    with pytest.raises(UsageError, match="cannot be (listed|read)"):
        film_names.list_names([address], set())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["fake://bucket/1.png", "fake://bucket/2.png"], f"usage: The storage cannot be used: {CREDENTIALS}."),
        (["tape://bucket/1.png"], "usage: The storage cannot be used: Protocol not known: tape"),
    ],
)
def test_wrong_credentials_end_the_command_before_ray_starts(
    fake: type[FailingStorage],
    tmp_path: Path,
    names: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def start_ray(*_: object) -> None:
        raise AssertionError("Ray was started")

    monkeypatch.setattr(cluster, "ray_cluster", start_ray)
    fake.errors["*"] = error_of_class("NoCredentialsError")
    pq.write_table(pa.table({"path": [str(tmp_path / "local.png"), *names]}), tmp_path / "list.parquet")
    assert cli.main(["archive", str(tmp_path / "list.parquet"), "--out", str(tmp_path / "out")]) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith(message) and stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
    assert len(fake.opened) <= 1


def test_credentials_that_a_worker_lacks_end_the_run(
    fake: type[FailingStorage], predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker returns the error in its row, writes no part, and the driver raises it."""
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(get=lambda reference: reference))
    references: list[Any] = [[predictor.models[0].bundle]]
    archive = Parts(ResultFolder(str(tmp_path / "out")), 32)
    worker = run.ArchiveWorker(references, TableOptions(predictor.models[0].identity, "balanced"), archive)
    fake.errors["*"] = error_of_class("NoCredentialsError")
    names = [os.fsencode(f"fake://bucket/{number}.png") for number in range(40)]
    outcome = worker(pa.table({"part": [7], "names": [names]})).to_pylist()
    assert [(row["part"], json.loads(row["counts"])) for row in outcome] == [(7, {})]
    assert not (tmp_path / "out").exists()
    assert not [entry for entry in fake.opened if entry.startswith("slept")]
    with pytest.raises(StorageUnusable, match=CREDENTIALS):
        run._collect_counts(outcome, 1)


def _refuse(error: OSError) -> Callable[..., None]:
    def refuse(*_: object, **__: object) -> None:
        raise error

    return refuse


@pytest.mark.parametrize(
    ("error", "expected", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DiskFull, "The disk is full"),
        (OSError(errno.EROFS, "Read-only file system"), UsageError, "cannot be written: Read-only file system"),
    ],
)
def test_a_local_output_folder_that_cannot_be_written_ends_the_run(
    predictor: Predictor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: OSError,
    expected: type[PneumoniaError],
    message: str,
) -> None:
    """It is no lost part: the other parts could not be written either."""
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(get=lambda reference: reference))
    references: list[Any] = [[predictor.models[0].bundle]]
    archive = Parts(ResultFolder(str(tmp_path / "out")), 32)
    worker = run.ArchiveWorker(references, TableOptions(predictor.models[0].identity, "balanced"), archive)
    monkeypatch.setattr(Path, "mkdir", _refuse(error))
    outcome = worker(pa.table({"part": [7], "names": [[b"missing.png"]]})).to_pylist()
    with pytest.raises(expected, match=message):
        run._collect_counts(outcome, 1)


def test_an_output_folder_on_object_storage_that_fails_once_costs_a_part(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(get=lambda reference: reference))
    references: list[Any] = [[predictor.models[0].bundle]]
    archive = Parts(ResultFolder("memory://out"), 32)
    worker = run.ArchiveWorker(references, TableOptions(predictor.models[0].identity, "balanced"), archive)
    monkeypatch.setattr(MemoryFileSystem, "pipe_file", _refuse(OSError("slow down")))
    with pytest.raises(UsageError, match="The output folder cannot be used"):
        worker(pa.table({"part": [7], "names": [[b"missing.png"]]}))
