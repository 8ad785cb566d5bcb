"""tinyproxy and microsocks between echo_client and echo_server, and a server that redirects.

The proxies run with configurations of their own, without privileges, on loopback. Run as
`python proxy_peer.py` with NETDRIVER_EXAMPLES set to the folder of the examples.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
import sys
import tempfile

from harness import STARTUP_SECONDS, Checks, EchoServer, Program, expect, expect_equal, wait_until

CONFIGURATION = """
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 20
LogFile "{folder}/tinyproxy.log"
LogLevel Connect
{more}
"""


def free_port():
    """A port that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def running(command, port):
    """A proxy, from the moment at which it takes connections."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet)

    def answers():
        if process.poll() is not None:
            sys.exit(f"{command[0]} ended at once")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, STARTUP_SECONDS, command[0])
        yield port
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def tinyproxy(folder, more=""):
    """An HTTP proxy."""
    port = free_port()
    path = f"{folder}/tinyproxy.conf"
    with open(path, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(port=port, folder=folder, more=more))
    with running(["tinyproxy", "-d", "-c", path], port):
        yield port


def microsocks(*arguments):
    """A SOCKS5 proxy."""
    port = free_port()
    return running(["microsocks", "-i", "127.0.0.1", "-p", str(port), *arguments], port)


def make_certificate(folder):
    """A certificate that signs itself, for 127.0.0.1 and localhost."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", "2", "-subj", "/CN=netdriver test"]
        + ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        + ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
        capture_output=True,
        check=True,
    )


def echo(url, *arguments):
    """Runs echo_client to its end; returns its exit code and what it wrote."""
    program = Program("echo_client", url, "--count", 20, "--seconds", 10, *arguments)
    code = program.finish(15.0)
    return code, program.log()


def expect_echoes(url, *arguments):
    code, log = echo(url, *arguments)
    expect_equal(code, 0, f"exit code ({log[-300:]})")


def expect_refusal(words, url, *arguments):
    code, log = echo(url, *arguments)
    expect(code != 0, "the client got through")
    expect(words in log, f"no {words!r} in {log[-300:]!r}")


def an_http_proxy_opens_a_way(urls, folder, tls):
    with tinyproxy(folder) as port:
        for url in urls:
            expect_echoes(url, "--proxy", f"http://127.0.0.1:{port}", *tls)
            expect_echoes(url, "--proxy", f"localhost:{port}", "--size", 70000, *tls)
        with open(f"{folder}/tinyproxy.log", encoding="utf-8") as file:
            expect("CONNECT" in file.read(), "nothing went through the proxy")


def an_http_proxy_wants_to_know_who_comes(urls, folder, tls):
    with tinyproxy(folder, "BasicAuth ann secret") as port:
        for url in urls:
            expect_echoes(url, "--proxy", f"http://ann:secret@127.0.0.1:{port}", *tls)
            expect_refusal("proxy", url, "--proxy", f"http://ann:wrong@127.0.0.1:{port}", *tls)
            expect_refusal("407", url, "--proxy", f"http://127.0.0.1:{port}", *tls)


def an_http_proxy_may_not_reach_the_server(urls, folder, tls):
    with tinyproxy(folder) as port:
        nobody = f"ws://127.0.0.1:{free_port()}/"
        expect_refusal("proxy", nobody, "--proxy", f"http://127.0.0.1:{port}", *tls)
        # Another port than those that the proxy allows.
    with tinyproxy(folder, "ConnectPort 9") as port:
        expect_refusal("403", urls[0], "--proxy", f"http://127.0.0.1:{port}", *tls)


def a_socks_proxy_opens_a_way(urls, _folder, tls):
    with microsocks() as port:
        for url in urls:
            expect_echoes(url, "--proxy", f"socks5://127.0.0.1:{port}", *tls)
            expect_echoes(url, "--proxy", f"socks5://a:b@127.0.0.1:{port}", *tls)
        nobody = f"ws://127.0.0.1:{free_port()}/"
        expect_refusal("refused", nobody, "--proxy", f"socks5://127.0.0.1:{port}", *tls)


