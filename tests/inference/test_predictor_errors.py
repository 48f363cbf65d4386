"""Errors inside the predictor, and graphs that return no numbers: a failure of the film with an id, never an answer."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia import Failure, Prediction, Predictor
from pneumonia.errors import BundleCorrupt, EmptyFile
from pneumonia.inference.bundle import Bundle
from pneumonia.inference.gate import Gate
from pneumonia.inference.model import Model

Grey = npt.NDArray[np.uint8]


def test_a_bad_film_raises_alone_and_is_a_failure_among_others(
    predictor: Predictor, film_path: Path, tmp_path: Path
) -> None:
    empty, text = tmp_path / "empty.png", tmp_path / "letter.png"
    empty.touch()
    text.write_text("Dear colleague")
    with pytest.raises(EmptyFile):
        predictor.predict(empty)
    paths = [empty, film_path, text, tmp_path / "missing.png", tmp_path, film_path]
    results = list(predictor.predict_many(paths))
    codes = [result.error.code if isinstance(result, Failure) else None for result in results]
    assert [result.file for result in results] == [str(path) for path in paths]
    assert codes == ["empty_file", None, "unsupported_format", "unreadable_image", "unreadable_image", None]
    assert results[1] == results[5] == predictor.predict(film_path)


class UnreadablePath(os.PathLike[str]):
    """A path object whose conversion to text fails, like one of a closed archive."""

    def __fspath__(self) -> str:
        raise RuntimeError("jane_doe.dcm is gone")


@pytest.fixture
def broken(predictor: Predictor) -> Predictor:
    """A predictor whose gate has the wrong thumbnail size, which causes an internal error for each film."""
    spaces = predictor.models[0].gate.subspaces
    wrong = Gate({view: replace(space, mean=space.mean[:100]) for view, space in spaces.items()})
    return Predictor([Model(replace(predictor.models[0].bundle, gate=wrong), 1)])


def test_an_internal_error_is_a_failure_with_an_id_and_the_log_has_no_name(
    broken: Predictor, normal_film: Grey, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "jane_doe.png"
    Image.fromarray(normal_film).save(path)
    with caplog.at_level(logging.DEBUG):
        (failure,) = broken.predict_many([path])
    assert isinstance(failure, Failure)
    assert failure.error.code == "internal"
    assert failure.file == str(path)
    incident = re.search(r"\b[0-9a-f]{12}\b", failure.error.message)
    assert incident is not None
    messages = [record.getMessage() for record in caplog.records if record.name == "pneumonia"]
    assert len(messages) == 1
    assert incident[0] in messages[0]
    assert re.search(r"ValueError at .*; pneumonia/inference/gate\.py:\d+ measure$", messages[0])
    assert "jane" not in caplog.text
    assert "jane" not in failure.error.message


def test_a_broken_path_object_is_a_failure_and_the_others_are_answered(
    predictor: Predictor, film_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    results = list(predictor.predict_many([UnreadablePath(), film_path]))
    assert isinstance(results[0], Failure)
    assert results[0].error.code == "internal"
    assert isinstance(results[1], Prediction)
    assert "jane" not in caplog.text


@pytest.mark.parametrize("source", [None, 7, ["film.png"], object()])
def test_an_object_that_is_not_a_film_is_a_failure_too(predictor: Predictor, source: object) -> None:
    (result,) = predictor.predict_many([source])  # type: ignore[list-item]
    assert isinstance(result, Failure)


def with_nan_weights(graph: bytes) -> bytes:
    """The graph with all weights NaN, as after a diverged training run."""
    from ai_edge_litert import schema_py_generated as schema

    data = bytearray(graph)
    model = schema.Model.GetRootAsModel(data, 0)
    layers = model.Subgraphs(0)
    for tensor in map(layers.Tensors, range(layers.TensorsLength())):
        buffer = model.Buffers(tensor.Buffer())
        # Small buffers may be shared with shapes. All bits set are NaN in each float type.
        if tensor.Type() in {schema.TensorType.FLOAT32, schema.TensorType.FLOAT16} and buffer.DataLength() > 1000:
            buffer.DataAsNumpy()[:] = 0xFF
    return bytes(data)


def test_a_graph_that_returns_nan_never_gives_a_prediction(predictor: Predictor, normal_film: Grey) -> None:
    bundle: Bundle = predictor.models[0].bundle
    nan = Predictor([Model(replace(bundle, graph=with_nan_weights(bundle.graph)), 1)])
    with pytest.raises(ValueError, match="not finite"):
        nan.predict(normal_film)
    (result,) = nan.predict_many([normal_film])
    assert isinstance(result, Failure)
    assert result.error.code == "internal"


def test_an_invalid_graph_cannot_be_loaded(predictor: Predictor) -> None:
    with pytest.raises(BundleCorrupt):
        Model(replace(predictor.models[0].bundle, graph=b"TFL3" * 100), 1)
