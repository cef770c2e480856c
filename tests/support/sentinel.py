"""What a real Sentinel is told of the server that it watches."""

from __future__ import annotations

from pathlib import Path

MASTER = "dialer"  # what it calls the server that takes writes


def write_config(folder: Path, *, port: int, watched: int, password: str = "") -> Path:
    """The file for a Sentinel at `port` that watches the server at `watched`; it writes down there what it learns."""
    config = folder / "sentinel.conf"
    secret = f"sentinel auth-pass {MASTER} {password}\n" if password else ""
    config.write_text(
        f"port {port}\ndir {folder}\nsentinel monitor {MASTER} 127.0.0.1 {watched} 1\n{secret}"
        f"sentinel down-after-milliseconds {MASTER} 500\nsentinel failover-timeout {MASTER} 2000\n"
    )
    return config
