"""TLS between echo_server, echo_client, Python's `ssl` and its library `websockets`."""

import asyncio
import contextlib
import os
import socket
import ssl

from websockets.exceptions import InvalidHandshake

from harness import counter, expect, expect_equal

REPLY_SECONDS = 30.0
FOLDER = os.path.join(os.path.dirname(__file__), "..", "certificates")
LARGE = 1 << 20


def file(name):
    return os.path.join(FOLDER, name)


SERVER = ("--tls-cert", file("localhost.pem"), "--tls-key", file("localhost.key"))
TRUST = ("--tls-ca", file("ca.pem"))
PLAYER = ("--tls-cert", file("player.pem"), "--tls-key", file("player.key"))


def client_context(version=None, certificate=False):
    """A client that trusts the tests' authority, perhaps with one version of TLS only."""
    context = ssl.create_default_context(cafile=file("ca.pem"))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if certificate:
        context.load_cert_chain(file("player.pem"), file("player.key"))
    return context


def server_context(version=None, ask=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file("localhost.pem"), file("localhost.key"))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if ask:
        context.load_verify_locations(file("ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


async def secure_clients_get_their_echoes(peer):
    with peer.server_running(*SERVER) as server:
        url = f"wss://localhost:{server.ws_port}/"
        for name, version in VERSIONS.items():
            async with peer.client(url, ssl=client_context(version)) as connection:
                spoken = connection.transport.get_extra_info("ssl_object").version()
                expect_equal(spoken, name, "version")
                for message in ("hello", b"", bytes(range(256)) * 300, bytes(LARGE), "bye"):
                    await peer.expect_echo(connection, message)
        report = await asyncio.to_thread(server.stop)
        expect_equal(counter(report, "tls_failures"), 0, "tls_failures")
        expect_equal(counter(report, "connections_lost"), 0, "connections_lost")


async def many_secure_clients_at_once(peer):
    with peer.server_running(*SERVER) as server:
        url = f"wss://localhost:{server.ws_port}/"
        context = client_context()

        # The server is patient for five seconds, and a slow machine needs some for each handshake.
        opening = asyncio.Semaphore(10)

        async def one(number):
            async with contextlib.AsyncExitStack() as stack:
                async with opening:
                    client = peer.client(url, ssl=context, open_timeout=30)
                    connection = await stack.enter_async_context(client)
                for turn in range(5):
                    await peer.expect_echo(connection, f"client {number} turn {turn}" * 40)

        await asyncio.gather(*(one(number) for number in range(100)))


async def clients_that_trust_nobody_here_are_counted(peer):
    with peer.server_running(*SERVER) as server:
        url = f"wss://localhost:{server.ws_port}/"
        with contextlib.suppress(ssl.SSLCertVerificationError):
            async with peer.client(url, ssl=ssl.create_default_context()):
                expect(False, "an unknown authority was trusted")
        report = await asyncio.to_thread(server.stop)
        expect_equal(counter(report, "tls_failures"), 1, "tls_failures")
        expect_equal(counter(report, "handshakes_failed"), 1, "handshakes_failed")


async def certificates_of_clients_are_asked_for(peer):
    with peer.server_running(*SERVER, *TRUST) as server:
        url = f"wss://localhost:{server.ws_port}/"
        for version in VERSIONS.values():
            async with peer.client(url, ssl=client_context(version, True)) as connection:
                await peer.expect_echo(connection, "with a certificate")
            refused = False
            try:
                async with peer.client(url, ssl=client_context(version)):
                    pass
            except (OSError, InvalidHandshake):
                refused = True
            expect(refused, "a client without a certificate was taken")
        report = await asyncio.to_thread(server.stop)
        expect_equal(counter(report, "tls_failures"), len(VERSIONS), "tls_failures")


async def a_stream_ends_with_a_goodbye_of_tls(peer):
    """The document of echo_server, read to its end: only close_notify makes that a clean end."""
    with peer.server_running(*SERVER) as server:

        def fetch():
            with socket.create_connection(("localhost", server.ws_port), REPLY_SECONDS) as raw:
                context = client_context()
                with context.wrap_socket(raw, server_hostname="localhost") as stream:
                    stream.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    pieces = []
                    while piece := stream.recv(4096):
                        pieces.append(piece)
                    stream.unwrap()
                    return b"".join(pieces)

        page = await asyncio.to_thread(fetch)
        expect(page.startswith(b"HTTP/1.1 200 ") and b"</" in page, f"no page: {page[:80]}")


async def a_request_without_tls_is_told_so(peer):
    with peer.server_running(*SERVER) as server:

        def ask():
            with socket.create_connection(("localhost", server.ws_port), REPLY_SECONDS) as raw:
                raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = b""
                while piece := raw.recv(4096):
                    answer += piece
                return answer

        answer = await asyncio.to_thread(ask)
        expect(answer.startswith(b"HTTP/1.1 400 ") and b"TLS" in answer, f"got {answer[:80]}")


async def echo_client_speaks_tls(peer):
    for name, version in VERSIONS.items():
        async with peer.library_server(peer.echo, ssl=server_context(version)) as server:
            port = server.sockets[0].getsockname()[1]
            url = f"wss://localhost:{port}/"
            await peer.expect_client_success(url, "--count", 200, "--size", 100, *TRUST)
            await peer.expect_client_success(url, "--count", 5, "--size", LARGE - 20, *TRUST)
            await peer.expect_client_success(url, "--count", 20, "--tls-insecure")
            await peer.expect_client_success(
                url, "--count", 300, "--size", 64, "--window", 16, *TRUST
            )
            # Nobody here trusts the tests' authority without being told to.
            code, program = await peer.run_client(url, "--count", 1)
            expect(code != 0, f"{name}: an unknown authority was trusted")
            log = program.log()
            expect("AuthenticationFailure" in log and "certificate" in log, log[-300:])


async def echo_client_shows_its_certificate(peer):
    async with peer.library_server(peer.echo, ssl=server_context(ask=True)) as server:
        url = f"wss://localhost:{server.sockets[0].getsockname()[1]}/"
        await peer.expect_client_success(url, "--count", 10, *TRUST, *PLAYER)
        # Python's server ends the stream without an alert here; Node's says why.
        code, program = await peer.run_client(url, "--count", 1, *TRUST)
        expect(code != 0, f"a client without a certificate was taken: {program.log()[-300:]}")


async def a_server_that_cuts_the_stream_is_a_lost_connection(peer):
    async def cut(connection):
        await connection.recv()
        connection.transport.get_extra_info("socket")
        connection.transport.abort()

    async with peer.library_server(cut, ssl=server_context()) as server:
        url = f"wss://localhost:{server.sockets[0].getsockname()[1]}/"
        code, program = await peer.run_client(url, "--count", 1, *TRUST)
        expect(code != 0 and "ConnectionLost" in program.log(), program.log()[-300:])
        expect("1006" in program.log(), program.log()[-300:])


CHECKS = (
    secure_clients_get_their_echoes,
    many_secure_clients_at_once,
    clients_that_trust_nobody_here_are_counted,
    certificates_of_clients_are_asked_for,
    a_stream_ends_with_a_goodbye_of_tls,
    a_request_without_tls_is_told_so,
    echo_client_speaks_tls,
    echo_client_shows_its_certificate,
    a_server_that_cuts_the_stream_is_a_lost_connection,
)
