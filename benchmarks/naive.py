"""The usual Celery recipe for comparison: one task for each contact, `retry(countdown=…)` when something goes wrong.

Do not use it: `docs/benchmarks.md` says how many people it calls twice.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import httpx
from celery import Celery, Task

TRIES, WAIT_SECONDS, TIMEOUT = 5, 3, 2.0
TEXT = "This is a reminder of your appointment tomorrow."

app = Celery("naive", broker=os.environ.get("DIALER_REDIS__URL"))
app.conf.update(
    task_default_queue="calls",
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 20},
    imports=["benchmarks.naive"],
)


@app.task(bind=True, max_retries=TRIES, name="benchmarks.naive.call")  # type: ignore[untyped-decorator]
def call(self: Task, url: str, vendor: str, to: str) -> None:
    """Place one call; again after a while when the vendor did not say that it has it."""
    try:
        if vendor == "callgear":
            _callgear(url, to)
        else:
            _webex(url, to)
    except httpx.HTTPError as exc:
        raise self.retry(exc=exc, countdown=WAIT_SECONDS) from exc


@cache
def _client() -> httpx.Client:
    """One for each process: to build one takes longer than a request."""
    return httpx.Client(timeout=TIMEOUT, trust_env=False)


def _callgear(url: str, to: str) -> None:
    params: dict[str, Any] = {
        "access_token": "sandbox-key",
        "virtual_phone_number": "18005550100",
        "contact": to.removeprefix("+"),
        "contact_message": {"type": "tts", "value": TEXT},
    }
    body = {"jsonrpc": "2.0", "id": "1", "method": "start.informer_call", "params": params}
    _client().post(f"{url}/v4.0", json=body).raise_for_status()


def _webex(url: str, to: str) -> None:
    body = {
        "channel": "voice",
        "from": "+18005550100",
        "to": [{"msisdn": [to]}],
        "content": {
            "type": "TTS",
            "ttsProcessor": "Azure",
            "language": "en-US",
            "voice": "AriaNeural",
            "region": "US",
            "text": TEXT,
            "voiceType": "Neural",
            "gender": "female",
        },
    }
    headers = {"key": "sandbox-key"}
    reply = _client().post(f"{url}/v2/messages", json=body, headers=headers)
    if reply.status_code != httpx.codes.BAD_REQUEST:  # a number that is refused stays so
        reply.raise_for_status()
