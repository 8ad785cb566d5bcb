"""The Python library `websockets` as a client of echo_server and as a server for echo_client.

Run as `python websockets_peer.py` with NETDRIVER_EXAMPLES set to the folder of the examples.
"""

import asyncio
import contextlib
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from harness import (
    Checks,
    EchoServer,
    Program,
    counter,
    expect,
    expect_equal,
    has_ipv6,
    wait_until_async,
)

import tls_checks
import websockets_deflate

MESSAGE_SIZE_MAX = 1 << 20
CLIENTS = 200
ROUNDS = 5
REPLY_SECONDS = 30.0


def pattern(length, seed=0):
    """Bytes that differ by place, so that a shifted or repeated piece shows."""
    return bytes((seed + i * 7 + (i >> 8)) & 0xFF for i in range(length))


def client(url, **options):
    """A client without keep-alive of its own, so that only the tested side acts."""
    options = {"compression": None, "ping_interval": None, "max_size": None, **options}
    return connect(url, **options)


async def receive(connection):
    return await asyncio.wait_for(connection.recv(), REPLY_SECONDS)


async def expect_echo(connection, message):
    await connection.send(message)
    answer = await receive(connection)
    expect(type(answer) is type(message), f"{type(message)} came back as {type(answer)}")
    expect_equal(answer, message, "echo")


