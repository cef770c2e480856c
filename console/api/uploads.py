"""Files that programs upload: each arrives in a temporary file, whatever its size, and is put where it is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile

from console.server.body import put_upload

MAX_UPLOAD = 512 << 20
MAX_JSON = 8 << 20
MAX_ROWS = 20_000  # in JSON; more come as a file
LIST_PART = {"type": "string", "format": "binary", "description": "CSV or XLSX."}


def multipart_body(title: str, parts: Mapping[str, object], required: list[str]) -> dict[str, Any]:
    """The body of an upload as the OpenAPI document describes it; `parts` are schemas by their names."""
    schema: dict[str, object] = {"title": title, "type": "object", "required": required}
    schema |= {"additionalProperties": False, "properties": dict(parts)}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@contextmanager
def uploaded_file(sent: UploadFile) -> Iterator[Path]:
    """What was uploaded as a file, for as long as the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "list"
        put_upload(sent, file)
        yield file
