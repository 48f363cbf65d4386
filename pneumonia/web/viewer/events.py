"""JavaScript of the events of the page: what they hand to the scripts of the viewer, which the first film loads."""

from __future__ import annotations

_IMPORT = 'const viewer = await import(new URL("viewer/viewer.js", document.baseURI).href);'

SHOW = f"""async (view, values, answered) => {{
  if (view && (!answered || view.film !== answered.film)) return;
  if (!("DecompressionStream" in window) || (!view && !document.querySelector("#film-viewer[data-drawn-by]"))) return;
  {_IMPORT}
  await viewer.show(view && JSON.parse(view.description), values);
}}"""
"""(`film_view.sent_description`, file with the values, film of the answer) -> shows the film.

An old browser keeps the preview. A film that is not that of the answer is not shown: two films may have been dropped
one after the other.
"""

SET_MAP = f"""async (map) => {{
  if (!document.querySelector("#film-viewer[data-drawn-by]")) return;
  {_IMPORT}
  viewer.setMap(map);
}}"""
"""(activation map, or null) -> draws it over the film."""
