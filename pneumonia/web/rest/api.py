"""The REST API: its addresses and what they share."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ...inference.predictor import Predictor
from ..lane import Lane
from ..server import route_policy
from . import docs_page, openapi
from .endpoint import Endpoint
from .film_turns import FilmTurns
from .predict import Predict
from .predict_batch import PredictBatch
from .responses import json_response
from .results import Results
from .spool import MemoryBudget
from .work import Work


class RestApi:
    """The routes of the REST API.

    Single films run in the lane `films`, batches with `batch_predictor` in the lane `batches`.
    """

    def __init__(self, predictor: Predictor, films: Lane, batch_predictor: Predictor, batches: Lane) -> None:
        self._predictor = predictor
        self.work = Work()
        budget, turns = MemoryBudget(), FilmTurns(films)
        predict = Predict(predictor, turns, budget, self.work)
        predict_batch = PredictBatch(batch_predictor, batches, budget, self.work)
        results = Results(predictor, turns, budget, self.work)
        self.routes = [
            Route(route_policy.REST_PREDICT, Endpoint(turns.retry_after_s, POST=predict.post)),
            Route(route_policy.REST_BATCH, Endpoint(predict_batch.retry_after_s, POST=predict_batch.post)),
            Route(route_policy.REST_RESULTS, Endpoint(turns.retry_after_s, POST=results.post)),
            Route(f"{route_policy.REST}/model", Endpoint(GET=self._model)),
            Route(f"{route_policy.REST}/openapi.json", Endpoint(GET=self._openapi)),
            Route(f"{route_policy.REST}/docs", Endpoint(GET=self._docs)),
        ]

    async def _model(self, _: Scope, __: Receive, ___: Send) -> Response:
        return json_response(self._predictor.describe())

    async def _openapi(self, _: Scope, __: Receive, ___: Send) -> Response:
        return json_response(openapi.describe(self._predictor.point_names))

    async def _docs(self, _: Scope, __: Receive, ___: Send) -> Response:
        page = docs_page.render_docs(openapi.describe(self._predictor.point_names))
        return HTMLResponse(page, headers=docs_page.HEADERS)
