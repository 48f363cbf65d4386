"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "cf13666e9425d7001f2b5b2bb3e6bc1dcd6cbd8d9012d5da42879e4587cbd2d1",
}
