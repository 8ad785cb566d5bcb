"""The reference peer as a WebSocket client of echo_server, UTP inside."""

import os

from harness import expect, expect_equal
from utp_protocol import (
    BINARY,
    CLOSE,
    CONTINUATION,
    GOLDEN_ACCEPT_KEY,
    GOLDEN_TOKEN,
    PING,
    PONG,
    TEXT,
    WEBSOCKET_PADDING,
    WEBSOCKET_PAYLOAD_MAX,
    WebSocketStream,
    accept,
    data,
    disconnect,
    frame,
    heartbeat,
    mtu_ack,
    mtu_check,
    new_token,
    parse_head,
    request,
    upgrade_request,
)

REFRESH = ("heartbeat", "accept")
HANDSHAKE_SECONDS = 5.0 + 2.0  # the server's default and some patience


def opened(server, **options):
    """A stream after a successful upgrade."""
    stream = WebSocketStream.dial(server.ws_port)
    stream.send(upgrade_request(server.ws_port, **options))
    first, _ = parse_head(stream.read_head())
    expect(first.startswith("HTTP/1.1 101 "), f"answer {first!r}")
    return stream


def connected(server, token, payload=None):
    """A stream with an accepted UTP connection."""
    stream = opened(server)
    stream.send_packet(request(token, payload))
    expect_equal(stream.read_packet(), accept(token), "accept")
    return stream


def expect_echo(stream, token, payload):
    stream.send_packet(data(token, payload))
    expect_equal(stream.read_packet(skip=REFRESH), data(token, payload), "echo")


def refused(server, **options):
    """(status, headers) of an answer after which the server closes the stream."""
    with WebSocketStream.dial(server.ws_port) as stream:
        stream.send(upgrade_request(server.ws_port, **options))
        first, headers = parse_head(stream.read_head())
        stream.read_end()
        return int(first.split(" ")[1]), dict(headers)


def answer_to_the_upgrade_is_exactly_what_unity_takes(server):
    with WebSocketStream.dial(server.ws_port) as stream:
        stream.send(upgrade_request(server.ws_port))
        first, headers = parse_head(stream.read_head())
    expect_equal(first, "HTTP/1.1 101 Switching Protocols", "status line")
    names = sorted(name for name, _ in headers)
    expect_equal(names, ["connection", "sec-websocket-accept", "upgrade"], "headers")
    values = dict(headers)
    expect_equal(values["upgrade"].lower(), "websocket", "Upgrade")
    expect_equal(values["connection"].lower(), "upgrade", "Connection")
    expect_equal(values["sec-websocket-accept"], GOLDEN_ACCEPT_KEY, "Sec-WebSocket-Accept")


def golden_frames_connect_and_echo(server):
    with opened(server) as stream:
        stream.send(bytes.fromhex("828d0102030454565305001321374557657389"))
        first, masked, payload = stream.read_frame()
        expect_equal((first, masked), (0x82, False), "first byte and mask of the accept")
        expect_equal(payload.hex(), "55545001021122334455667788", "accept")
        expect_echo(stream, GOLDEN_TOKEN, b"")
        expect_echo(stream, GOLDEN_TOKEN, b"hello")


def request_in_the_same_segment_as_the_upgrade_works(server):
    with WebSocketStream.dial(server.ws_port) as stream:
        token = new_token()
        packet = frame(BINARY, request(token), b"\x99\x00\xff\x01")
        stream.send(upgrade_request(server.ws_port) + packet)
        stream.read_head()
        expect_equal(stream.read_packet(), accept(token), "accept")
        expect_echo(stream, token, b"hello")


def upgrade_in_single_bytes_works(server):
    with WebSocketStream.dial(server.ws_port) as stream:
        token = new_token()
        raw = upgrade_request(server.ws_port) + frame(BINARY, request(token), b"abcd")
        for i in range(len(raw)):
            stream.send(raw[i : i + 1])
        stream.read_head()
        expect_equal(stream.read_packet(), accept(token), "accept")


def connect_payload_and_largest_message_pass(server):
    token = new_token()
    largest = WEBSOCKET_PAYLOAD_MAX - 13 - 2 - 10
    with connected(server, token, os.urandom(largest)) as stream:
        expect_echo(stream, token, os.urandom(WEBSOCKET_PAYLOAD_MAX - 10))


