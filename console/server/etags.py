"""ETags: of what a reply says, and of the version of what it is about, which a change may be made to depend on."""

from __future__ import annotations

import re
from hashlib import blake2b

from fastapi import Response

CLOCKS = re.compile(rb'"local_time":"[^"]*"')  # what a clock shows by now changes nothing
JSON = "application/json"
OF_BODY = "~"  # between the version and the hash of the body


def unless_seen(if_none_match: str | None, response: Response) -> Response:
    """The reply with an ETag of all that it says; 304 without a body where the caller has seen just that."""
    body = getattr(response, "body", None)
    if not isinstance(body, bytes) or response.headers.get("content-type") != JSON:
        return response
    version = response.headers.get("etag", "").strip('"')
    tag = f'"{version}{OF_BODY}{blake2b(CLOCKS.sub(b"", body), digest_size=8).hexdigest()}"'
    response.headers["ETag"] = tag
    if if_none_match is None or not {"*", tag} & {one.strip().removeprefix("W/") for one in if_none_match.split(",")}:
        return response
    return Response(status_code=304, headers={"ETag": tag})


def versions_of(if_match: str | None) -> list[str] | None:
    """The versions in a header If-Match; None where any will do."""
    if if_match is None or if_match.strip() == "*":
        return None
    return [tag.strip().strip('"').partition(OF_BODY)[0] for tag in if_match.split(",")]
