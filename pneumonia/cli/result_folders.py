"""Result files of `predict` and `batch`: DICOM objects and FHIR bundles, one folder for each kind.

The threads of the predictor create the files under temporary names; they get their names in the order of the films, as
the heat maps do.
"""

from __future__ import annotations

import argparse
import os
import stat
import sys
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import TracebackType

from .. import settings
from ..errors import InternalError, PneumoniaError, UnsupportedDicom
from ..files import ProcessTempdir, rename_file
from ..imaging import Source
from ..inference.decision import Failure, Prediction
from ..inference.predictor import Observer, Predictor
from ..inference.reading import Reading
from ..languages import current_language
from ..messages import message, translate
from ..reporting import result_files
from ..reporting.dicom.options import COMPREHENSIVE, SR_CLASSES, ResultOptions
from ..reporting.result_files import FHIR, ResultFile
from .output import printable
from .result_names import free_path, numbered_path
from .write_errors import translate_write_errors

OPTIONS = {
    "dicom-sr": "one DICOM structured report per film",
    "secondary-capture": "one DICOM secondary capture per film: film, map and answer as a picture",
    "presentation-state": "one DICOM presentation state per film: outlines of the lung zones and the answer",
    "encapsulated-pdf": "the report of each film as a DICOM encapsulated PDF",
    "fhir": "one FHIR bundle per film, as JSON",
}
"""Kind of result file, which is the name of its option too -> help."""
assert tuple(OPTIONS) == result_files.KINDS

_FOLDER_PROBLEM = message("The folder cannot be created or written")
_FILE_PROBLEM = message("The result file cannot be written")
_DISK_FULL = message("The disk is full; the result file was not written. Free space and try again.")


