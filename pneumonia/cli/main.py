"""`python -m pneumonia`: predict, batch, archive, evaluate, model, publish, deploy. An entry, thin like `app.py`."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import __version__, batch, load_predictor, settings
from ..batch import results, rows
from ..errors import InternalError, PneumoniaError, UsageError
from ..inference.decision import CLASSES, DEFAULT_POINT, UNKNOWN, Failure, Prediction
from ..inference.predictor import Predictor
from ..publishing.hub_client import Content, content_size

ALL_WELL, SOME_FAILED, NOTHING_DONE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code of the contract."""
    given = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name that is no valid text must not end the run.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code: int = given.run(given)
        return code
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    except BrokenPipeError:
        # The reader (`head`, `less`) has gone; the interpreter would complain once more when it closes stdout.
        sys.stderr.close()
    except Exception as error:
        print(f"internal: {InternalError.from_exception(error).message}", file=sys.stderr)
    return NOTHING_DONE


def _parser() -> argparse.ArgumentParser:
    rows = "\n".join(f"  {row.name:<24} {row.help}" for row in settings.SETTINGS)
    parser = argparse.ArgumentParser(
        "python -m pneumonia",
        description="Chest films in; Normal, Pneumonia or Unknown out. Not a replacement for a radiologist.",
        epilog=f"settings (environment):\n{rows}\n\nexit codes: 0 all well, 1 some files failed, 2 nothing was done",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    predict = commands.add_parser("predict", help="answer for files")
    predict.add_argument("files", nargs="+", metavar="FILE", help="a picture or a DICOM file")
    predict.add_argument("--json", action="store_true", help="one JSON object a line on stdout, nothing else there")
    predict.add_argument("--operating-point", default=DEFAULT_POINT, metavar="P", help="screening, balanced or confirm")
    predict.add_argument("--prevalence", type=float, metavar="R", help="share of pneumonia where you work, 0 to 1")
    predict.add_argument("--heatmap", type=Path, metavar="DIR", help="also write where it looked, a PNG a file")
    predict.set_defaults(run=_predict)

    many = commands.add_parser("batch", help="a table of answers for folders, ZIPs and files")
    many.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, a ZIP or a quoted pattern")
    many.add_argument("--out", type=Path, required=True, metavar="CSV", help="the table; docs/batch.md has its columns")
    many.add_argument("--jsonl", action="store_true", help="also the JSON of each film, a line each, beside the table")
    many.add_argument("--resume", action="store_true", help="go on with a table that was begun")
    many.add_argument("--workers", type=int, metavar="N", help="films at a time, instead of PNEUMONIA_THREADS")
    many.add_argument("--operating-point", default=DEFAULT_POINT, metavar="P", help="screening, balanced or confirm")
    many.add_argument("--prevalence", type=float, metavar="R", help="share of pneumonia where you work, 0 to 1")
    many.set_defaults(run=_batch)

    archive = commands.add_parser("archive", help="rows for millions of films, on Ray, as Parquet files")
    found = "a file, a folder, a quoted pattern, or a Parquet list of paths (.parquet); here, or s3://, gs://, hf://"
    archive.add_argument("paths", nargs="+", metavar="PATH", help=found)
    archive.add_argument("--out", required=True, metavar="DIR", help="folder or address; goes on with what is there")
    archive.add_argument("--address", metavar="A", help="of a Ray cluster; without it, this machine's cores alone")
    archive.add_argument("--workers", type=int, metavar="N", help="predictors, one a core; by default all cores")
    archive.add_argument("--operating-point", default=DEFAULT_POINT, metavar="P", help="screening, balanced or confirm")
    archive.add_argument("--prevalence", type=float, metavar="R", help="share of pneumonia where you work, 0 to 1")
    archive.set_defaults(run=_archive)

    evaluate = commands.add_parser("evaluate", help="the figures of protocol official again, on a folder of films")
    evaluate.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with test/NORMAL and so on")
    evaluate.add_argument("--out", type=Path, metavar="DIR", help="write evaluation.json and curves.png there")
    evaluate.set_defaults(run=_evaluate)

    model = commands.add_parser("model", help="which model answers, with its figures and operating points")
    model.add_argument("--json", action="store_true", help="as the JSON of /model")
    model.set_defaults(run=_model)

    _add_publishing(commands)

    for command in (predict, many, archive, evaluate, model):
        command.add_argument("--model", metavar="M", help="instead of PNEUMONIA_MODEL: a folder or owner/name@revision")
    return parser


def _add_publishing(commands: Any) -> None:
    """The two commands that write to the Hub."""
    publish = commands.add_parser("publish", help="a model bundle to the Hub; prints the commit to pin")
    publish.add_argument("repository", metavar="OWNER/NAME", help="the model's repository; made if it is not there")
    publish.add_argument(
        "--bundle", type=Path, required=True, metavar="DIR", help="a run folder, or pneumonia/models/children"
    )
    publish.add_argument("--tag", metavar="V", help="the version's name, never moved; default: recipe and sha256")
    publish.set_defaults(run=_publish)

    deploy = commands.add_parser("deploy", help="the page to a Space; prints its address")
    deploy.add_argument("repository", metavar="OWNER/SPACE", help="the Space; made if it is not there (paid plan)")
    deploy.add_argument(
        "--model", metavar="OWNER/NAME@REVISION", help="serve it from the Hub; default: the embedded one goes along"
    )
    deploy.set_defaults(run=_deploy)

    for command in (publish, deploy):
        command.add_argument("--private", action="store_true", help="only its owner may see it, if it is made now")
        command.add_argument("--dry-run", action="store_true", help="say what would be sent, with sizes; write nothing")


def _predict(given: argparse.Namespace) -> int:
    if given.heatmap:
        _make_folder(given.heatmap)
    predictor = load_predictor(given.model)
    failed = 0
    answers = predictor.predict_many(given.files, given.operating_point, prevalence=given.prevalence)
    for path, result in zip(given.files, answers, strict=True):
        print(json.dumps(result.as_dict()) if given.json else _line(result), flush=True)
        failed += isinstance(result, Failure)
        if given.heatmap and isinstance(result, Prediction):
            _write_heatmap(predictor, path, given.heatmap)
    return SOME_FAILED if failed else ALL_WELL


def _batch(given: argparse.Namespace) -> int:
    predictor = load_predictor(given.model, threads=given.workers)
    predictor.check_options(given.operating_point, given.prevalence)
    asked = rows.TableOptions(predictor.model, given.operating_point, given.prevalence)
    ours = results.table_files(given.out)
    if next(batch.find_films(given.paths, exclude=ours), None) is None:
        raise UsageError(f"There are no films. Allowed: files, folders, ZIPs. Received: {', '.join(given.paths)}.")
    with results.open_table(given.out, asked, jsonl=given.jsonl, resume=given.resume) as kept:
        try:
            _fill(kept, predictor, given, ours)
        except KeyboardInterrupt:
            print(f"stopped: {_tally(kept)}. The rows stand in {results.partial_path(given.out)}; --resume goes on.",
                  file=sys.stderr)  # fmt: skip
            return SOME_FAILED if len(kept) else NOTHING_DONE
        kept.finish()
    print(f"{_tally(kept)}: {given.out}", file=sys.stderr)
    return SOME_FAILED if kept.counts[results.FAILED] else ALL_WELL


def _fill(kept: results.ResultTable, predictor: Predictor, given: argparse.Namespace, ours: set[Path]) -> None:
    """A row for each film that has none, with a bar where a person looks on."""
    from tqdm import tqdm

    looked_at = sys.stderr.isatty()
    total = sum(1 for _ in batch.find_films(given.paths, exclude=ours)) if looked_at else None
    waiting = (film for film in batch.find_films(given.paths, exclude=ours) if not kept.has(film.name))
    answers = predictor.predict_many(waiting, given.operating_point, prevalence=given.prevalence)
    with tqdm(total=total, initial=len(kept), unit="film", disable=not looked_at, file=sys.stderr) as bar:
        for result in answers:
            kept.add(result)
            bar.update()


def _tally(kept: results.ResultTable) -> str:
    return _told(kept.counts)


def _told(counts: Counter[str]) -> str:
    """`200 films: 120 Normal, 70 Pneumonia, 7 Unknown, 3 failed`."""
    counted = ((name, counts[name]) for name in (*CLASSES, UNKNOWN, results.FAILED))
    return f"{counts.total()} films: " + ", ".join(f"{number} {name}" for name, number in counted if number)


def _line(result: Prediction | Failure) -> str:
    if isinstance(result, Failure):
        return f"{result.file}: {result.error.code}: {result.error.message}"
    sure = "" if result.confidence is None else f" {100 * result.confidence:.0f} %"
    notes = [result.reason.message] if result.reason else []
    return " ".join([f"{result.file}: {result.label}{sure}", *notes, *result.warnings])


def _write_heatmap(predictor: Predictor, path: str, folder: Path) -> None:
    """The overlay beside no other film's: files of the same name from two folders get a number."""
    from ..inference import explain

    reading = predictor.read(path)
    if reading.activation is None:
        print(f"{path}: no heatmap, since the model was not asked", file=sys.stderr)
        return
    target = next(name for name in _names(folder / Path(path).stem) if not name.exists())
    explain.overlay(reading.display(path), reading.activation).save(target)


def _make_folder(folder: Path) -> None:
    """Before the first film is judged: a run must not end half way for a folder's sake."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder cannot be made: {error.strerror}. Received: {folder}.") from None


def _names(stem: Path) -> Iterator[Path]:
    yield stem.with_name(f"{stem.name}.heatmap.png")
    number = 2
    while True:
        yield stem.with_name(f"{stem.name}-{number}.heatmap.png")
        number += 1


def _archive(given: argparse.Namespace) -> int:
    try:
        from ..archive import screening
    except ModuleNotFoundError as error:
        print(f"An archive needs {error.name}: pip install -r requirements-archive.txt", file=sys.stderr)
        return NOTHING_DONE
    predictor = load_predictor(given.model, threads=given.workers)
    predictor.check_options(given.operating_point, given.prevalence)
    asked = rows.TableOptions(predictor.model, given.operating_point, given.prevalence)
    try:
        outcome = screening.screen(
            given.paths, given.out, predictor.bundle, asked, workers=given.workers, address=given.address
        )
    except KeyboardInterrupt:
        print(f"stopped: the rows so far stand in {given.out}; the same command goes on.", file=sys.stderr)
        return SOME_FAILED
    lost = ""
    if outcome.lost_parts:
        parts = "1 part has" if outcome.lost_parts == 1 else f"{outcome.lost_parts} parts have"
        lost = f"; {parts} no rows yet: run it again"
    print(f"{_told(outcome.counts)}: {given.out}{lost}", file=sys.stderr)
    return SOME_FAILED if outcome.lost_parts or outcome.counts[results.FAILED] else ALL_WELL


def _evaluate(given: argparse.Namespace) -> int:
    try:
        from ..evaluation import official
    except ModuleNotFoundError as error:
        print(f"Evaluation needs {error.name}: pip install -r requirements-train.txt", file=sys.stderr)
        return NOTHING_DONE
    return ALL_WELL if official.reevaluate(load_predictor(given.model), given.data, given.out) else SOME_FAILED


def _model(given: argparse.Namespace) -> int:
    described = load_predictor(given.model).describe()
    if given.json:
        print(json.dumps(described))
        return ALL_WELL
    print(f"{described['name']}  revision {described['revision']}  sha256 {described['sha256']}")
    for name, point in described["operating_points"].items():
        print(f"  {name:<10} low {point['low']:.3f}  threshold {point['threshold']:.3f}  high {point['high']:.3f}")
    for protocol, figures in described["figures"].items():
        print(f"  {protocol}: " + ", ".join(_figures(figures)))
    return ALL_WELL


def _publish(given: argparse.Namespace) -> int:
    from ..publishing import publish
    from ..publishing.hub_client import Repository

    try:
        from ..evaluation import consistency
    except ModuleNotFoundError as error:
        print(f"Publishing needs {error.name}: pip install -r requirements-train.txt", file=sys.stderr)
        return NOTHING_DONE
    repository = Repository(given.repository)
    if not given.dry_run:
        repository.require_login()
    model = publish.load(given.bundle)
    consistency.check_consistency(Predictor(model, 1))
    todo = publish.plan(model, repository, given.tag, private=given.private)
    if todo.published:
        print(f"{todo.tag} is there already, with this very content", file=sys.stderr)
    elif given.dry_run:
        _list(todo.send, todo.stale)
        print(f"would {'make' if todo.head is None else 'change'} {repository.address} and tag it {todo.tag}")
    if given.dry_run:
        return ALL_WELL
    print(f"{repository.name}@{publish.execute(todo)}")
    return ALL_WELL


def _deploy(given: argparse.Namespace) -> int:
    from ..publishing import deploy
    from ..publishing.hub_client import Repository

    repository = Repository(given.repository, "space")
    if not given.dry_run:
        repository.require_login()
    cargo = deploy.collect_content(repository, given.model)
    if cargo.served and cargo.served.private:
        print("The model is private: give the Space a token that may read it, as its secret HF_TOKEN.", file=sys.stderr)
    if given.dry_run:
        _list(cargo.files)
        print(f"{settings.MODEL.name}={cargo.variable or ''}", flush=True)
    todo = deploy.plan(repository, cargo, private=given.private)
    if given.dry_run:
        state = "make" if todo.head is None else "change"
        print(f"would {state} {repository.address}: {len(todo.send)} files to send, {len(todo.stale)} to remove")
        return ALL_WELL
    print(deploy.execute(todo))
    print("The Hub builds it now; that takes some minutes.", file=sys.stderr)
    return ALL_WELL


def _list(files: Mapping[str, Content], stale: Sequence[str] = ()) -> None:
    """Files to send with their sizes, and those to remove."""
    sizes = {name: content_size(content) for name, content in files.items()}
    for name, size in sizes.items():
        print(f"{size:>12,}  {name}")
    for name in stale:
        print(f"{'remove':>12}  {name}")
    print(f"{sum(sizes.values()):>12,}  bytes in {len(sizes)} files")


def _figures(figures: dict[str, dict[str, Any]]) -> Iterable[str]:
    shown = ((name, figure) for name, figure in figures.items() if figure["value"] is not None)
    return (f"{name} {figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})" for name, figure in shown)
