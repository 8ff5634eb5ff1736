# SPDX-License-Identifier: MIT
"""A program written for the broker's Python SDK, pointed here by the very lines of docs/upstox-compatible.md.

    sdk_client.py FOLDER http://127.0.0.1:8000 ws://127.0.0.1:8080 TOKEN

FOLDER holds the package upstox_client; "" where it is installed. Commands come as lines of JSON on standard
input ({"do":"subscribe","keys":[...],"mode":"full"}), what the SDK says goes out the same way: sdk_client.js is
its sister."""
import json
import os
import re
import sys
import threading

folder, rest, feed, token = sys.argv[1:]
sys.path[:0] = [folder] if folder else []
DOC = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "upstox-compatible.md")
lines = re.search(r"```python\n(.*?)```", open(DOC, encoding="utf-8").read(), re.S).group(1)
for there, here in (("http://127.0.0.1:8000", rest), ("ws://127.0.0.1:8080", feed), ("agni_...", token)):
    assert there in lines, there
    lines = lines.replace(there, here)
exec(lines)  # upstox_client, cfg
client = upstox_client.ApiClient(cfg)
lock = threading.Lock()


def say(event, data=None):
    with lock:
        print(json.dumps({"event": event, "data": data}), flush=True)


class Commands:
    streamer = None

    def connect(self, keys=None, mode=None):
        self.streamer = s = upstox_client.MarketDataStreamerV3(client, *([keys, mode] if keys else []))
        s.on("open", lambda *a: say("open"))
        s.on("close", lambda *a: say("close", str(a)))
        for name in ("reconnecting", "autoReconnectStopped", "error"):
            s.on(name, lambda text, name=name: say(name, str(text)))
        s.on("message", lambda m: say("message", m))
        s.connect()

    def subscribe(self, keys, mode):
        self.streamer.subscribe(keys, mode)

    def unsubscribe(self, keys):
        self.streamer.unsubscribe(keys)

    def changeMode(self, keys, mode):
        self.streamer.change_mode(keys, mode)

    def disconnect(self):
        self.streamer.disconnect()

    def call(self, api, method, args):
        """A REST call: class, method, and its arguments, the last a dictionary of the named ones."""
        try:
            answer = getattr(getattr(upstox_client, api)(client), method)(*args[:-1], **args[-1])
            say("answer", {"error": None, "data": client.sanitize_for_serialization(answer)})
        except upstox_client.rest.ApiException as e:
            say("answer", {"error": json.loads(e.body), "data": None})


commands = Commands()
say("ready")
for line in sys.stdin:
    c = json.loads(line)
    getattr(commands, c.pop("do"))(**c)
os._exit(0)  # the SDK's threads go on otherwise
