"""permessage-deflate between echo_server, echo_client and the Python library `websockets`."""

import contextlib
import itertools

from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from harness import expect, expect_equal, wait_until_async

MESSAGE_SIZE_MAX = 1 << 20
KEEP = ("--deflate", "--keep-contexts")
FORGET = ("--deflate",)
REPLY_SECONDS = 30.0


def line(number):
    return f"message {number} is much like message {number - 1}, " * 20


async def expect_all_kinds(connection, exchange):
    """Messages that compress well, badly and not at all, again and again, whole and in pieces."""
    noise = bytes((i * 7919 + (i * i >> 5)) & 0xFF for i in range(70000))
    messages = ["", b"", "a", "snö, 雪, 🎮 " * 5000, noise, bytes(MESSAGE_SIZE_MAX)]
    for message in (*messages, *map(line, range(30)), *messages):
        await exchange(connection, message)


async def clients_with_compression(peer):
    """Every combination of windows and kept contexts, against servers of both kinds."""
    for arguments in (KEEP, FORGET):
        with peer.server_running(*arguments) as server:
            windows = ((None, None), (9, 9), (12, True), (None, 10), (8, True))
            for (ours, theirs), forgets in itertools.product(windows, (False, True)):
                factory = ClientPerMessageDeflateFactory(
                    server_no_context_takeover=forgets,
                    client_no_context_takeover=forgets,
                    server_max_window_bits=ours,
                    client_max_window_bits=theirs,
                )
                async with peer.client(server.url, extensions=[factory]) as connection:
                    agreed = connection.response.headers.get("Sec-WebSocket-Extensions")
                    expect(agreed is not None, f"{ours} {theirs}: nothing was agreed on")
                    expect_equal(
                        "server_no_context_takeover" in agreed,
                        forgets or arguments == FORGET,
                        f"who forgets in {agreed}",
                    )
                    if ours is not None:
                        expect(f"server_max_window_bits={ours}" in agreed, agreed)
                    await expect_all_kinds(connection, peer.expect_echo)


async def fragments_and_pings_between_them(peer):
    for arguments in (KEEP, FORGET):
        with peer.server_running(*arguments) as server:
            async with peer.client(server.url, compression="deflate") as connection:
                for number in range(5):
                    text = line(number)
                    await connection.send([text[:7], "", text[7:300], text[300:]])
                    pong = await connection.ping(b"between")
                    expect_equal(await peer.receive(connection), text, "text in pieces")
                    await pong


async def a_bomb_closes_with_1009(peer):
    for arguments in (KEEP, FORGET):
        with peer.server_running(*arguments) as server:
            for message in (bytes(64 << 20), [bytes(1 << 19)] * 3):
                connection = await peer.client(server.url, compression="deflate")
                with contextlib.suppress(ConnectionClosed):
                    await connection.send(message)
                await peer.wait_for_end(connection)
                expect_equal(connection.close_code, 1009, "close code")


async def echo_client_compresses(peer):
    """Servers that ask for every window and both memories."""
    windows = ((None, None), (9, 9), (11, None), (None, 10))
    for (ours, theirs), forgets in itertools.product(windows, (False, True)):
        factory = ServerPerMessageDeflateFactory(
            server_no_context_takeover=forgets,
            client_no_context_takeover=forgets,
            server_max_window_bits=ours,
            client_max_window_bits=theirs,
        )
        agreed = []

        async def handler(connection, agreed=agreed):
            agreed.append(connection.response.headers.get("Sec-WebSocket-Extensions"))
            await peer.echo(connection)

        async with peer.library_server(handler, extensions=[factory]) as server:
            url = peer.url_of(server)
            for arguments in (KEEP, FORGET):
                await peer.expect_client_success(url, "--count", 60, "--size", 900, *arguments)
                await peer.expect_client_success(
                    url, "--count", 9, "--size", 90000, "--text", *arguments
                )
            await wait_until_async(lambda: len(agreed) == 4, REPLY_SECONDS, "four connections")
        for header in agreed:
            expect(header is not None, "nothing was agreed on")
            if theirs is not None:
                expect(f"client_max_window_bits={theirs}" in header, header)


CHECKS = (
    clients_with_compression,
    fragments_and_pings_between_them,
    a_bomb_closes_with_1009,
    echo_client_compresses,
)
