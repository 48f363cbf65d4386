"""Generated hostile files. Each must give a prediction or a `FilmError`, within limits of memory and time.

`python -m tests.hostile` runs them through the predictor; `python -m tests.hostile.fuzz` searches for new ones.
"""