def fragmented_packet_is_put_together(server):
    token = new_token()
    with connected(server, token) as stream:
        packet = data(token, b"in three pieces")
        stream.send_frame(BINARY, packet[:5], fin=False)
        stream.send_frame(PING, b"between")
        stream.send_frame(CONTINUATION, packet[5:12], fin=False)
        stream.send_frame(CONTINUATION, packet[12:])
        while True:
            first, _, payload = stream.read_frame()
            if first == 0x80 | PONG:
                break
        expect_equal(payload, b"between", "pong")
        expect_equal(stream.read_packet(skip=REFRESH), packet, "echo")


def silence_is_filled_with_heartbeats(server):
    token = new_token()
    with connected(server, token) as stream:
        expect_echo(stream, token, b"start of the silence")
        expect_equal(stream.read_packet(1.0), heartbeat(token), "heartbeat")
        expect_equal(stream.read_packet(1.0), heartbeat(token), "second heartbeat")


def mtu_check_counts_the_websocket_padding(server):
    token = new_token()
    with connected(server, token) as stream:
        for size in (1024, 1300, 1400):
            stream.send_packet(mtu_check(token, size, WEBSOCKET_PADDING))
            answer = stream.read_packet(skip=REFRESH)
            expect_equal(answer, mtu_ack(token, size), f"ack of {size}")


def unknown_token_is_ignored(server):
    token = new_token()
    with connected(server, token) as stream:
        stream.send_packet(data(new_token(), b"stranger"))
        stream.send_packet(b"\x01short")
        expect_echo(stream, token, b"own")


def utp_disconnect_ends_in_close_1000(server):
    token = new_token()
    with connected(server, token) as stream:
        expect_echo(stream, token, b"before")
        stream.send_packet(disconnect(token))
        expect_equal(stream.read_close(), 1000, "code of the server's Close")
        stream.send_frame(CLOSE, b"\x03\xe8")
        stream.read_end()


def close_frame_is_echoed_and_the_stream_ends(server):
    token = new_token()
    with connected(server, token) as stream:
        stream.send_frame(CLOSE, (4005).to_bytes(2, "big") + b"gone")
        expect_equal(stream.read_close(), 4005, "code of the answer")
        stream.read_end()


def unmasked_frame_closes_with_1002(server):
    token = new_token()
    with connected(server, token) as stream:
        stream.send(frame(BINARY, data(token, b"bare")))
        expect_equal(stream.read_close(), 1002, "close code")
        stream.read_end()


# Auto alone: what is no UTP client becomes a plain one


def other_first_message_makes_a_plain_client(server):
    for message in (data(new_token(), b"no request before"), b"UTP", b"", b"13 bytes long"):
        with opened(server) as stream:
            stream.send_frame(BINARY, message)
            first, _, payload = stream.read_frame()
            expect_equal((first, payload), (0x82, message), "plain echo")
            stream.send_frame(BINARY, request(GOLDEN_TOKEN))
            first, _, payload = stream.read_frame()
            expect_equal(payload, request(GOLDEN_TOKEN), "a request later is data")


def sub_protocol_names_choose_the_dialect(server):
    for name, wanted in (
        ("netdriver.raw", request(GOLDEN_TOKEN)),
        ("netdriver.utp", accept(GOLDEN_TOKEN)),
    ):
        with WebSocketStream.dial(server.ws_port) as stream:
            extra = [f"Sec-WebSocket-Protocol: {name}"]
            stream.send(upgrade_request(server.ws_port, extra=extra))
            _, headers = parse_head(stream.read_head())
            expect_equal(dict(headers).get("sec-websocket-protocol"), name, "agreed")
            stream.send_frame(BINARY, request(GOLDEN_TOKEN))
            expect_equal(stream.read_frame()[2], wanted, f"answer under {name}")


# UtpOnly alone: strict, as Unity's server is


def text_closes_with_1003(server):
    with opened(server) as stream:
        stream.send_frame(TEXT, b"hello")
        expect_equal(stream.read_close(), 1003, "close code before the request")
        stream.read_end()
    with connected(server, new_token()) as stream:
        stream.send_frame(TEXT, b"hello")
        expect_equal(stream.read_close(), 1003, "close code of a connected client")
        stream.read_end()


