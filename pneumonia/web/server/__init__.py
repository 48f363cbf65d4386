"""The ASGI layers around the Gradio page: routes, limits, login, log, retention, shutdown."""
