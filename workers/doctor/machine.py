"""What this machine offers: room on its disks, open files, time zones, versions. Each is measured, then judged."""

from __future__ import annotations

import os
import platform
import re
import resource
import tempfile
import zoneinfo
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tzdata import IANA_VERSION

from workers.doctor.findings import ClockReading, Finding, fail, ok, warn
from workers.settings import Settings

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 13)
FULL, NEARLY_FULL = 200 << 20, 2 << 30  # bytes left; a ledger of a million contacts takes about 1 GB
FEW_INODES = 1_000
FILES_OF_A_PROCESS, FILES_OF_AN_ACCOUNT = 200, 100  # a store's connections, logs, Redis; requests under way
ZONES_NEEDED = ("America/New_York", "Europe/Moscow", "Asia/Kolkata", "UTC")
OLD_ZONES_YEARS = 2
BEHIND_SECONDS, WRONG_SECONDS = 2.0, 30.0


def versions(_settings: Settings) -> Iterator[Finding]:
    """Python's, ours and Celery's."""
    running = tuple(int(part) for part in platform.python_version_tuple()[:2])
    yield judged_versions(running, {name: _version(name) for name in ("campaign-dialer", "celery")})


def judged_versions(python: tuple[int, ...], packages: dict[str, str | None]) -> Finding:
    """Whether this Python is one that we are for, and every package there."""
    missing = [name for name, found in packages.items() if found is None]
    shown = ", ".join(f"{name} {found}" for name, found in packages.items() if found)
    says = f"Python {platform.python_version()}, {shown}"
    if python < OLDEST_PYTHON:
        return fail("versions", f"{says}: this Python is too old", "install Python 3.11, 3.12 or 3.13")
    if missing:
        return fail("versions", f"not installed: {', '.join(missing)}", "install the dialer anew: docs/releases.md")
    if python > NEWEST_PYTHON:
        return warn("versions", f"{says}: it was not tried with this Python", "use Python 3.11, 3.12 or 3.13")
    return ok("versions", says)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def disk(settings: Settings) -> Iterator[Finding]:
    """The room for the ledger, logs and reports; and for the temporary files of lists, where that is another disk."""
    folders = [_nearest(settings.data_dir.absolute()), Path(tempfile.gettempdir())]
    yield from judged_disks([(str(folder), folder.stat().st_dev, os.statvfs(folder)) for folder in folders])


def judged_disks(disks: Iterable[tuple[str, int, os.statvfs_result]]) -> Iterator[Finding]:
    """The folders of each disk, and how full it is; a disk counts once."""
    known: set[int] = set()
    rooms = []
    for folder, device, room in disks:
        if device in known:
            continue
        known.add(device)
        free = room.f_bavail * room.f_frsize
        few_inodes = bool(room.f_files) and room.f_favail < FEW_INODES
        says = f"{folder}: {free / (1 << 30):,.1f} GB free"
        if few_inodes:
            yield fail("disk", f"{folder}: {room.f_favail:,} more files fit there", "remove files there")
        elif free < FULL:
            yield fail("disk", says, "make room: a full disk stops every campaign")
        elif free < NEARLY_FULL:
            yield warn("disk", says, "make room there, or set data_dir to a folder on a larger disk")
        else:
            rooms.append(says)
    if rooms:
        yield ok("disk", "; ".join(rooms))


def _nearest(folder: Path) -> Path:
    """The folder, or the one in which it will be made."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def open_files(settings: Settings) -> Iterator[Finding]:
    """How many files and connections a program that is started from here may have open."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield judged_open_files(soft, settings)


def judged_open_files(limit: int, settings: Settings) -> Finding:
    """Whether a worker with these threads and accounts has enough."""
    needed = FILES_OF_A_PROCESS + FILES_OF_AN_ACCOUNT * max(1, len(settings.accounts)) + settings.worker.threads
    if limit != resource.RLIM_INFINITY and limit < needed:
        says = f"{limit:,} may be open; a worker with these settings may need {needed:,}"
        return fail("open files", says, f"raise it: ulimit -n {2 * needed}, or LimitNOFILE= of a systemd unit")
    allowed = "any number" if limit == resource.RLIM_INFINITY else f"{limit:,}"
    return ok("open files", f"{allowed} may be open; a worker needs up to {needed:,}")


def time_zones(_settings: Settings) -> Iterator[Finding]:
    """Whether the data of time zones is there, and not years old: windows are kept in the contact's own zone."""
    update = "install the system's tzdata anew, or: pip install --upgrade tzdata"
    for name in ZONES_NEEDED:
        try:
            zoneinfo.ZoneInfo.no_cache(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            yield fail("time zones", f"{name} cannot be read", update)
            return
    year = re.match(r"\d{4}", release := zone_release())
    if year and int(IANA_VERSION[:4]) - int(year[0]) >= OLD_ZONES_YEARS:
        yield warn("time zones", f"the system's data is of {release}; laws have changed since", update)
    else:
        yield ok("time zones", f"{release or 'the data'} can be read")


def zone_release() -> str:
    """The release of the data in use, such as 2026a, the system's before the package's; blank where it names none."""
    for place in zoneinfo.TZPATH:
        if Path(place, "UTC").exists():
            try:
                with Path(place, "tzdata.zi").open(encoding="utf-8") as data:
                    return data.readline().removeprefix("# version ").strip()
            except (OSError, UnicodeError):
                return ""
    return str(IANA_VERSION)


def clocks(readings: Iterable[ClockReading]) -> Finding:
    """This machine's clock beside those that others showed."""
    readings = list(readings)
    if not readings:
        return warn("clocks", "no other clock could be asked", "mend what does not answer")
    shown = ", ".join(f"{one.clock} {one.ahead:+.1f} s" for one in readings)
    off = max(max(0.0, abs(one.ahead) - one.uncertain) for one in readings)
    remedy = "set the clocks by NTP: timedatectl set-ntp true, on the machine whose clock is wrong"
    if off >= WRONG_SECONDS:
        return fail("clocks", f"beside this machine's: {shown}", remedy)
    if off >= BEHIND_SECONDS:
        return warn("clocks", f"beside this machine's: {shown}", remedy)
    return ok("clocks", f"beside this machine's: {shown}")
