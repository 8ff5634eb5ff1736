# SPDX-License-Identifier: MIT
"""The page at "/" in a real browser: rows appear, prices change, and trouble is shown."""
import signal

from browser import Browser

LAST = "JSON.stringify([...document.querySelectorAll('#rows tr')].map(r => r.cells[1].textContent))"


async def test_browser_page(t):
    b = Browser(t)
    try:
        s = await t.server({"upstream.backoff_min_ms": "50", "upstream.forbidden_retry_s": "1"})
        await s.live()
        await b.start()
        await b.open(f"http://127.0.0.1:{s.http[1]}/")
        await b.wait("document.querySelectorAll('#rows tr').length == 39", 10, "39 rows")
        before = await b.value(LAST)
        assert '""' not in before, f"a row without a price: {before}"
        await b.wait(f"{LAST} != {before!r}", 10, "a price changes")
        await b.wait("document.querySelector('td.up, td.down') != null", 10, "a coloured change")
        state = "document.getElementById('state')"
        assert await b.value(state + ".className") == "live"
        assert "sim" in await b.value("document.getElementById('source').textContent")
        assert not b.complaints, b.complaints
        await s.fault("forbidden")
        await s.fault("drop")
        await b.wait(state + ".className == 'stale'", 5, "the page says that prices are stale")
        await b.wait(state + ".textContent.includes('403')", 5, "the page says why")
        assert await b.value("document.querySelectorAll('#rows tr.stale').length") == 39
        await s.fault("allowed")
        await b.wait(state + ".className == 'live'", 10, "the page is live again")
        await b.wait(f"{LAST} != {(await b.value(LAST))!r}", 10, "prices change again")
        assert not b.complaints, b.complaints
        await s.stop()
        await b.wait(state + ".textContent == 'not connected'", 10, "the page notices the end")
    finally:
        await b.stop()


async def test_browser_silence(t):
    """A server that hangs keeps its sockets open: the page must not call its last prices live."""
    b = Browser(t)
    try:
        s = await t.server({"stream.heartbeat_s": "1"})
        await s.live()
        await b.start()
        await b.open(f"http://127.0.0.1:{s.http[1]}/")
        state = "document.getElementById('state')"
        await b.wait("document.querySelectorAll('#rows tr').length == 39", 10, "39 rows")
        await b.wait(state + ".className == 'live'", 10, "the page is live")
        s.process.send_signal(signal.SIGSTOP)
        try:
            await b.wait(state + ".textContent == 'not connected'", 15, "the silence is noticed")
            assert await b.value("document.querySelectorAll('#rows tr.stale').length") == 39
        finally:
            s.process.send_signal(signal.SIGCONT)
        await b.wait(state + ".className == 'live'", 30, "the page is live again")
    finally:
        await b.stop()
