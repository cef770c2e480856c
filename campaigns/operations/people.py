"""The people who use the console, and what each of their roles allows."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody may do in the console. A person may have several; each of them may look at every page."""

    VIEWER = "viewer"  # look, and nothing else
    EDITOR = "editor"  # prepare, check, plan and rehearse campaigns; withdraw and suppress contacts
    SENDER = "sender"  # start, resume, pause, cancel, redial; test calls; what can be done with a call on the line
    ADMIN = "admin"  # all of it, and people, accounts, tokens, webhooks, erasure, retention
