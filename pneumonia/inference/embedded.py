"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "2f8a0811bb2d4c229eb5d0c0b394b7d09fb3536de148f8f117a6977a0267d2f7",
    "adults": "287506639b5241f53f37ca448d59eba73bd2547994503aefd840338059a62117",
}
