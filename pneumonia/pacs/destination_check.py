"""`pacs --check`: whether each destination answers, and accepts the kinds of objects that it is to get."""

from __future__ import annotations

from ..errors import PneumoniaError
from .configuration import Configuration
from .delivery import create_sender
from .destinations import KINDS, Destination
from .store_scu import RESULT_SOP_CLASSES, StoreScu


def check_destinations(configuration: Configuration) -> list[tuple[str, str]]:
    """(name, problem) of each destination; the problem is "" if there is none.

    Of a DICOMweb server only certificates and secrets are checked, since STOW-RS has no request without an object.
    """
    return [(destination.name, _problem(destination, configuration)) for destination in configuration.destinations]


def _problem(destination: Destination, configuration: Configuration) -> str:
    try:
        sender = create_sender(destination, configuration)
    except PneumoniaError as error:
        return str(error)
    if not isinstance(sender, StoreScu):
        return ""
    wanted = destination.kinds or configuration.results.kinds
    classes = dict(zip(KINDS, RESULT_SOP_CLASSES, strict=True))
    return sender.check([classes[kind] for kind in configuration.results.kinds if kind in wanted])
