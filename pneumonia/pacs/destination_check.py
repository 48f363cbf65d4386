"""`pacs --check`: whether certificates can be used, and destinations answer and accept what they are to get."""

from __future__ import annotations

from ..errors import PneumoniaError, UsageError
from ..reporting.dicom.options import COMPREHENSIVE_3D
from .configuration import Configuration
from .deliveries import create_sender
from .destinations import DICOM, Destination
from .priors import PriorFetcher
from .store_scu import RESULT_SOP_CLASSES, StoreScu
from .tls import expiry_of, server_context


def check_tls(configuration: Configuration) -> str:
    """Until when the certificate of the service is valid, or that there is none.

    Raises `UsageError` if a file cannot be used.
    """
    settings, files = configuration.tls, configuration.tls_files
    if settings.incoming:
        server_context(files, require_client_certificate=settings.client_certificates)
    if files.certificate is None:
        return "no certificate"
    expiry = expiry_of(files)
    if expiry is None:
        raise UsageError(f"The certificate is not valid today. Received: {files.certificate}.")
    return f"certificate valid until {expiry:%Y-%m-%d}, {'TLS only' if settings.incoming else 'films without TLS'}"


def check_destinations(configuration: Configuration) -> list[tuple[str, str]]:
    """(name, problem) of each destination; the problem is "" if there is none.

    A DICOMweb server is asked for its capabilities, since STOW-RS has no request without an object: `success_text`.
    """
    return [(destination.name, _problem(destination, configuration)) for destination in configuration.destinations]


def check_priors(configuration: Configuration) -> str | None:
    """What keeps earlier films from being requested, "" if nothing; None without `[priors]`."""
    if not configuration.priors.host:
        return None
    return PriorFetcher(configuration).check()


def success_text(destination: Destination) -> str:
    """What is known of a destination without a problem."""
    return "accepts the results" if destination.type == DICOM else "answers; the first result shows if it stores"


def _problem(destination: Destination, configuration: Configuration) -> str:
    try:
        sender = create_sender(destination, configuration)
    except PneumoniaError as error:
        return str(error)
    if not isinstance(sender, StoreScu):
        try:
            return sender.check()
        finally:
            sender.close()
    kinds = destination.kinds or configuration.results.kinds
    return sender.check([_sop_class(kind, configuration) for kind in configuration.results.kinds if kind in kinds])


def _sop_class(kind: str, configuration: Configuration) -> str:
    """The usual SOP class of a kind, or that of the configuration."""
    is_3d = kind == "dicom-sr" and configuration.results.sr_class == COMPREHENSIVE_3D
    return RESULT_SOP_CLASSES[kind][1 if is_3d else 0]
