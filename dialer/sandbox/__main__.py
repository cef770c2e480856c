"""`python -m dialer.sandbox`: a sandbox in a process of its own, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dialer import log_setup
from dialer.log import get_logger
from dialer.sandbox.config import BadConfig, SandboxConfig, load_config
from dialer.sandbox.server import serve
from dialer.sandbox.vendors import VENDORS

DEFAULT_PORT = 8900

log = get_logger()


def options() -> argparse.ArgumentParser:
    """The command line: the fields of the config that matter from outside."""
    parser = argparse.ArgumentParser(prog="python -m dialer.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=DEFAULT_PORT)
    forms = ("json", "text")
    parser.add_argument("--log-format", choices=forms, help="Write a log, in this form; absent, a line for people.")
    parser.add_argument("--config", type=Path, help="YAML file with any of the config's keys; options win.")
    everything = SandboxConfig.model_fields["knows_all"].description
    parser.add_argument("--knows-all", action="store_true", default=argparse.SUPPRESS, help=everything)
    chosen = {
        "host": str,
        "speed": float,
        "seed": int,
        **{name: kind for vendor in VENDORS.values() for name, kind in vendor.options.items()},
        "shuffle": float,
        "duplicate": float,
        "loss": float,
        "latency": float,
    }
    for name, kind in chosen.items():
        description = SandboxConfig.model_fields[name].description
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=argparse.SUPPRESS, help=description)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Serve until told to stop; 2 where the options are wrong, 1 where the port is taken."""
    parser = options()
    given = vars(parser.parse_args(argv))
    if form := given.pop("log_format"):
        log_setup.set_up(form=form, process="sandbox", whole_process=True)
    try:
        config = load_config(given.pop("config"), **given)
    except BadConfig as exc:
        parser.error(str(exc))
    try:
        serve(config, ready=log_place if form else announce)
    except OSError as exc:
        place = f"{config.host}:{config.port}"
        if form:
            log.critical("the sandbox cannot listen", place=place, why=exc.strerror)
        else:
            sys.stderr.write(f"sandbox: cannot listen on {place}: {exc.strerror}\n")
        return 1
    return 0


def log_place(url: str) -> None:
    """Log where the sandbox listens."""
    log.info("the sandbox listens", url=url, vendors=[vendor.title for vendor in VENDORS.values()])


def announce(url: str) -> None:
    """Say where the sandbox listens."""
    places = ", ".join(f"{vendor.title} at {url}{vendor.base_path}" for vendor in VENDORS.values())
    sys.stdout.write(f"sandbox: {url} ({places})\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
