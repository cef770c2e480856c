"""A small disk that can be filled: a file system of its own where we may mount one, else a limit on our processes."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MEGABYTES = 512


class Disk:
    """A folder. `full` is true to the kernel: nothing in it grows, whichever process asks."""

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted

    @contextmanager
    def full(self, pids: Iterable[int]) -> Iterator[None]:
        """No room for anybody; where nothing could be mounted, none for these processes."""
        if self.mounted:
            with self._filled():
                yield
            return
        limited = [pid for pid in pids if _limit(pid, 1)]
        yield
        for pid in limited:
            _limit(pid, resource.RLIM_INFINITY)

    @contextmanager
    def _filled(self) -> Iterator[None]:
        filler = self.folder / "filler"
        try:
            with filler.open("wb") as file:
                while free := shutil.disk_usage(self.folder).free:
                    with suppress(OSError):  # others write meanwhile
                        os.posix_fallocate(file.fileno(), file.tell(), free)
                    file.seek(0, os.SEEK_END)
            yield
        finally:
            filler.unlink(missing_ok=True)


def _limit(pid: int, most: int) -> bool:
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        return True
    return False


@contextmanager
def small(megabytes: int = MEGABYTES) -> Iterator[Disk]:
    """A disk of this size for as long as the block runs. Everybody may look into its folder."""
    folder = Path(tempfile.mkdtemp(prefix="dialer-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        folder.chmod(0o755)
        yield Disk(folder, mounted=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607  # Debian's, by its name
        shutil.rmtree(folder, ignore_errors=True)
