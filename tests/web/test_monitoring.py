"""Counts of the page and the API, the question below an answer, and the part of the Evidence tab."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest

from pneumonia import Predictor, settings
from pneumonia.inference.named_film import NamedFilm
from pneumonia.monitoring import recorder as recorder_module
from pneumonia.monitoring import store
from pneumonia.web import film_session, handlers, monitoring_section, page
from pneumonia.web.batch_record import BatchJob
from pneumonia.web.batch_steps import analyse
from pneumonia.web.film_session import SessionFilm
from pneumonia.web.opinion_control import OpinionControl
from pneumonia.web.server.upload import Upload

from .visit import Visit, running

Counted = Callable[[str], dict[str, int]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(settings.MONITOR.name, str(tmp_path / "counts"))
    return tmp_path / "counts"


@pytest.fixture
def counted(folder: Path) -> Counted:
    """`counted(source)`: "name value" -> films of a source, without the histograms."""

    def read(source: str) -> dict[str, int]:
        active = recorder_module.recorder()
        assert active is not None and active.flush()
        counts: Counter[str] = Counter()  # of both days at midnight
        for row in store.read(folder):
            if row.series.source == source and row.name in {"answer", "error", "opinion"}:
                counts[f"{row.name} {row.value}"] += row.films
        return {name: films for name, films in counts.items() if films}

    return read


def upload(path: Path) -> Upload:
    return Upload(path, path.name)


def test_endpoints_count_each_film_once(predictor: Predictor, files: dict[str, Path], counted: Counted) -> None:
    film, broken = upload(files["film.png"]), upload(files["broken.jpg"])
    for uploaded in (film, broken, None):
        handlers.predict(predictor, uploaded, age=3)
        handlers.analyze(predictor, uploaded, age=3)
    handlers.predict_batch(predictor, [film, broken, film], age=3)
    counts = counted("api")
    assert counts["answer Normal"] == 4
    assert counts["error unreadable_image"] == 3
    assert counts["error empty_file"] == 1, "a call of /analyze without a file has no film"


def test_the_page_counts_films_and_no_examples(predictor: Predictor, files: dict[str, Path], counted: Counted) -> None:
    film_session.open_film(predictor, upload(files["film.png"]), age_group="children")
    film_session.open_film(predictor, upload(files["broken.jpg"]))
    film_session.open_film(predictor, files["film.png"].read_bytes(), age_group="children")
    assert counted("page") == {"answer Normal": 1, "error unreadable_image": 1}


def test_a_batch_of_the_page_counts_its_films(
    predictor: Predictor, files: dict[str, Path], counted: Counted, tmp_path: Path
) -> None:
    films = [NamedFilm(name, files[name]) for name in ("film.png", "broken.jpg", "film.jpg")]
    list(analyse(predictor, BatchJob(tmp_path, "balanced", films, "children")))
    assert counted("batch") == {"answer Normal": 2, "error unreadable_image": 1}


def test_the_rest_api_counts_its_films(address: str, files: dict[str, Path], counted: Counted) -> None:
    film, broken = files["film.png"].read_bytes(), files["broken.jpg"].read_bytes()
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:
        for content in (film, broken):
            client.post("/api/v1/predict", content=content, params={"age": 3})
        several = [("file", ("a.png", film)), ("file", ("b.jpg", broken)), ("file", ("c.png", film))]
        assert client.post("/api/v1/predict-batch", files=several, data={"age": "3"}).status_code == 200
    assert counted("rest") == {"answer Normal": 3, "error unreadable_image": 2}


@pytest.fixture
def opinion(predictor: Predictor, folder: Path) -> OpinionControl:
    with gr.Blocks():
        return OpinionControl(predictor)


def open_film(predictor: Predictor, film: Any, group: str = "children") -> SessionFilm:
    session_film = film_session.open_film(predictor, film, age_group=group)[0]
    assert session_film is not None
    return session_film


def test_an_opinion_counts_once_and_can_be_changed(
    opinion: OpinionControl, predictor: Predictor, files: dict[str, Path], counted: Counted
) -> None:
    session_film = open_film(predictor, upload(files["film.png"]))
    for stated in ("Normal", "Normal", "Pneumonia"):
        assert 'role="status"' in opinion._count(stated, session_film, "balanced")
    assert counted("page") == {"answer Normal": 1, "opinion Normal/Pneumonia": 1}


def test_an_opinion_follows_a_film_that_is_read_again(
    opinion: OpinionControl, predictor: Predictor, files: dict[str, Path], counted: Counted
) -> None:
    session_film = open_film(predictor, upload(files["film.png"]))
    opinion._count("Normal", session_film)
    reread = film_session.reread_film(predictor, session_film, "balanced", "other")[0]
    assert reread is not None
    assert opinion.show(reread)[0]["value"] == "Normal"
    opinion._count("cannot say", reread)
    assert counted("page") == {"answer Normal": 1, "answer Unknown": 1, "opinion Unknown/cannot say": 1}


@pytest.mark.parametrize("stated", ["Unknown", "", None, "' OR 1", ["Normal"]])
def test_what_is_no_opinion_is_not_counted(
    opinion: OpinionControl, predictor: Predictor, files: dict[str, Path], counted: Counted, stated: Any
) -> None:
    assert opinion._count(stated, open_film(predictor, upload(files["film.png"]))) == ""
    assert opinion._count("Normal", None) == ""
    assert counted("page") == {"answer Normal": 1}


def test_the_question_is_hidden_without_an_answer_and_for_examples(
    opinion: OpinionControl, predictor: Predictor, files: dict[str, Path]
) -> None:
    example = open_film(predictor, files["film.png"].read_bytes())
    assert [opinion.show(film)[0]["visible"] for film in (None, example)] == [False, False]
    assert opinion.show(open_film(predictor, upload(files["film.png"])))[0]["visible"] is True


def element_ids(built: gr.Blocks) -> set[str]:
    return {str(block.elem_id) for block in built.blocks.values() if getattr(block, "elem_id", None)}


def test_without_the_setting_the_page_has_neither_question_nor_counts(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(settings.MONITOR.name, raising=False)
    assert not {"opinion", "monitoring"} & element_ids(page.build(predictor))


def test_a_folder_that_cannot_be_read_is_an_alert_without_its_path(predictor: Predictor, folder: Path) -> None:
    folder.mkdir()
    (folder / store.FILE_NAME).write_bytes(b"x" * 5000)
    html = monitoring_section.render_counts(predictor)
    assert "The counts cannot be read" in html and str(folder) not in html


@pytest.mark.browser
@pytest.mark.slow
def test_a_visitor_agrees_and_sees_the_counts(
    browser: Any,
    predictor: Predictor,
    files: dict[str, Path],
    counted: Counted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the keyboard, on a phone in the dark: names, focus, no serious finding of axe."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    phone = {"width": 390, "height": 844}
    for _ in range(4):  # with the film of the visit as many as are shown
        open_film(predictor, upload(files["film.png"]))
    with running(predictor) as address, Visit(browser, address, viewport=phone, color_scheme="dark") as visit:
        tab = visit.page
        assert not tab.locator("#opinion").is_visible()
        visit.drop(files["film.png"], until="#opinion")
        choice = tab.get_by_role("radio", name="Pneumonia")
        choice.focus()
        tab.keyboard.press("Space")
        tab.wait_for_selector("#opinion-note [role=status]")
        tab.get_by_role("radio", name="Cannot say").click()
        tab.wait_for_function("document.querySelectorAll('#opinion input')[2].checked")
        assert visit.axe_violations(part="#opinion") == []
        tab.get_by_role("tab", name="Evidence").click()
        tab.get_by_role("button", name="Show the counts").click()
        tab.wait_for_selector("#monitoring-report .verdict")
        text = tab.inner_text("#monitoring-report")
        assert "Too few films to compare" in text
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        assert visit.axe_violations(part="#monitoring") == []
    counts = counted("page")
    assert sum(films for name, films in counts.items() if name.startswith("answer")) == 5
    assert sum(films for name, films in counts.items() if name.startswith("opinion")) == 1
