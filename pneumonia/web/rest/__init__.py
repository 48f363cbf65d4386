"""REST API: `/api/v1/...` for programs of other systems, on the same ASGI application as the page (docs/rest.md)."""
