"""Servers that run beside a test, in a thread of this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer

LOOKS_EVERY = 0.02  # seconds between two looks whether it is to end


@contextmanager
def beside(server: BaseServer) -> Iterator[int]:
    """Serve for as long as the block runs; gives the port. The server is closed afterwards."""
    thread = threading.Thread(target=server.serve_forever, args=(LOOKS_EVERY,))
    with server:
        thread.start()
        try:
            yield server.server_address[1]  # type: ignore[misc]  # all of ours listen on TCP
        finally:
            server.shutdown()
            thread.join()