def a_socks_proxy_wants_to_know_who_comes(urls, _folder, tls):
    with microsocks("-u", "ann", "-P", "secret") as port:
        for url in urls:
            expect_echoes(url, "--proxy", f"socks5://ann:secret@127.0.0.1:{port}", *tls)
            proxy = f"socks5://ann:wrong@127.0.0.1:{port}"
            expect_refusal("user and password", url, "--proxy", proxy, *tls)
            expect_refusal("authentication", url, "--proxy", f"socks5://127.0.0.1:{port}", *tls)


def the_environment_names_a_proxy(urls, _folder, tls):
    with microsocks() as port:
        nobody = free_port()
        for proxy, exceptions, works in (
            (f"socks5://127.0.0.1:{port}", "", True),
            (f"http://127.0.0.1:{nobody}", "", False),
            (f"http://127.0.0.1:{nobody}", "localhost,127.0.0.0/8", True),
        ):
            os.environ.update(http_proxy=proxy, HTTPS_PROXY=proxy, NO_PROXY=exceptions)
            try:
                for url in urls:
                    if works:
                        expect_echoes(url, "--proxy-from-environment", *tls)
                    else:
                        expect_refusal("proxy", url, "--proxy-from-environment", *tls)
                    expect_echoes(url, *tls)
            finally:
                for name in ("http_proxy", "HTTPS_PROXY", "NO_PROXY"):
                    os.environ.pop(name)


async def an_http_server_sends_the_client_on(urls, _folder, tls):
    asked = []

    async def answer(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head.split(" ")[1])
        onward = {"/": "/second?x", "/second?x": urls[0].replace("ws", "http", 1)}
        location = onward.get(asked[-1], "/")
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await asyncio.to_thread(expect_echoes, url, "--redirects", 2, *tls)
        expect_equal(asked, ["/", "/second?x"], "what was asked for")
        await asyncio.to_thread(expect_refusal, "302", url, *tls)
        await asyncio.to_thread(expect_refusal, "more than 1", url, "--redirects", 1, *tls)


async def pump(reader, writer):
    with contextlib.suppress(OSError):
        while raw := await reader.read(65536):
            writer.write(raw)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def a_proxy_behind_tls_opens_a_way(urls, folder, tls):
    seen = []

    async def serve(reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split(" ", 2)
        seen.append((method, target, writer.get_extra_info("cipher") is not None))
        host, port = target.rsplit(":", 1)
        onward = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, onward[1]), pump(onward[0], writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        proxy = ("--proxy", f"https://localhost:{server.sockets[0].getsockname()[1]}")
        trust = (*tls, "--proxy-tls-ca", f"{folder}/cert.pem")
        for url in urls:
            await asyncio.to_thread(expect_echoes, url, *proxy, *trust)
            await asyncio.to_thread(expect_echoes, url, *proxy, "--size", 70000, *trust)
        expect_equal({(way, secret) for way, _, secret in seen}, {("CONNECT", True)}, "requests")
        expect_equal(len(seen), 2 * len(urls), "streams")
        # Whom the client does not trust, it does not ask.
        await asyncio.to_thread(expect_refusal, "is not valid", urls[0], *proxy, *tls)
        expect_equal(len(seen), 2 * len(urls), "streams")


CHECKS = (
    an_http_proxy_opens_a_way,
    an_http_proxy_wants_to_know_who_comes,
    an_http_proxy_may_not_reach_the_server,
    a_proxy_behind_tls_opens_a_way,
    a_socks_proxy_opens_a_way,
    a_socks_proxy_wants_to_know_who_comes,
    the_environment_names_a_proxy,
    an_http_server_sends_the_client_on,
)


async def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(folder)
        plain = EchoServer()
        files = ("--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem")
        secure = EchoServer(*files)
        urls = (
            f"ws://127.0.0.1:{plain.ws_port}/",
            f"ws://localhost:{plain.ws_port}/room?x=1",
            f"wss://localhost:{secure.ws_port}/",
        )
        try:
            for body in CHECKS:
                tls = ("--tls-ca", f"{folder}/cert.pem")
                await checks.run(body.__name__, body, urls, folder, tls, seconds=60.0)
        finally:
            plain.kill()
            secure.kill()
    checks.finish()


if __name__ == "__main__":
    asyncio.run(main())
