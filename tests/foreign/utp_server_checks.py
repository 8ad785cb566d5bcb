"""The reference peer as a UTP server, over UDP and WebSocket, for echo_client."""

import socket
import threading
import time

from harness import Program, expect, expect_equal
from utp_protocol import (
    BINARY,
    CLOSE,
    EndOfStream,
    UdpPeer,
    WebSocketStream,
    accept,
    accept_key,
    data,
    disconnect,
    heartbeat,
    kind_of,
    mtu_ack,
    mtu_check,
    new_token,
    parse_head,
    request,
)

CLIENT_SECONDS = 60
IDLE_SECONDS = 15.0
RETRY_SECONDS, HEARTBEAT_SECONDS = 1.0, 0.5


class Serving:
    """A UDP server around one echo_client; the checks drive it packet by packet."""

    def __init__(self, *arguments):
        self.peer = UdpPeer()
        options = ("--count", 3, "--size", 20, "--window", 1, "--seconds", CLIENT_SECONDS)
        options = arguments or options
        self.program = Program("echo_client", "udp", "127.0.0.1", self.peer.port, *options)
        self.client = None
        self.token = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.socket.close()
        if self.program.alive():
            self.program.process.kill()
        self.program.process.wait()

    def receive(self, what, seconds=IDLE_SECONDS, skip=()):
        """The client's next packet that is not of a kind in `skip`."""
        end = time.monotonic() + seconds
        while True:
            packet, sender = self.peer.receive(end - time.monotonic())
            expect(packet is not None, f"no {what} came; the client says {self.program.log()!r}")
            self.client = sender
            if kind_of(packet) not in (*skip, "beyond", "mtu-check"):
                return packet

    def send(self, packet):
        self.peer.send(packet, self.client)

    def await_request(self):
        packet = self.receive("request")
        expect_equal(kind_of(packet), "request", "first packet")
        expect_equal(packet, request(packet[5:13]), "request")
        self.token = packet[5:13]

    def await_data(self):
        packet = self.receive("data", skip=("heartbeat", "request"))
        expect_equal(packet[:10], data(self.token, b""), "data header")
        return packet

    def echo_until_disconnect(self):
        """Echo everything; returns how many messages came before the client left."""
        echoed = 0
        while True:
            packet = self.receive("disconnect", skip=("heartbeat", "request"))
            if packet == disconnect(self.token):
                return echoed
            expect_equal(packet[:10], data(self.token, b""), "data header")
            self.send(packet)
            echoed += 1

    def expect_success(self, echoed=3):
        expect_equal(self.echo_until_disconnect(), echoed, "messages")
        expect_equal(self.program.finish(CLIENT_SECONDS), 0, "exit code of echo_client")


def client_connects_echoes_and_says_goodbye():
    with Serving() as server:
        server.await_request()
        server.send(accept(server.token))
        server.expect_success()


def unanswered_request_is_repeated_after_a_second_with_its_token():
    start = time.monotonic()
    with Serving() as server:
        server.await_request()
        token = server.token
        server.await_request()
        # A slow machine may show it late, but not too early.
        waited = time.monotonic() - start
        expect(waited > RETRY_SECONDS - 0.05, f"repeated after {waited:.2f} s")
        expect_equal(server.token, token, "token of the repeated request")
        server.send(accept(token))
        server.expect_success()


def two_runs_use_two_tokens():
    tokens = set()
    for _ in range(2):
        with Serving() as server:
            server.await_request()
            tokens.add(server.token)
            server.send(accept(server.token))
            server.expect_success()
    expect_equal(len(tokens), 2, "different tokens")


def accept_payload_is_taken():
    with Serving() as server:
        server.await_request()
        server.send(accept(server.token, b"hi"))
        server.expect_success()


def accept_with_a_wrong_payload_length_connects():
    with Serving() as server:
        server.await_request()
        server.send(accept(server.token) + bytes.fromhex("05006869"))
        server.expect_success()


def foreign_and_repeated_accepts_are_ignored():
    with Serving() as server:
        server.await_request()
        server.send(accept(new_token()))
        packet = server.receive("repeated request")
        expect_equal(packet, request(server.token), "a foreign accept does not connect")
        for _ in range(3):
            server.send(accept(server.token))
        server.expect_success()


def packets_that_overtake_the_accept_do_not_hurt():
    with Serving() as server:
        server.await_request()
        server.send(heartbeat(server.token))
        server.send(data(server.token, b"too early"))
        server.send(accept(server.token))
        packet = server.await_data()
        server.send(packet)
        left = server.echo_until_disconnect()
        expect_equal(left, 2, "messages after the first")
        code = server.program.finish(CLIENT_SECONDS)
        expect_equal(code, 0, "exit code of echo_client")


def silent_server_gets_heartbeats():
    with Serving() as server:
        server.await_request()
        start = time.monotonic()
        server.send(accept(server.token))
        packet = server.await_data()
        expect_equal(server.receive("heartbeat"), heartbeat(server.token), "heartbeat")
        waited = time.monotonic() - start
        expect(waited > HEARTBEAT_SECONDS - 0.05, f"the heartbeat came after {waited:.2f} s")
        server.send(packet)
        server.expect_success(2)