def long_message_closes_with_1009(server):
    with connected(server, new_token()) as stream:
        # The header alone decides: no byte of the payload is sent.
        stream.send(frame(BINARY, b"", b"abcd", announce=WEBSOCKET_PAYLOAD_MAX + 1))
        expect_equal(stream.read_close(), 1009, "close code")
        stream.read_end()


def long_fragmented_message_closes_with_1009(server):
    with connected(server, new_token()) as stream:
        stream.send_frame(BINARY, bytes(1000), fin=False)
        stream.send_frame(CONTINUATION, bytes(WEBSOCKET_PAYLOAD_MAX - 999))
        expect_equal(stream.read_close(), 1009, "close code")
        stream.read_end()


def other_paths_get_404(server):
    for path in ("/x", "/?query=1", "//", "/%2f"):
        status, _ = refused(server, path=path)
        expect_equal(status, 404, f"status for {path}")


def missing_headers_get_400(server):
    for options in (
        {"key": None},
        {"key": "tooshort"},
        {"version": None},
        {"path": "/x", "key": None},
    ):
        status, headers = refused(server, **options)
        expect(status in (400, 426), f"status for {options} is {status}")
        if "version" not in options:
            expect_equal(status, 400, f"status for {options}")
        expect_equal(headers.get("sec-websocket-version"), "13", "Sec-WebSocket-Version")


def other_websocket_version_is_refused(server):
    status, headers = refused(server, version="8")
    expect(status in (400, 426), f"status {status}")
    expect_equal(headers.get("sec-websocket-version"), "13", "Sec-WebSocket-Version")


def offered_sub_protocols_and_extensions_are_not_echoed(server):
    with WebSocketStream.dial(server.ws_port) as stream:
        extra = [
            "Origin: http://example.com",
            "Sec-WebSocket-Protocol: chat, game",
            "Sec-WebSocket-Extensions: permessage-deflate",
        ]
        stream.send(upgrade_request(server.ws_port, extra=extra))
        first, headers = parse_head(stream.read_head())
        expect(first.startswith("HTTP/1.1 101 "), f"answer {first!r}")
        names = sorted(name for name, _ in headers)
        expect_equal(names, ["connection", "sec-websocket-accept", "upgrade"], "headers")


def bytes_that_are_no_http_end_the_stream(server):
    noise = (
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(40),
        b"\r\n\r\n\r\n",
        b"\x00",
        bytes([0x82, 0x80, 1, 2, 3, 4]),
    )
    streams = [WebSocketStream.dial(server.ws_port) for _ in noise]
    for stream, raw in zip(streams, noise, strict=True):
        stream.send(raw)
    for stream in streams:
        with stream:
            stream.read_end(HANDSHAKE_SECONDS)
            expect(not stream.seen.startswith(b"HTTP/1.1 1"), f"answer {stream.seen[:40]!r}")


BOTH = (
    answer_to_the_upgrade_is_exactly_what_unity_takes,
    golden_frames_connect_and_echo,
    request_in_the_same_segment_as_the_upgrade_works,
    upgrade_in_single_bytes_works,
    connect_payload_and_largest_message_pass,
    fragmented_packet_is_put_together,
    silence_is_filled_with_heartbeats,
    mtu_check_counts_the_websocket_padding,
    unknown_token_is_ignored,
    utp_disconnect_ends_in_close_1000,
    close_frame_is_echoed_and_the_stream_ends,
    unmasked_frame_closes_with_1002,
)


def named(body, listener):
    """The same check under a name that says which listener it met."""

    def check(server):
        body(server)

    check.__name__ = f"{body.__name__}_on_{listener}"
    return check


AUTO_SERVER = (
    *(named(body, "an_auto_listener") for body in BOTH),
    other_first_message_makes_a_plain_client,
    sub_protocol_names_choose_the_dialect,
    bytes_that_are_no_http_end_the_stream,
)
UTP_SERVER = (
    *(named(body, "a_utp_listener") for body in BOTH),
    text_closes_with_1003,
    long_message_closes_with_1009,
    long_fragmented_message_closes_with_1009,
    other_paths_get_404,
    missing_headers_get_400,
    other_websocket_version_is_refused,
    offered_sub_protocols_and_extensions_are_not_echoed,
)