@dataclass(frozen=True)
class WrittenFiles:
    """The files of one film under temporary names, and why there are none of a kind."""

    temporary: Sequence[tuple[ResultFile, Path]] = ()
    reason: str = field(default="")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add `--dicom-sr`, `--secondary-capture` and the other kinds, `--sr-class` and `--uid-root`."""
    group = parser.add_argument_group("result files for PACS and other systems")
    for kind, text in OPTIONS.items():
        group.add_argument(f"--{kind}", type=Path, metavar="DIR", help=f"also write {text}")
    group.add_argument(
        "--sr-class",
        choices=SR_CLASSES,
        default=COMPREHENSIVE,
        help="SOP class of the structured report: Comprehensive SR (default) or, as IHE AI Results names it, "
        "Comprehensive 3D SR",
    )
    group.add_argument(
        "--uid-root",
        metavar="ROOT",
        help="UID root of your organisation for the objects; overrides PNEUMONIA_UID_ROOT",
    )


def folders_of(options: argparse.Namespace) -> dict[str, Path]:
    """Kind -> folder, for the kinds that were requested."""
    folders = ((kind, getattr(options, kind.replace("-", "_"))) for kind in OPTIONS)
    return {kind: folder for kind, folder in folders if folder is not None}


def open_folders(options: argparse.Namespace) -> AbstractContextManager[ResultFolders | None]:
    """The folders that were requested, as a context; None if there are none. Raises as `ResultFolders`."""
    folders = folders_of(options)
    if not folders:
        return nullcontext()
    uid_root = settings.UID_ROOT.read() if options.uid_root is None else options.uid_root
    return ResultFolders(folders, uid_root, options.sr_class)


def read_and_decide(
    predictor: Predictor, options: argparse.Namespace, source: Source, name: str | None, observe: Observer | None
) -> tuple[Prediction | Failure, Reading | None]:
    """(result, reading) of a film with the options of a command; raises nothing, since an error has result files too.

    `observe` is called with both.
    """
    try:
        reading: Reading | None = predictor.read(source, options.age)
        assert reading is not None
        result: Prediction | Failure = predictor.decide(
            reading, options.operating_point, file=name, prevalence=options.prevalence
        )
    except PneumoniaError as error:
        reading, result = None, Failure(name, error)
    except Exception as error:
        reading, result = None, Failure(name, InternalError.from_exception(error))
    if observe is not None:
        observe(result, reading)
    return result, reading


def report_missing(film: str, written: WrittenFiles) -> None:
    """Print why a film has no DICOM objects."""
    if written.reason:
        text = message("{film}: result files are missing: {reason}", film=printable(film), reason=written.reason)
        print(translate(text), file=sys.stderr)


class ResultFolders:
    """The folders of the result files, as a context; created if needed.

    Raises `UsageError` if a folder cannot be created or written, for an invalid UID root, or if the extra `hospital` is
    missing, before a film is read; and `DiskFull`.
    """

    def __init__(self, folders: Mapping[str, Path], uid_root: str = "", sr_class: str = COMPREHENSIVE) -> None:
        result_files.check_kinds(tuple(folders))
        self._options = ResultOptions(uid_root=uid_root, language=current_language(), sr_class=sr_class)
        self.errors = 0
        """Number of films whose files could not be made because of an error of this program."""
        self._folders = dict(folders)
        self._occurrences: Counter[PurePath] = Counter()
        self._tempdirs: dict[Path, ProcessTempdir] = {}
        for folder in self._folders.values():
            with translate_write_errors(_FOLDER_PROBLEM, folder, if_full=_DISK_FULL):
                folder.mkdir(parents=True, exist_ok=True)
                if folder not in self._tempdirs:
                    self._tempdirs[folder] = ProcessTempdir(folder, ".results-")

    def __enter__(self) -> ResultFolders:
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _traceback: TracebackType | None) -> None:
        for tempdir in self._tempdirs.values():
            tempdir.delete()

    def write(
        self, predictor: Predictor, source: Source, result: Prediction | Failure, reading: Reading | None
    ) -> WrittenFiles:
        """Create the files of a film under temporary names, on any thread; none for a film that cannot be opened.

        Raises `DiskFull` or `UsageError`.
        """
        data = _bytes_of(source)
        if data is None:
            return WrittenFiles(reason=message("the file cannot be opened"))
        files, reason = self._create(predictor, data, result, reading)
        return WrittenFiles([(file, self._write_temporary(file)) for file in files], reason)

    def number(self, stem: PurePath) -> int:
        """The number of the next film of a stem, from 1; call it once for each film, in their order."""
        self._occurrences[stem] += 1
        return self._occurrences[stem]

    def publish(self, written: WrittenFiles, stem: PurePath, number: int) -> None:
        """Give the files of a film their names: `stem`, the number of the film unless it is 1, and a suffix.

        A file of the same object is replaced, any other one is kept: the next free number is used. Raises `DiskFull` or
        `UsageError`, for example for a long name.
        """
        for file, temporary in written.temporary:
            folder = self._folders[file.kind]
            with translate_write_errors(_FILE_PROBLEM, folder, if_full=_DISK_FULL):
                target = free_path(folder / stem, number, file)
                target.parent.mkdir(parents=True, exist_ok=True)
                rename_file(temporary, target)

    def has_all(self, stem: PurePath, number: int) -> bool:
        """Whether there is a file of each kind with the number of a film."""
        return all(
            numbered_path(folder / stem, number, result_files.SUFFIXES[kind]).exists()
            for kind, folder in self._folders.items()
        )

    def can_have_files(self, source: Source) -> bool:
        """Whether a film can have files of the kinds: DICOM objects need a DICOM file."""
        from ..reporting.dicom.source import is_dicom

        data = None if FHIR in self._folders else _bytes_of(source)
        return FHIR in self._folders or (data is not None and is_dicom(data))

    def _create(
        self, predictor: Predictor, data: bytes, result: Prediction | Failure, reading: Reading | None
    ) -> tuple[list[ResultFile], str]:
        """(the files, why some are missing): a film that belongs to no study can have a FHIR bundle only.

        An error of this program in a file is logged and costs the film its files, not its answer.
        """

        def create(*kinds: str) -> list[ResultFile]:
            return result_files.create_result_files(predictor, data, result, reading, kinds, self._options)

        try:
            try:
                return create(*self._folders), ""
            except UnsupportedDicom as error:
                if tuple(self._folders) == (FHIR,):
                    raise
                return create(FHIR) if FHIR in self._folders else [], error.message
        except PneumoniaError as error:
            return [], error.message
        except Exception as error:
            self.errors += 1
            InternalError.from_exception(error)  # writes to the log, which is on stderr
            return [], message("Internal error; the file was not written. The answer is not affected.")

    def _write_temporary(self, file: ResultFile) -> Path:
        folder = self._folders[file.kind]
        temporary = self._tempdirs[folder].path / f"{uuid.uuid4().hex}{file.name_suffix}"
        with translate_write_errors(_FILE_PROBLEM, folder, if_full=_DISK_FULL):
            temporary.write_bytes(file.data)
        return temporary


def _bytes_of(source: Source) -> bytes | None:
    """The content of a film; None if it cannot be opened or is larger than a film may be."""
    if isinstance(source, bytes):
        return source
    assert isinstance(source, (str, os.PathLike)), "the command line reads files"
    path = Path(source)
    try:
        status = path.stat()
        is_readable = stat.S_ISREG(status.st_mode) and status.st_size <= settings.MAX_FILE_MB.read() * 1_000_000
        return path.read_bytes() if is_readable else None
    except (OSError, ValueError):
        return None
