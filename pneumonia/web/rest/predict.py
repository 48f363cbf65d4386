"""`POST /api/v1/predict`: one film, as a multipart form or as it is; the answer as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope

from ...inference.decision import Failure, Prediction
from ..server import route_policy
from .film_call import Film, FilmCall, ReceivedFilm, answer
from .parameters import FilmOptions, film_options
from .responses import failure_response, json_response


class Predict(FilmCall):
    """The handler: responds with the Prediction, or the error of the film."""

    async def _respond(
        self, scope: Scope, receive: Receive, film: ReceivedFilm, parameters: Mapping[str, str]
    ) -> Response:
        options = film_options(parameters, self._predictor)
        result = await self._turns.run(receive, lambda: self._answer(film.read(), options))
        if isinstance(result, Failure):
            return failure_response(scope, result, self._turns.retry_after_s())
        return json_response(result.as_dict())

    def _answer(self, film: Film, options: FilmOptions) -> Prediction | Failure:
        return answer(self._predictor, film, options, route_policy.REST_PREDICT)[0]