async def wait_for_end(connection):
    """Read until the connection ends; the close frames of both sides are known then."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await receive(connection)


# As a client of echo_server


async def text_and_binary_keep_their_kind(server):
    async with client(server.url) as connection:
        await expect_echo(connection, "hello")
        await expect_echo(connection, b"\x00\x01\xfe\xff")
        await expect_echo(connection, "Grüße, мир, 世界, 🎮")


async def empty_messages_come_back_empty(server):
    async with client(server.url) as connection:
        await expect_echo(connection, "")
        await expect_echo(connection, b"")
        await expect_echo(connection, "after")


async def large_messages_come_back_whole(server):
    async with client(server.url) as connection:
        for length in (125, 126, 127, 65535, 65536, 65537, MESSAGE_SIZE_MAX):
            await expect_echo(connection, pattern(length))
        await expect_echo(connection, "é" * (MESSAGE_SIZE_MAX // 2))


async def fragments_become_one_message(server):
    async with client(server.url) as connection:
        await connection.send([b"one", b"", b"two", pattern(70000), b""])
        expect_equal(await receive(connection), b"onetwo" + pattern(70000), "binary fragments")
        await connection.send(["Gr", "üß", "e 🎮"])
        expect_equal(await receive(connection), "Grüße 🎮", "text fragments")
        game = "🎮".encode()
        await connection.send([game[:1], game[1:3], game[3:]], text=True)
        expect_equal(await receive(connection), "🎮", "a character across fragments")
        await connection.send(["", "", ""])
        expect_equal(await receive(connection), "", "empty fragments")


async def ping_between_fragments_is_answered(server):
    async with client(server.url) as connection:
        reached, release = asyncio.Event(), asyncio.Event()

        async def pieces():
            yield b"first "
            reached.set()
            await release.wait()
            yield b"second"

        sending = asyncio.create_task(connection.send(pieces()))
        await reached.wait()
        await asyncio.wait_for(await connection.ping(b"in the middle"), REPLY_SECONDS)
        release.set()
        await sending
        expect_equal(await receive(connection), b"first second", "message around the ping")


async def ping_payload_comes_back(server):
    async with client(server.url) as connection:
        for payload in (b"", b"x", pattern(125)):
            # The library resolves the waiter only for a pong with exactly this payload.
            await asyncio.wait_for(await connection.ping(payload), REPLY_SECONDS)
        await connection.pong(b"nobody asked")
        await expect_echo(connection, "still here")


async def offered_compression_is_declined(server):
    async with client(server.url, compression="deflate") as connection:
        header = connection.response.headers.get("Sec-WebSocket-Extensions")
        expect_equal(header, None, "extensions in the answer")
        await expect_echo(connection, "plain frames")


async def no_sub_protocol_is_chosen_when_the_server_has_none(server):
    async with client(server.url, subprotocols=["chat", "game"]) as connection:
        expect_equal(connection.subprotocol, None, "sub-protocol")
        await expect_echo(connection, "works without")


async def servers_best_sub_protocol_is_agreed():
    with server_running("--sub-protocols", "arena.2,arena.1") as server:
        async with client(server.url, subprotocols=["x", "arena.1", "arena.2"]) as connection:
            expect_equal(connection.subprotocol, "arena.2", "both known")
            await expect_echo(connection, "hello")
        async with client(server.url, subprotocols=["arena.1", "x"]) as connection:
            expect_equal(connection.subprotocol, "arena.1", "one known")
        async with client(server.url, subprotocols=["x", "y"]) as connection:
            expect_equal(connection.subprotocol, None, "none known")
        async with client(server.url) as connection:
            expect_equal(connection.subprotocol, None, "none offered")
            await expect_echo(connection, "no sub-protocol")


async def any_path_and_query_reach_the_auto_listener(server):
    async with client(f"{server.url}/rooms/7?token=a%20b&x=1") as connection:
        await expect_echo(connection, "over a path")


async def client_close_code_reaches_the_server(server):
    connection = await client(server.url)
    await expect_echo(connection, "before")
    await connection.close(4001, "bye")
    expect_equal(connection.close_code, 4001, "code of the server's answer")
    await wait_until_async(
        lambda: any("4001" in line and "bye" in line for line in server.stderr),
        REPLY_SECONDS,
        "code 4001 and reason in the server's log",
    )


async def server_end_gives_a_close_frame_or_an_end():
    with server_running() as server:
        connection = await client(server.url)
        await expect_echo(connection, "before")
        await asyncio.to_thread(server.stop)
        await asyncio.wait_for(wait_for_end(connection), REPLY_SECONDS)
        expect(
            connection.close_code in (1000, 1001, 1006),
            f"close code {connection.close_code}",
        )


async def many_clients_each_get_their_own_echo(server):
    async def one(number):
        async with client(server.url) as connection:
            for turn in range(ROUNDS):
                await expect_echo(connection, f"client {number} turn {turn}")
                await expect_echo(connection, pattern(200, number))

    await asyncio.gather(*(one(number) for number in range(CLIENTS)))


async def order_is_kept_under_a_window(server):
    async with client(server.url) as connection:
        count = 2000

        async def send():
            for number in range(count):
                await connection.send(number.to_bytes(4, "little") + pattern(number % 300))

        sending = asyncio.create_task(send())
        for number in range(count):
            wanted = number.to_bytes(4, "little") + pattern(number % 300)
            expect_equal(await receive(connection), wanted, f"message {number}")
        await sending


async def messages_before_a_close_are_delivered():
    with server_running() as server:
        connection = await client(server.url, max_queue=None)
        for number in range(100):
            await connection.send(f"message {number}")
        await connection.close(4100, "all sent")
        await wait_until_async(
            lambda: any("4100" in line for line in server.stderr), REPLY_SECONDS, "the close"
        )
        report = await asyncio.to_thread(server.stop)
        expect_equal(counter(report, "messages_in"), 100, "messages_in")


async def oversized_message_closes_with_1009(server):
    for message in (pattern(MESSAGE_SIZE_MAX + 1), "a" * (MESSAGE_SIZE_MAX + 1)):
        connection = await client(server.url)
        with contextlib.suppress(ConnectionClosed):
            await connection.send(message)
        await wait_for_end(connection)
        expect(connection.protocol.close_rcvd is not None, "no Close frame came")
        expect_equal(connection.protocol.close_rcvd.code, 1009, "close code")


async def oversized_fragments_close_with_1009(server):
    connection = await client(server.url)
    with contextlib.suppress(ConnectionClosed):
        await connection.send([pattern(1 << 18)] * 5)
    await wait_for_end(connection)
    expect(connection.protocol.close_rcvd is not None, "no Close frame came")
    expect_equal(connection.protocol.close_rcvd.code, 1009, "close code")


async def silent_client_shows_up_and_may_speak_later(server):
    connection = await client(server.url)
    port = str(connection.local_address[1])
    await wait_until_async(
        lambda: any(port in line for line in server.stderr),
        REPLY_SECONDS,
        "the silent client in the server's log",
    )
    await expect_echo(connection, "late")
    await connection.close()


async def ipv6_clients_are_served():
    with server_running("--ipv6") as server:
        for host in ("[::1]", "127.0.0.1", "localhost"):
            async with client(f"ws://{host}:{server.ws_port}") as connection:
                await expect_echo(connection, f"over {host}")


# As a server for echo_client


@contextlib.contextmanager
def server_running(*arguments):
    server = EchoServer(*arguments)
    try:
        yield server
    finally:
        server.kill()


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def run_client(url, *arguments):
    """Run echo_client to its end; returns its exit code and its last line."""
    program = Program("echo_client", url, "--seconds", 15, *arguments)
    code = await asyncio.to_thread(program.finish, 18.0)
    return code, program


def library_server(handler, **options):
    options = {"compression": None, "ping_interval": None, "max_size": None, **options}
    return serve(handler, "127.0.0.1", 0, **options)


def url_of(server, path="/"):
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}"


async def expect_client_success(url, *arguments):
    code, program = await run_client(url, *arguments)
    expect_equal(code, 0, f"exit code of echo_client ({program.log()[-200:]})")
    return program.last_json()


async def echo_client_gets_its_binary_echoes():
    async with library_server(echo) as server:
        await expect_client_success(url_of(server), "--count", 200, "--size", 100)
        await expect_client_success(url_of(server), "--count", 5, "--size", 70000)
        await expect_client_success(url_of(server), "--count", 500, "--size", 64, "--window", 16)


async def echo_client_gets_its_text_echoes():
    kinds = set()

    async def handler(connection):
        async for message in connection:
            kinds.add(type(message))
            await connection.send(message)

    async with library_server(handler) as server:
        await expect_client_success(url_of(server), "--count", 100, "--size", 50, "--text")
    expect_equal(kinds, {str}, "kinds that arrived")


async def echo_client_joins_fragments_and_answers_pings():
    async def handler(connection):
        async for message in connection:
            pong = await connection.ping(b"are you there")
            middle = len(message) // 2
            await connection.send([message[:middle], b"", message[middle:]])
            await asyncio.wait_for(pong, REPLY_SECONDS)

    async with library_server(handler) as server:
        await expect_client_success(url_of(server), "--count", 50, "--size", 1000)


async def echo_client_asks_for_path_query_and_sub_protocol():
    seen = []

    async def handler(connection):
        seen.append((connection.request.path, connection.subprotocol))
        seen.append(connection.request.headers.get_all("Sec-WebSocket-Protocol"))
        await echo(connection)

    async with library_server(handler, subprotocols=["game.1"]) as server:
        url = url_of(server, "/rooms/7?token=x")
        await expect_client_success(url, "--count", 3, "--sub-protocols", "game.2,game.1")
    expect_equal(seen[0], ("/rooms/7?token=x", "game.1"), "request")
    offered = [name.strip() for line in seen[1] for name in line.split(",")]
    expect_equal(offered, ["game.2", "game.1"], "offered sub-protocols")


async def echo_client_sees_the_servers_close():
    async def handler(connection):
        for _ in range(3):
            await connection.send(await connection.recv())
        await connection.close(4002, "enough")

    async with library_server(handler) as server:
        code, program = await run_client(url_of(server), "--count", 100)
        expect(code != 0, "exit code 0 although the server left early")
        expect("4002" in program.log(), f"no close code in {program.log()[-200:]!r}")
        expect("enough" in program.log(), f"no reason in {program.log()[-200:]!r}")


async def echo_client_closes_cleanly():
    ends = []

    async def handler(connection):
        try:
            while True:
                await connection.send(await connection.recv())
        except ConnectionClosed as end:
            ends.append((isinstance(end, ConnectionClosedOK), connection.close_code))

    async with library_server(handler) as server:
        await expect_client_success(url_of(server), "--count", 3)
        await wait_until_async(lambda: ends, REPLY_SECONDS, "the end of the connection")
    expect_equal(ends, [(True, 1000)], "how the client left")


async def echo_client_reports_a_refused_handshake():
    def refuse(connection, request):
        return connection.respond(403, "not today\n")

    async with library_server(echo, process_request=refuse) as server:
        code, program = await run_client(url_of(server), "--count", 1)
        expect(code != 0, "exit code 0 although the handshake was refused")
        expect("403" in program.log(), f"no 403 in {program.log()[-200:]!r}")


CLIENT_CHECKS = (
    text_and_binary_keep_their_kind,
    empty_messages_come_back_empty,
    large_messages_come_back_whole,
    fragments_become_one_message,
    ping_between_fragments_is_answered,
    ping_payload_comes_back,
    offered_compression_is_declined,
    no_sub_protocol_is_chosen_when_the_server_has_none,
    any_path_and_query_reach_the_auto_listener,
    client_close_code_reaches_the_server,
    oversized_message_closes_with_1009,
    oversized_fragments_close_with_1009,
    silent_client_shows_up_and_may_speak_later,
    order_is_kept_under_a_window,
    many_clients_each_get_their_own_echo,
)
OWN_SERVER_CHECKS = (
    servers_best_sub_protocol_is_agreed,
    messages_before_a_close_are_delivered,
    server_end_gives_a_close_frame_or_an_end,
)
SERVER_CHECKS = (
    echo_client_gets_its_binary_echoes,
    echo_client_gets_its_text_echoes,
    echo_client_joins_fragments_and_answers_pings,
    echo_client_asks_for_path_query_and_sub_protocol,
    echo_client_sees_the_servers_close,
    echo_client_closes_cleanly,
    echo_client_reports_a_refused_handshake,
)


async def main():
    checks = Checks()
    with server_running() as server:
        for body in CLIENT_CHECKS:
            await checks.run(body.__name__, body, server)
        await checks.run("server_ends_with_counters", server.stop)
    for body in (*OWN_SERVER_CHECKS, *SERVER_CHECKS):
        await checks.run(body.__name__, body)
    peer = sys.modules[__name__]
    for body in websockets_deflate.CHECKS:
        await checks.run(f"deflate: {body.__name__}", body, peer, seconds=60.0)
    for body in tls_checks.CHECKS:
        await checks.run(f"tls: {body.__name__}", body, peer, seconds=60.0)
    if has_ipv6():
        await checks.run(ipv6_clients_are_served.__name__, ipv6_clients_are_served)
    else:
        checks.skip(ipv6_clients_are_served.__name__, "this machine has no IPv6 loopback")
    checks.finish()


if __name__ == "__main__":
    asyncio.run(main())
