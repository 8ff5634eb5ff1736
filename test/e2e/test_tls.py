# SPDX-License-Identifier: MIT
"""Both listeners behind TLS, met with the tools that people use: openssl, curl, Python's websockets;
and certificates that are wrong, or change under load."""
import asyncio
import os
import re
import shutil
import signal
import ssl

from lib import SLOW, exchange, run_binary, until, upgrade, want_program

NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


class Tls:
    """Certificates of a test: an authority, and "good", "next" and "other" (for another name). What
    the server is given are copies called own.pem and own.key."""

    def __init__(self, t):
        want_program("openssl")
        self.dir = os.path.join(t.folder, "tls")
        os.makedirs(self.dir)
        self.cert, self.key, self.ca = (self.path(n) for n in ("own.pem", "own.key", "ca.pem"))
        self.sets = {f"{section}.tls_{kind}": path for section in ("http", "stream")
                     for kind, path in (("cert", self.cert), ("key", self.key))}

    def path(self, name):
        return os.path.join(self.dir, name)

    async def make(self):
        await self.shell(f"openssl req -x509 {NEW_KEY} -keyout ca.key -out ca.pem -days 2 "
                         "-subj /CN=ca -addext keyUsage=critical,keyCertSign,cRLSign")
        for name, san in (("good", "DNS:localhost,IP:127.0.0.1"),
                          ("next", "DNS:localhost,IP:127.0.0.1"), ("other", "DNS:other.test")):
            await self.shell(
                f"openssl req {NEW_KEY} -keyout {name}.key -out csr -subj /CN={name} && "
                f"printf 'subjectAltName={san}\\nauthorityKeyIdentifier=keyid\\n' >ext && "
                "openssl x509 -req -in csr -CA ca.pem "
                f"-CAkey ca.key -CAcreateserial -days 2 -extfile ext -out {name}.pem")
        self.use("good")
        return self

    def use(self, cert, key=None):
        shutil.copy(self.path(cert + ".pem"), self.cert)
        shutil.copy(self.path((key or cert) + ".key"), self.key)

    async def shell(self, script, code=0):
        p = await asyncio.create_subprocess_shell(
            script, cwd=self.dir, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
        out, _ = await asyncio.wait_for(p.communicate(), 30 * SLOW)
        out = out.decode(errors="replace")
        assert code is None or p.returncode == code, f"{script}: {p.returncode}: {out}"
        return out

    def context(self):
        return ssl.create_default_context(cafile=self.ca)

    async def server_name(self, address):
        """The name in the certificate that new connections are shown."""
        out = await self.shell(f"openssl s_client -connect {address[0]}:{address[1]} -CAfile ca.pem"
                               " </dev/null", code=None)
        return re.search(r"subject=CN = ?(\w+)|subject=CN=(\w+)", out)[0].split("=")[-1].strip()


async def secure_server(t, **sets):
    tls = await Tls(t).make()
    return tls, await t.server({**tls.sets, **sets})


async def test_tls_addresses(t):
    """What is printed at the start can be clicked on."""
    tls, s = await secure_server(t)
    assert s.find(rf"  page     https://127.0.0.1:{s.http[1]}/$")
    assert s.find(rf"  health   https://127.0.0.1:{s.http[1]}/health$")
    assert s.find(rf"  ticks    wss://127.0.0.1:{s.ws[1]}/ws$")
    out = await tls.shell(f"curl -sS --cacert ca.pem https://127.0.0.1:{s.http[1]}/page.json")
    assert '"ws_tls":true' in out, out


async def test_tls_versions(t):
    """1.0 and 1.1 are refused, 1.2 is taken, 1.3 where the library has it."""
    tls, s = await secure_server(t)
    for port in (s.http[1], s.ws[1]):
        for version in ("tls1", "tls1_1"):
            out = await tls.shell(
                f"openssl s_client -connect 127.0.0.1:{port} -{version} -cipher ALL:@SECLEVEL=0 "
                "-CAfile ca.pem </dev/null", code=1)
            assert "alert protocol version" in out and "Cipher is (NONE)" in out, out
        out = await tls.shell(f"openssl s_client -connect 127.0.0.1:{port} -tls1_2 -CAfile ca.pem "
                              "-alpn http/1.1 -verify_return_error </dev/null")
        assert re.search(r"New, TLSv1.2, Cipher is ECDHE-ECDSA-\S+(GCM|POLY1305)", out), out
        assert "Verify return code: 0 (ok)" in out and "ALPN protocol: http/1.1" in out, out
        # Neither block ciphers nor a key exchange that a stolen key opens later.
        for cipher in ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"):
            out = await tls.shell(f"openssl s_client -connect 127.0.0.1:{port} -tls1_2 "
                                  f"-cipher {cipher}:@SECLEVEL=0 </dev/null", code=1)
            assert "alert handshake failure" in out, out
        out = await tls.shell(f"openssl s_client -connect 127.0.0.1:{port} -tls1_3 "
                              "-CAfile ca.pem -verify_return_error </dev/null", code=None)
        assert re.search("New, TLSv1.3, Cipher is TLS_|alert handshake failure|"
                         "alert protocol version", out), out
    assert (await tls.shell(f"openssl s_client -connect 127.0.0.1:{s.ws[1]} -tls1_3 </dev/null",
                            code=None)).count("New, TLSv1.3") > 0


async def test_tls_curl(t):
    want_program("curl")
    tls, s = await secure_server(t)
    await until(lambda: s.find("-> live"), 15, "the feed is live")
    url = f"https://localhost:{s.http[1]}"
    out = await tls.shell(f"curl -sS --cacert ca.pem {url}/health {url}/health")
    assert out.count('"service":"agnidata"') == 2, out
    out = await tls.shell(f"curl -sS --cacert ca.pem -o all -w '%{{size_download}}' {url}/quotes")
    assert int(out) == os.path.getsize(tls.path("all")) > 1000
    out = await tls.shell(f"curl -sS {url}/health", code=60)  # who does not know the authority
    assert "certificate" in out, out
    out = await tls.shell(f"curl -sS --cacert ca.pem --tls-max 1.1 {url}/health", code=None)
    assert "health" not in out.replace("/health", ""), out
    out = await tls.shell(f"curl -sS http://localhost:{s.http[1]}/health")
    assert '"code":"tls_required"' in out, out


async def test_tls_websockets(t):
    """A client of the Python library over wss, and one that does not know the authority."""
    tls, s = await secure_server(t)
    c = await t.client(s, ssl=tls.context())
    await c.subscribe(["NSE_INDEX|Nifty 50"])
    await until(lambda: c.frames >= 5, 10, "five frames")
    try:
        await t.client(s, ssl=ssl.create_default_context())
        raise AssertionError("an unknown authority is trusted")
    except ssl.SSLCertVerificationError:
        t.clients.pop()


async def test_tls_wrong_guests(t):
    """Plain HTTP, a plain WebSocket, garbage, and somebody who says nothing, on both ports; those
    who behave are served meanwhile. A handshake has ten seconds in all."""
    tls, s = await secure_server(t, **{"http.header_timeout_ms": "1000"})
    assert b'"code":"tls_required"' in await exchange(s.http, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    silent = [await asyncio.open_connection(*address) for address in (s.http, s.ws)]
    for bytes_ in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", upgrade(), b"\x16\x03\x01\xff\xffxxxx",
                   b"\0" * 100, b"\x16\x03\x03\x00\x05\x01\x00\x00\x01\x00", b"\xff" * 70000):
        for address in (s.http, s.ws):
            try:
                answer = await exchange(address, bytes_, limit=15)
            except AssertionError as e:
                assert "the connection broke" in str(e), e
                continue
            assert b"200 OK" not in answer and b"101 " not in answer, answer
    c = await t.client(s, ssl=tls.context())
    await c.subscribe(["NSE_INDEX|Nifty 50"])
    await until(lambda: c.frames >= 2, 10, "frames")
    for reader, writer in silent:
        assert await asyncio.wait_for(reader.read(), 15 * SLOW) == b""
        writer.close()
    assert not s.find(" ERROR ")


async def test_tls_files_that_are_wrong(t):
    """One clear line, and exit code 2; --check finds it too."""
    tls = await Tls(t).make()
    await tls.shell("openssl pkcs8 -topk8 -v2 aes128 -passout pass:x -in good.key -out locked.key; "
                    "echo nonsense >nonsense.pem")
    for section in ("http", "stream"):
        for cert, key, why in (
                ("absent.pem", "good.key", "absent.pem cannot be read: no such file"),
                ("good.pem", "absent.key", "absent.key cannot be read: no such file"),
                ("", "good.key", f"{section}.tls_key is set, {section}.tls_cert is not"),
                ("good.pem", "", f"{section}.tls_cert is set, {section}.tls_key is not"),
                ("nonsense.pem", "good.key", "nonsense.pem holds no certificate in PEM form"),
                ("good.pem", "nonsense.pem", "nonsense.pem holds no RSA or ECDSA key"),
                ("good.pem", "locked.key", "locked.key needs a password"),
                ("good.pem", "other.key", "other.key is not that of the certificate in")):
            for check in ([], ["--check"]):
                rc, out, err = await run_binary(
                    *check, "--set", "http.listen=127.0.0.1:0", "--set",
                    "stream.listen=127.0.0.1:0", "--set", f"server.data_dir={t.folder}/var",
                    "--set", f"{section}.tls_cert={cert and tls.path(cert)}", "--set",
                    f"{section}.tls_key={key and tls.path(key)}")
                assert (rc, out) == (2, "") and len(err.splitlines()) == 1, (rc, out, err)
                assert why in err and f"{section}.tls_" in err, err
    if os.getuid() != 0:
        os.chmod(tls.path("good.key"), 0)
        rc, _, err = await run_binary("--check", "--set", f"http.tls_cert={tls.path('good.pem')}",
                                      "--set", f"http.tls_key={tls.path('good.key')}")
        assert rc == 2 and "permission denied" in err, err


async def reload(s, pattern):
    before = len(s.log)
    s.process.send_signal(signal.SIGHUP)
    return await s.logged(pattern, 10, before)


async def test_tls_reload(t):
    """A new certificate on SIGHUP, on both listeners, with nobody disconnected; a bad one is one
    line, and the old one stays."""
    tls, s = await secure_server(t)
    c = await t.client(s, ssl=tls.context())
    await c.subscribe(["NSE_INDEX|Nifty 50"])
    reader, writer = await asyncio.open_connection(*s.http, ssl=tls.context(),
                                                   server_hostname="localhost")

    async def ask():
        writer.write(b"GET /page.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        await reader.readexactly(int(re.search(rb"Content-Length: (\d+)", head)[1]))

    async def check(name):
        for address in (s.http, s.ws):
            assert await tls.server_name(address) == name
        await ask()
        frames = c.frames
        await until(lambda: c.frames > frames + 1, 10, "frames go on")
        c.check()

    await check("good")
    tls.use("next")
    await reload(s, r"INFO  stream: certificate read from .*own\.pem$")
    assert s.find(r"INFO  api: certificate read from .*own\.pem$")
    await check("next")
    for breaking, why in (
            (lambda: tls.use("other", "good"), "own.key is not that of the certificate"),
            (lambda: open(tls.cert, "w").close(), "own.pem holds no certificate"),
            (lambda: os.unlink(tls.cert), "own.pem cannot be read: no such file")):
        breaking()
        before = len(s.log)
        await reload(s, "ERROR stream: the certificate stays as it was: .*" + why)
        await s.logged("reload: changed", 5, before)
        errors = [line for line in s.log[before:] if " ERROR " in line]
        assert len(errors) == 2 and "ERROR api: the certificate stays as it was" in errors[0]
        await check("next")
    tls.use("good")
    await reload(s, "INFO  stream: certificate read")
    await check("good")
    writer.close()


async def test_tls_reload_under_load(t):
    """Twenty reloads while clients read and others come and go: no connection is lost, none fails."""
    tls, s = await secure_server(t)
    clients = [await t.client(s, ssl=tls.context()) for _ in range(20)]
    for c in clients:
        await c.subscribe(["NSE_INDEX|Nifty 50", "NSE_INDEX|Nifty Bank"])
    is_over, calls = False, [0]

    async def come_and_go():
        while not is_over:
            reader, writer = await asyncio.open_connection(*s.http, ssl=tls.context(),
                                                           server_hostname="localhost")
            writer.write(b"GET /page.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()
            calls[0] += 1
    guests = [asyncio.create_task(come_and_go()) for _ in range(3)]
    for i in range(20):
        tls.use(("next", "good")[i % 2])
        await reload(s, "INFO  stream: certificate read")
    is_over = True
    await asyncio.gather(*guests)
    assert calls[0] > 0
    for c in clients:
        c.check()
        assert c.closed is None, c.closed
        frames = c.frames
        await until(lambda: c.frames > frames, 10, "frames go on")
    assert not s.find(" ERROR ")
