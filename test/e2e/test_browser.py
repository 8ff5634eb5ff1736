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
        await b.wait("document.querySelectorAll('#rows tr').length == 41", 10, "41 rows")
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
        assert await b.value("document.querySelectorAll('#rows tr.stale').length") == 41
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
        await b.wait("document.querySelectorAll('#rows tr').length == 41", 10, "41 rows")
        await b.wait(state + ".className == 'live'", 10, "the page is live")
        s.process.send_signal(signal.SIGSTOP)
        try:
            await b.wait(state + ".textContent == 'not connected'", 15, "the silence is noticed")
            assert await b.value("document.querySelectorAll('#rows tr.stale').length") == 41
        finally:
            s.process.send_signal(signal.SIGCONT)
        await b.wait(state + ".className == 'live'", 30, "the page is live again")
    finally:
        await b.stop()


async def test_browser_page_with_a_key(t):
    """Where keys are asked for, the page asks for one, and says what is wrong with it."""
    b = Browser(t)
    try:
        key = await t.key("--role", "viewer", "--name", "page", "--scope", "NSE_INDEX|*")
        s = await t.server()
        await b.start()
        await b.open(f"http://127.0.0.1:{s.http[1]}/")
        await b.wait("document.getElementById('door')?.hidden === false", 10, "the form")
        assert await b.value("document.querySelectorAll('#rows tr').length") == 0
        refusal = "document.getElementById('refusal').textContent"
        assert await b.value(refusal) == ""

        async def enter(text):
            await b.value(f"document.getElementById('key').value = {text!r}")
            await b.value("document.querySelector('#door button').click()")
        await enter("agni_nonsense")
        await b.wait(refusal + ".includes('no API key')", 10, "what is wrong")
        await enter(key)
        rows = "document.querySelectorAll('#rows tr')"
        await b.wait(rows + ".length > 0", 10, "rows")
        await b.wait("document.getElementById('state').className == 'live'", 10, "it is live")
        await b.wait(f"{LAST} != {(await b.value(LAST))!r}", 10, "prices change")
        names = await b.value(f"JSON.stringify([...{rows}].map(r => r.cells[0].textContent))")
        assert "NSE_INDEX|" in names and "NSE_FO|" not in names, names
        assert await b.value("document.getElementById('door').hidden")
        # The key is nowhere but in the page's memory.
        assert await b.value("location.href + document.cookie + JSON.stringify(localStorage)"
                             " + JSON.stringify(sessionStorage)") == \
            f"http://127.0.0.1:{s.http[1]}/{{}}{{}}"
        await t.key_command("revoke", "page")
        await s.reload()
        await b.wait("document.getElementById('door')?.hidden === false", 15, "the form again")
    finally:
        await b.stop()
