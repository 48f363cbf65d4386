"""Entry point of `pneumonia COMMAND`: builds the parser, runs the command, maps errors to exit codes.

To add a command, write a module with `add_parser(commands)` and `run(options) -> int`, and list it in `COMMANDS`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import __version__, operating_system, settings
from ..command_line import NOTHING_DONE, report
from ..errors import InternalError, PneumoniaError
from ..imaging.process_hardening import harden_process
from ..languages import set_language
from ..messages import message, translate
from . import archive, batch, deploy, evaluate, model, monitor, pacs, predict, publish, serve, validate

COMMANDS = (predict, batch, validate, serve, monitor, pacs, archive, evaluate, model, publish, deploy)
"""One module per command, in the order of `--help`. Heavy libraries are imported inside `run` only."""


def main(arguments: Sequence[str] | None = None, *, prog: str = "pneumonia") -> int:
    """Run one command; returns its exit code.

    `arguments` defaults to `sys.argv[1:]`. `prog` is the name of the program in usage messages.
    """
    operating_system.make_output_robust()
    options = _parser(prog).parse_args(arguments)
    harden_process()
    try:
        set_language(settings.LANGUAGE.read())
        code: int = options.run(options)
        return code
    except PneumoniaError as error:
        return report(error)
    except KeyboardInterrupt:
        print(translate(message("stopped")), file=sys.stderr)
    except Exception as error:
        if isinstance(error, OSError) and operating_system.is_closed_pipe(error):
            # The reader (`head`, `less`) has closed the pipe. When the interpreter closes stdout it prints another
            # error, which closing stderr suppresses.
            sys.stderr.close()
            return NOTHING_DONE
        return report(InternalError.from_exception(error))
    return NOTHING_DONE


def _parser(prog: str) -> argparse.ArgumentParser:
    rows = "\n".join(f"  {row.name:<24} {row.help}" for row in settings.SETTINGS)
    exit_codes = "exit codes: 0 success, 1 some files failed, 2 wrong usage or nothing done"
    parser = argparse.ArgumentParser(
        prog,
        description="Classify chest films as Normal, Pneumonia or Unknown. Does not replace a radiologist.",
        epilog=f"settings (environment):\n{rows}\n\n{exit_codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands).set_defaults(run=command.run)
    return parser
