"""ASGI middleware and settings around Gradio's server: routes, limits, login, log, retention, shutdown."""
