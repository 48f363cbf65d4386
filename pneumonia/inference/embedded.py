"""Trust anchors of the embedded bundles: the sha256 of their `config.json` by population.

`python -m pneumonia.evaluation.release` writes them.
"""

CONFIG_SHA256 = {
    "children": "92213c09d5ffb6a2394ed8c8a192e883392a36d4013479fc00a349a8f4a135e1",
    "adults": "b7690de392bf0df61387f2511f4abda13155a48fffd5abff7c0c151f2c39451f",
}
