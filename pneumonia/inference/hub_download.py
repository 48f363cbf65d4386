"""Download of a model bundle from the Hub, pinned to a commit and limited in time.

A branch or tag can move, so the Hub resolves it each time; a cached copy may be outdated. A commit cannot change: if
the cache has all of its files, no request is made.
"""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from .. import settings
from ..errors import BundleCorrupt, DiskFull, HubUnreachable, ModelNotFound, PneumoniaError, RevisionNotFound
from ..files import is_disk_full, walk_bottom_up
from ..messages import message
from . import bundle

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MAX_DOWNLOAD_S = 300
"""Seconds after which a download is aborted even if it still makes progress."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_POLL_INTERVAL_S = 0.1
_CHUNK_BYTES = 65_536

DownloadedBundle: TypeAlias = tuple[Path, str]
"""(folder, commit)."""


def download_bundle(
    repository: str, revision: str, *, endpoint: str | None = None, cache: Path | None = None
) -> DownloadedBundle:
    """Download a complete bundle, unless it is cached; returns (folder, commit). The files are not verified yet.

    `revision` is a branch, tag or commit. Raises `ModelNotFound`, `RevisionNotFound`, `BundleCorrupt`, `HubUnreachable`
    or `DiskFull`, at the latest after `PNEUMONIA_HUB_TIMEOUT_S` seconds without progress or 300 s in total. Any other
    exception is a bug; it passes unchanged, and the caller reports it as `internal`.
    """
    from huggingface_hub import HfApi, constants  # takes 1 s, and the embedded model does not need it

    # With the default of 10 MB, the size of the folder would not show the progress of a slow download.
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK_BYTES
    timeout_s = settings.HUB_TIMEOUT_S.read()
    cache = cache or Path(constants.HF_HUB_CACHE)
    remote = _Repository(HfApi(endpoint=endpoint), repository, revision, cache, timeout_s)

    def download() -> DownloadedBundle:
        commit = revision if _COMMIT.fullmatch(revision) else remote.resolve()
        return _download(partial(remote.fetch, commit)), commit

    try:
        return _run_while_growing(download, remote.folder, timeout_s)
    except TimeoutError as error:
        raise HubUnreachable(
            message(
                "The Hub does not respond: {error}. {hint}",
                error=error,
                hint=_cache_hint(remote.folder, repository),
            )
        ) from None


@dataclass(frozen=True)
class _Repository:
    """One revision of a model on the Hub, with its cache. Raises the errors of this package only."""

    api: HfApi
    name: str
    revision: str
    cache: Path
    timeout_s: float

    @property
    def folder(self) -> Path:
        """The folder of the model in the cache."""
        return self.cache / f"models--{self.name.replace('/', '--')}"

    def resolve(self) -> str:
        """The commit of the revision."""
        with self._translate_errors():
            return str(self.api.model_info(self.name, revision=self.revision, timeout=self.timeout_s).sha)

    def fetch(self, commit: str, file: str) -> Path:
        """Download a file of a commit, unless it is cached; returns its path."""
        with self._translate_errors():
            path = self.api.hf_hub_download(
                self.name, file, revision=commit, cache_dir=self.cache, etag_timeout=self.timeout_s
            )
        return Path(path)

    @contextmanager
    def _translate_errors(self) -> Iterator[None]:
        try:
            yield
        except _known_errors() as error:
            raise _to_pneumonia_error(error, self.name, self.revision, self.folder) from None


def _download(fetch: Callable[[str], Path]) -> Path:
    """Download the files of a bundle by `fetch(name)`; returns their folder."""
    folder = fetch(bundle.CONFIG).parent
    config, _ = bundle.read_config(folder)
    for name in config["files"]:
        if name not in bundle.TRAINING_ONLY_FILES:
            fetch(name)
    return folder


def _run_while_growing(task: Callable[[], DownloadedBundle], folder: Path, timeout_s: float) -> DownloadedBundle:
    """Run `task` in a thread while `folder` grows; raises `TimeoutError` after `timeout_s` seconds without growth.

    A request that hangs inside a library can only be abandoned, not stopped. An abandoned thread writes only to the
    Hub's cache, where incomplete files are not used.
    """
    outcome: queue.SimpleQueue[DownloadedBundle | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put(task())
        except BaseException as error:
            outcome.put(error)

    threading.Thread(target=run, name="hub-download", daemon=True).start()
    started_at = grew_at = time.monotonic()
    size = _folder_size(folder)
    while True:
        try:
            result = outcome.get(timeout=_POLL_INTERVAL_S)
        except queue.Empty:
            now, new_size = time.monotonic(), _folder_size(folder)
            # Compared with the largest size so far, since a download that restarts again and again makes no progress.
            grew_at, size = (now, new_size) if new_size > size else (grew_at, size)
            if now - grew_at > timeout_s:
                raise TimeoutError(f"no progress for {timeout_s} s") from None
            if now - started_at > MAX_DOWNLOAD_S:
                raise TimeoutError(f"not complete after {MAX_DOWNLOAD_S} s") from None
            continue
        if isinstance(result, BaseException):
            raise result
        return result


def _folder_size(folder: Path) -> int:
    """Total size in bytes of the files under `folder`; other threads may create and delete files during the call."""
    total = 0
    for path in walk_bottom_up(folder):
        try:
            total += path.lstat().st_size
        except OSError:  # deleted meanwhile; Windows reports a file that is being deleted as one without access
            continue
    return total


def _known_errors() -> tuple[type[Exception], ...]:
    """Exceptions that huggingface_hub raises for a faulty Hub, connection or disk.

    Connection errors are those of httpx; a response that is not JSON causes a `ValueError`.
    """
    from huggingface_hub import errors

    # httpx is imported under the name that huggingface_hub uses: its `HTTPError` is the base of connection errors too.
    return (errors.HTTPError, OSError, errors.XetDownloadError, ValueError)


def _to_pneumonia_error(error: Exception, repository: str, revision: str, folder: Path) -> PneumoniaError:
    """The `PneumoniaError` for an exception of huggingface_hub, whose text may quote a token or an address."""
    from huggingface_hub import errors

    if isinstance(error, errors.RevisionNotFoundError):
        return RevisionNotFound(
            message(
                "Unknown revision of {repository} on the Hub. Received: {revision!r}.",
                repository=repository,
                revision=revision,
            )
        )
    if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)):
        return ModelNotFound(
            message(
                "The model does not exist on the Hub, or it is private and the token does not allow access. "
                "Allowed: owner/name[@revision]. Received: {repository!r}.",
                repository=repository,
            )
        )
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return BundleCorrupt(
            message(
                "A file of the model bundle is missing in {repository}@{revision}.",
                repository=repository,
                revision=revision,
            )
        )
    if isinstance(error, OSError) and is_disk_full(error):
        return DiskFull(message("The disk is full; the model could not be downloaded. Free 50 MB and try again."))
    status = getattr(getattr(error, "response", None), "status_code", None)
    detail = message("HTTP status {status}", status=status) if status else message("no connection")
    return HubUnreachable(
        message(
            "The Hub cannot be used ({detail}). {hint}",
            detail=detail,
            hint=_cache_hint(folder, repository),
        )
    )


def _cache_hint(folder: Path, repository: str) -> str:
    """Name the cached commits: offline, a branch or tag cannot be resolved, but a commit can be used by its hash."""
    commits = sorted(path.name for path in folder.glob("snapshots/*") if _is_complete(path))
    if not commits:
        return message("This model is not in the cache. The embedded model needs no Hub (leave PNEUMONIA_MODEL empty).")
    models = ", ".join(f"{repository}@{commit}" for commit in commits)
    return message("In the cache, usable without the Hub: {models}.", models=models)


def _is_complete(snapshot: Path) -> bool:
    try:
        config, _ = bundle.read_config(snapshot)
    except PneumoniaError:
        return False
    return all((snapshot / name).exists() for name in config["files"] if name not in bundle.TRAINING_ONLY_FILES)
