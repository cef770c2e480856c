"""The codes with which Webex Connect refuses a voice request."""

from __future__ import annotations

from collections.abc import Mapping

# https://developers.webexconnect.io/reference/channel-specific-status-codes-1#voice, version 6.20.0
MESSAGES: Mapping[str, str] = {
    "7000": "Invalid JSON",
    "7003": "Mandatory parameter missing: {parameter}",
    "7004": "Invalid parameter: {parameter}",
    "7009": "Maximum number of destinations reached",
    "7020": "You have reached maximum transaction limit",
    "7101": "Invalid sender ID",
    "7102": "Invalid destination address",
    "7107": "Message length exceeded",
    "7127": "Source IP not in the allowed list",
    "9002": "The contact has not given consent",
}


class Fault(Exception):
    """A refused request; `parameter` names the field to blame, where the text has room for it."""

    def __init__(self, code: str, parameter: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.message = MESSAGES[code].format(parameter=parameter)

    def body(self) -> dict[str, str]:
        """The reply's JSON; the code is a string, as the vendor has it."""
        return {"code": self.code, "message": self.message}


def missing(parameter: str) -> Fault:
    """A mandatory parameter is not there."""
    return Fault("7003", parameter)


def invalid(parameter: str) -> Fault:
    """A parameter is not what the document allows."""
    return Fault("7004", parameter)
