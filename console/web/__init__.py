"""The console's ASGI app: `python -m uvicorn --factory console.web:create_app`."""

from console.web.app import create_app

__all__ = ["create_app"]
