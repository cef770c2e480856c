"""The command line, `dialer`. Exit codes: 0 done, 1 problems found, 2 wrong use."""

from console.cli.app import main

__all__ = ["main"]
