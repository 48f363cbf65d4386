"""Sources of models: embedded, folders, or repositories on the Hub. No other model replaces a requested one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .. import settings
from ..errors import BundleCorrupt, ModelNotFound, UsageError
from ..messages import message
from . import bundle, hub_download
from .bundle import Bundle
from .embedded import CONFIG_SHA256
from .populations import CHILDREN, POPULATIONS

EMBEDDED_FOLDERS = {name: Path(__file__).parents[1] / "models" / name for name in POPULATIONS}
"""Folder of each population's embedded bundle; only those whose config is pinned in `embedded` exist."""

EMBEDDED_FOLDER = EMBEDDED_FOLDERS[CHILDREN.name]

_HUB_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def load_bundles(model: str | None = None) -> list[Bundle]:
    """Load and verify the bundles for "" (embedded), a folder, `owner/name[@revision]` on the Hub, or several names.

    Several names are separated by commas, one for each population. None reads `PNEUMONIA_MODEL`. An existing folder
    takes precedence over a Hub repository of the same name, and over a list. The bundles are in the order of
    `POPULATIONS`. Raises a `ModelError`, and `UsageError` for two bundles of one population.
    """
    name = settings.MODEL.read() if model is None else model
    if not name:
        bundles = [_load_embedded(population) for population in CONFIG_SHA256]
    elif Path(name).is_dir() or "," not in name:
        bundles = [_load_named(name)]
    else:
        bundles = [_load_named(part.strip()) for part in name.split(",")]
        _check_populations(bundles)
    order = list(POPULATIONS)
    return sorted(bundles, key=lambda loaded: order.index(loaded.population.name))


def load_bundle(model: str | None = None, population: str | None = None) -> Bundle:
    """The bundle of one population among those of `load_bundles`, by default the first.

    Raises the errors of `load_bundles`, and `ModelNotFound` if none is of the population.
    """
    bundles = load_bundles(model)
    by_name = {loaded.population.name: loaded for loaded in bundles}
    if population is None:
        return bundles[0]
    if population not in by_name:
        raise ModelNotFound(
            message(
                "No model of this population. Allowed: {names}. Received: {population!r}.",
                names=", ".join(by_name),
                population=population,
            )
        )
    return by_name[population]


def load_from_hub(model: str, *, endpoint: str | None = None) -> Bundle:
    """Load and verify the bundle for `owner/name[@revision]`, always from the Hub.

    The revision of its identity is the commit. Raises a `ModelError`.
    """
    match = _HUB_NAME.fullmatch(model)
    if match is None:
        raise ModelNotFound(
            message(
                "Invalid Hub model name. Allowed: owner/name[@revision], as printed by publish. Received: {model!r}.",
                model=model,
            )
        )
    return _from_hub(match["repository"], match["revision"] or "main", endpoint=endpoint)


def _load_embedded(population: str) -> Bundle:
    folder = EMBEDDED_FOLDERS[population]
    loaded = bundle.load(folder, "embedded", config_sha256=CONFIG_SHA256[population])
    if loaded.population.name != population:
        raise BundleCorrupt(
            message(
                "The bundle in {folder} is of {name}. Expected: {population}.",
                folder=folder,
                name=loaded.population.name,
                population=population,
            )
        )
    return loaded


def _load_named(name: str) -> Bundle:
    if name and Path(name).is_dir():
        return bundle.load(Path(name), Path(name).resolve().name)
    match = _HUB_NAME.fullmatch(name)
    if match is None:
        raise ModelNotFound(
            message(
                "Unknown model. Allowed: empty for the embedded models, a folder with a bundle, "
                "owner/name[@revision] on the Hub, or several of these separated by commas, one for each "
                "population. Received: {name!r}.",
                name=name,
            )
        )
    return _from_hub(match["repository"], match["revision"] or "main")


def _check_populations(bundles: Iterable[Bundle]) -> None:
    counts = Counter(loaded.population.name for loaded in bundles)
    repeated = [f"{count} of {name}" for name, count in counts.items() if count > 1]
    if repeated:
        raise UsageError(
            message(
                "Several models of one population. Allowed: one for each. Received: {repeated}.",
                repeated=", ".join(repeated),
            )
        )


def _from_hub(repository: str, revision: str, *, endpoint: str | None = None) -> Bundle:
    folder, commit = hub_download.download_bundle(repository, revision, endpoint=endpoint)
    try:
        return bundle.load(folder, repository, revision=commit)
    except BundleCorrupt as error:
        raise BundleCorrupt(
            message("{error} To download it again, delete {folder}.", error=error.message, folder=folder)
        ) from None
