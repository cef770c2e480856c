"""`make containers`: install what is needed, make the images, run the drill, and write what it showed."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from tests.containers import images
from tests.containers.drill import PARTS, out
from tests.containers.engine import ROOT, CommandFailed, Engine
from tests.containers.packages import CannotRunHere, require
from tests.containers.record import record

PREVIOUS = "18de8bf"


def main() -> int:
    """0 when all was as promised, 1 when something was not, 2 where containers cannot be run."""
    asked = argparse.ArgumentParser(prog="make containers")
    asked.add_argument("--folder", type=Path, default=ROOT / ".containers", help="where everything is kept meanwhile")
    asked.add_argument("--previous", default=PREVIOUS, help="the commit of the version before")
    asked.add_argument("--people", type=int, default=250, help="contacts of each of the two campaigns")
    asked.add_argument("--only", choices=PARTS, help="the upgrade alone, or scaling, kills and the restart alone")
    asked.add_argument("--keep", action="store_true", help="leave the folder: the next run finds its images")
    asked.add_argument("--record", action="store_true", help="write the table of docs/deploy.md")
    given = asked.parse_args()
    engine = Engine(given.folder.resolve())
    try:
        require()
        engine.prepare()
        images.make(engine, given.previous, say=lambda what: out.print(f"making {what}"))
        began, parts = time.monotonic(), [given.only] if given.only else PARTS
        code = engine.alone("tests.containers.drill", str(engine.folder), str(given.people), *parts)
        out.print(f"{'as promised' if code == 0 else 'NOT as promised'}, {time.monotonic() - began:.0f} s")
        if given.record:
            record(json.loads((engine.folder / "steps.json").read_text()), given.previous)
        return code
    except CannotRunHere as exc:
        out.print(f"containers cannot be run here: {exc}", markup=False)
        return 2
    except CommandFailed as exc:
        out.print(str(exc), markup=False)
        return 1
    finally:
        if not given.keep:
            shutil.rmtree(engine.folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
