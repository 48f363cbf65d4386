"""`pacs`: the DICOM network service, and its queue."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..command_line import SOME_FAILED, SUCCESS
from ..errors import UsageError
from ..messages import message, translate
from .options import Commands
from .output import report_missing_library

if TYPE_CHECKING:
    from ..pacs.configuration import Configuration
    from ..pacs.queue import Queue

_ACTIONS = ("run", "queue", "failed", "retry", "discard")

_DESCRIPTION = """\
Receive films by C-STORE, and deliver results to PACS. Needs requirements-hospital.txt.

  pacs --config pacs.toml                run the service until SIGTERM or Ctrl+C
  pacs --config pacs.toml --check        check the configuration, and associate with each destination
  pacs --config pacs.toml queue          numbers of waiting films and results
  pacs --config pacs.toml failed         dead letters: films and results that were given up
  pacs --config pacs.toml retry film-7   try a dead letter again; --all: all of them
  pacs --config pacs.toml discard film-7 delete a dead letter
"""


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser(
        "pacs",
        help="run the DICOM network service, or look at its queue",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", nargs="?", choices=_ACTIONS, default="run", help="what to do; default: run")
    parser.add_argument("id", nargs="?", help="a dead letter, e.g. film-7 or delivery-12")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="TOML file; docs/pacs.example.toml. Default: pacs.toml",
    )
    parser.add_argument("--port", type=int, metavar="N", help="TCP port, in place of that of the configuration")
    parser.add_argument("--ae-title", metavar="NAME", help="AE title, in place of that of the configuration")
    parser.add_argument("--check", action="store_true", help="check the configuration and the destinations, and end")
    parser.add_argument("--all", action="store_true", help="retry: all dead letters")
    return parser


def run(options: argparse.Namespace) -> int:
    """Run the service, check its configuration, or show or change its queue."""
    try:
        from ..pacs import service  # noqa: F401  all of the extra's libraries that the service needs
    except ModuleNotFoundError as error:
        return report_missing_library("pacs", error, "hospital")
    configuration = _configuration(options)
    if options.check:
        return _check(configuration)
    actions = {"run": _serve, "queue": _show_queue, "failed": _show_failed, "retry": _retry, "discard": _discard}
    return actions[options.action](configuration, options)


def _configuration(options: argparse.Namespace) -> Configuration:
    from ..pacs import toml_table
    from ..pacs.configuration import Configuration, load_configuration

    default = Path("pacs.toml")
    path = options.config or (default if default.exists() else None)
    configuration = Configuration() if path is None else load_configuration(path)
    changes = {}
    if options.port is not None:
        changes["port"] = toml_table.checked(toml_table.integer(0, 65_535), options.port, "--port")
    if options.ae_title is not None:
        changes["ae_title"] = toml_table.checked(toml_table.ae_title, options.ae_title, "--ae-title")
    return dataclasses.replace(configuration, service=dataclasses.replace(configuration.service, **changes))


def _serve(configuration: Configuration, _: argparse.Namespace) -> int:
    from .. import service_log
    from ..pacs.service import create_service, serve_until_signal

    os.umask(0o077)  # films and results are readable by this user only
    service_log.configure()
    if not configuration.destinations:
        warning = message("No destination is configured: films are read, but their results are delivered nowhere.")
        print(translate(warning), file=sys.stderr)
    serve_until_signal(create_service(configuration))
    return SUCCESS


def _check(configuration: Configuration) -> int:
    from ..pacs.destination_check import check_destinations, check_priors, check_tls, success_text

    service = configuration.service
    print(f"{service.ae_title} on {service.host}:{service.port}, queue in {configuration.folder}")
    for peer in configuration.peers:
        print(f"peer {peer.ae_title}: {', '.join(peer.addresses) or 'any address'}")
    if not configuration.peers:
        print("peer any AE title: this machine only")
    print(f"tls: {check_tls(configuration)}")
    outcomes = check_destinations(configuration)
    for destination, (name, problem) in zip(configuration.destinations, outcomes, strict=True):
        print(f"destination {name}: {problem or success_text(destination)}")
    priors = check_priors(configuration)
    if priors is not None:
        print(f"priors: {priors or 'accepts queries and moves'}")
    return SOME_FAILED if priors or any(problem for _, problem in outcomes) else SUCCESS


def _show_queue(configuration: Configuration, _: argparse.Namespace) -> int:
    from ..pacs import queue_upkeep

    queue = _open_queue(configuration)
    for state, number in queue_upkeep.counts(queue).items():
        print(f"films {state:<10} {number:>8,}")
    for (destination, state), number in sorted(queue_upkeep.delivery_counts(queue).items()):
        print(f"results {state:<9} {number:>7,}  {destination}")
    oldest = queue_upkeep.oldest_received_at(queue)
    if oldest is not None:
        print(f"oldest {max(0.0, time.time() - oldest):,.0f} s")
    return SUCCESS


def _show_failed(configuration: Configuration, _: argparse.Namespace) -> int:
    from ..pacs import queue_upkeep

    for letter in queue_upkeep.dead_letters(_open_queue(configuration)):
        failed_at = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(letter.failed_at))
        print(f"{letter.id}  {failed_at}  {letter.what} -> {letter.destination or '-'}  {letter.error}")
    return SUCCESS


def _retry(configuration: Configuration, options: argparse.Namespace) -> int:
    from ..pacs import queue_upkeep

    if (options.id is None) != options.all:
        raise UsageError(message("Which dead letter? Allowed: an id of `pacs failed`, or --all."))
    number = queue_upkeep.retry(_open_queue(configuration), options.id)
    print(f"{number} back in the queue")
    return SUCCESS


def _discard(configuration: Configuration, options: argparse.Namespace) -> int:
    from ..pacs import queue_upkeep

    if options.id is None:
        raise UsageError(message("Which dead letter? Allowed: an id of `pacs failed`."))
    queue_upkeep.discard(_open_queue(configuration), options.id)
    print(f"{options.id} deleted")
    return SUCCESS


def _open_queue(configuration: Configuration) -> Queue:
    from ..pacs.queue import Queue

    if not (configuration.folder / "queue.sqlite").exists():
        raise UsageError(message("There is no queue in {path}.", path=configuration.folder))
    return Queue(configuration.folder, remember_h=configuration.queue.remember_h)
