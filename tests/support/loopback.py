"""HTTP to servers of this machine: no proxy, and no certificate authorities: to read those takes each client 15 ms."""

from __future__ import annotations

from functools import partial

import httpx

from tests.support.patience import PATIENCE

client = partial(httpx.Client, trust_env=False, verify=False, timeout=PATIENCE)
get = partial(httpx.get, trust_env=False, verify=False, timeout=PATIENCE)
post = partial(httpx.post, trust_env=False, verify=False, timeout=PATIENCE)
request = partial(httpx.request, trust_env=False, verify=False, timeout=PATIENCE)