def client_answers_mtu_checks():
    with Serving() as server:
        server.await_request()
        server.send(accept(server.token))
        packet = server.await_data()
        for size in (1024, 1400):
            server.send(mtu_check(server.token, size))
            answer = server.receive("mtu ack", skip=("heartbeat",))
            expect_equal(answer, mtu_ack(server.token, size), "mtu ack")
        server.send(packet)
        server.expect_success(2)


def servers_disconnect_ends_the_client():
    with Serving() as server:
        server.await_request()
        server.send(accept(server.token))
        server.await_data()
        server.send(disconnect(server.token))
        code = server.program.finish(CLIENT_SECONDS)
        expect(code != 0, "exit code 0 although the server left")
        log = server.program.log()
        expect("ClosedByRemote" in log or '"reason":3' in log.replace(" ", ""), f"says {log!r}")


def server_that_moves_is_followed():
    with Serving() as server, UdpPeer() as elsewhere:
        server.await_request()
        server.send(accept(server.token))
        packet = server.await_data()
        elsewhere.send(packet, server.client)
        server.peer.socket.close()
        server.peer = elsewhere
        expect_equal(server.echo_until_disconnect(), 2, "messages at the new address")
        expect_equal(server.program.finish(CLIENT_SECONDS), 0, "exit code of echo_client")


# Over WebSocket


def accept_stream(listener):
    listener.settimeout(IDLE_SECONDS)
    stream, _ = listener.accept()
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return WebSocketStream(stream, False)


def answer_upgrade(stream, port):
    """Check the client's upgrade as a Unity server does, and answer it."""
    first, headers = parse_head(stream.read_head())
    expect_equal(first, "GET / HTTP/1.1", "request line")
    values = dict(headers)
    expect_equal(values.get("host"), f"127.0.0.1:{port}", "Host")
    expect_equal(values.get("upgrade", "").lower(), "websocket", "Upgrade")
    expect_equal(values.get("connection", "").lower(), "upgrade", "Connection")
    expect_equal(values.get("sec-websocket-version"), "13", "Sec-WebSocket-Version")
    key = values.get("sec-websocket-key", "")
    expect_equal(len(key), 24, "length of the key")
    expect("sec-websocket-protocol" not in values, "a sub-protocol was offered")
    answer = (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n"
    )
    stream.send(answer.encode())


def serve_websocket_client(listener, outcome):
    """One connection from upgrade to end; writes what it saw into `outcome`."""
    with accept_stream(listener) as stream:
        answer_upgrade(stream, listener.getsockname()[1])
        packet = stream.read_packet()
        expect_equal(packet, request(packet[5:13]), "request")
        token = packet[5:13]
        stream.send_packet(accept(token))
        while True:
            packet = stream.read_packet(skip=("heartbeat", "request", "beyond"))
            if packet == disconnect(token):
                break
            expect_equal(packet[:10], data(token, b""), "data header")
            stream.send_packet(packet)
            outcome["echoed"] = outcome.get("echoed", 0) + 1
        stream.send_frame(CLOSE, b"\x03\xe8")
        try:
            outcome["close"] = stream.read_close()
        except EndOfStream:
            outcome["close"] = "none"


def websocket_client_connects_echoes_and_closes_with_1000():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outcome = {}

        def serve():
            try:
                serve_websocket_client(listener, outcome)
            except Exception as error:  # told to the check, which runs on another thread
                outcome["error"] = f"{type(error).__name__}: {error}"

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        options = ("--count", 5, "--size", 100, "--seconds", CLIENT_SECONDS)
        program = Program("echo_client", "utp-ws", "127.0.0.1", port, *options)
        code = program.finish(CLIENT_SECONDS)
        thread.join(IDLE_SECONDS)
        expect_equal(outcome, {"echoed": 5, "close": 1000}, "what the server saw")
        expect_equal(code, 0, "exit code of echo_client")


def websocket_client_refuses_a_masked_frame():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        program = Program("echo_client", "utp-ws", "127.0.0.1", port, "--seconds", 5)
        with accept_stream(listener) as stream:
            answer_upgrade(stream, port)
            packet = stream.read_packet()
            stream.is_client = True
            stream.send_frame(BINARY, accept(packet[5:13]))
            stream.is_client = False
            expect_equal(stream.read_close(), 1002, "close code")
        expect(program.finish(CLIENT_SECONDS) != 0, "exit code 0 after a protocol error")


ALL = (
    client_connects_echoes_and_says_goodbye,
    unanswered_request_is_repeated_after_a_second_with_its_token,
    two_runs_use_two_tokens,
    accept_payload_is_taken,
    accept_with_a_wrong_payload_length_connects,
    foreign_and_repeated_accepts_are_ignored,
    packets_that_overtake_the_accept_do_not_hurt,
    silent_server_gets_heartbeats,
    client_answers_mtu_checks,
    servers_disconnect_ends_the_client,
    server_that_moves_is_followed,
    websocket_client_connects_echoes_and_closes_with_1000,
    websocket_client_refuses_a_masked_frame,
)
