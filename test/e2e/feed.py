# SPDX-License-Identifier: MIT
"""feed: a client of the broker's protocol, of the simulated broker's and of ours: the same bytes mean
the same to both."""
import asyncio
import json
import urllib.parse

import websockets

from base import until
from recording import decode
from rest import http, loads
from ws import ws_connect

PATH = "/v3/feed/market-data-feed"


async def authorize(address, token=None):
    """The one-use URI that authorize gives: (address, path with its query)."""
    headers = (f"Authorization: Bearer {token}",) if token else ()
    r = await http(address, PATH + "/authorize", headers=headers)
    d = r.data()
    assert d["authorized_redirect_uri"] == d["authorizedRedirectUri"], d
    return split(d["authorizedRedirectUri"])


def split(uri):
    u = urllib.parse.urlsplit(uri)
    return (u.hostname, u.port), f"{u.path}?{u.query}"


async def sim_token(s):
    r = await http(s.sim, "/accounts/agnidata001/token")
    return loads(r.body)["access_token"]


class Feed:
    """Keeps every message, decoded as proto3 JSON has it (numbers as text, enums as numbers)."""

    def __init__(self):
        self.messages, self.closed = [], None

    async def open(self, address, path=PATH, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else None
        self.ws = await ws_connect(address, path, headers=headers)
        self.reading = asyncio.create_task(self._read())
        return self

    async def _read(self):
        try:
            while True:
                raw = await self.ws.recv()
                assert isinstance(raw, bytes), f"a text frame: {raw}"
                self.messages.append(decode("FeedResponse", raw))
        except websockets.ConnectionClosed as e:
            self.closed = e.rcvd.code if e.rcvd else 1006

    async def ask(self, method, keys, mode=None):
        data = {"instrumentKeys": list(keys), **({"mode": mode} if mode else {})}
        request = {"guid": "g", "method": method, "data": data}
        await self.ws.send(json.dumps(request).encode())

    def data(self):
        """Messages that are no market_info."""
        return [m for m in self.messages if m.get("type") != "2"]

    def feeds(self):
        """(key, entry) of all of them, in order."""
        return [e for m in self.data() for e in m.get("feeds", {}).items()]

    async def wait(self, condition, limit, what):
        def look():
            assert self.closed is None, f"closed with {self.closed}, before: {what}"
            return condition()
        return await until(look, limit, what)

    async def close(self):
        await self.ws.close()
        self.reading.cancel()
