"""The reference peer over raw TCP: in front of each packet its length, two bytes, big endian.

Written from the framing alone: a length of 0 is passed over, and so is a packet of more than the
maximum message size less the two bytes. There is no preamble.
"""

import os
import socket
import ssl
import time

from harness import EchoServer, Program, expect, expect_equal, wait_until
from utp_protocol import (
    GOLDEN_TOKEN,
    MESSAGE_SIZE_MAX,
    END_SECONDS,
    REPLY_SECONDS,
    EndOfStream,
    accept,
    data,
    disconnect,
    heartbeat,
    kind_of,
    mtu_ack,
    mtu_check,
    new_token,
    request,
)

FRAMING = 2
PACKET_MAX = MESSAGE_SIZE_MAX - FRAMING
TLS_PADDING = 68
"""What a sender leaves to TLS."""
REFRESH = ("heartbeat", "accept")
CLIENT_SECONDS = 60
CERTIFICATES = os.path.join(os.path.dirname(__file__), "..", "certificates")


def framed(packet):
    return len(packet).to_bytes(2, "big") + packet


class TcpStream:
    """A TCP stream that carries packets."""

    def __init__(self, stream):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.stream = stream
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    @classmethod
    def dial(cls, port):
        return cls(socket.create_connection(("127.0.0.1", port), REPLY_SECONDS))

    def _more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no bytes came in time")
        self.stream.settimeout(left)
        try:
            got = self.stream.recv(65536)
        except ConnectionResetError:
            raise EndOfStream from None
        if not got:
            raise EndOfStream
        self.buffer += got

    def read_packet(self, seconds=REPLY_SECONDS, skip=()):
        """The next packet whose kind is not in `skip`, and that is no probe."""
        deadline = time.monotonic() + seconds
        while True:
            while len(self.buffer) < 2 or len(self.buffer) < 2 + self._length():
                self._more(deadline)
            end = 2 + self._length()
            packet, self.buffer = self.buffer[2:end], self.buffer[end:]
            if kind_of(packet) not in (*skip, "mtu-check"):
                return packet

    def _length(self):
        return int.from_bytes(self.buffer[:2], "big")

    def read_end(self, seconds=END_SECONDS):
        """Wait for the end of the stream; returns what came before it."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self._more(deadline)
        except EndOfStream:
            return self.buffer

    def send(self, raw):
        self.stream.sendall(raw)

    def send_packet(self, packet):
        self.send(framed(packet))


def connected(server, token, payload=None):
    """A stream with an accepted connection."""
    stream = TcpStream.dial(server.tcp_port)
    stream.send_packet(request(token, payload))
    expect_equal(stream.read_packet(), accept(token), "accept")
    return stream


def expect_echo(stream, token, payload):
    stream.send_packet(data(token, payload))
    expect_equal(stream.read_packet(skip=REFRESH), data(token, payload), "echo")


def tcp_golden_bytes_connect_and_echo(server):
    with TcpStream.dial(server.tcp_port) as stream:
        stream.send(bytes.fromhex("000d55545001011122334455667788"))
        stream._more(time.monotonic() + REPLY_SECONDS)
        wanted = "000d55545001021122334455667788"
        expect_equal(stream.buffer[:15].hex(), wanted, "accept")
        stream.buffer = stream.buffer[15:]
        stream.send(bytes.fromhex("000e011122334455667788002a000000"))
        packet = stream.read_packet(skip=REFRESH)
        expect_equal(packet.hex(), "011122334455667788002a000000", "echo")


def tcp_byte_by_byte_and_all_at_once_say_the_same(server):
    token = new_token()
    raw = framed(request(token)) + b"".join(
        b"\x00\x00" + framed(data(token, bytes([number]) * 5)) for number in range(4)
    )
    for step in (1, len(raw)):
        with TcpStream.dial(server.tcp_port) as stream:
            for at in range(0, len(raw), step):
                stream.send(raw[at : at + step])
            expect_equal(stream.read_packet(), accept(token), "accept")
            for number in range(4):
                wanted = data(token, bytes([number]) * 5)
                expect_equal(stream.read_packet(skip=REFRESH), wanted, "echo")


def tcp_longest_payload_and_message_pass(server):
    token = new_token()
    with connected(server, token, os.urandom(PACKET_MAX - 13 - 2 - 10)) as stream:
        expect_echo(stream, token, os.urandom(PACKET_MAX - 10))
        expect_echo(stream, token, b"")


def tcp_lengths_that_are_too_long_are_passed_over(server):
    token = new_token()
    with connected(server, token) as stream:
        for length in (PACKET_MAX + 1, 65535):
            stream.send_packet(data(token, bytes(length - 10)))
        expect_echo(stream, token, b"still here")


def tcp_probe_counts_the_framing(server):
    token = new_token()
    with connected(server, token) as stream:
        stream.send_packet(mtu_check(token, 1024, FRAMING))
        answer = stream.read_packet(skip=REFRESH)
        expect_equal(answer, mtu_ack(token, 1024), "answer to the probe")


def tcp_goodbye_ends_the_stream(server):
    token = new_token()
    with connected(server, token) as stream:
        expect_echo(stream, token, b"before")
        stream.send_packet(disconnect(token))
        rest = stream.read_end()
        expect(disconnect(token) not in rest, "a goodbye is not answered")


def tcp_connection_hears_heartbeats(server):
    token = new_token()
    with connected(server, token) as stream:
        stream.send_packet(heartbeat(token))
        expect_equal(stream.read_packet(skip=("accept",)), heartbeat(token), "heartbeat")


def tcp_stranger_that_asks_for_nothing_is_closed(server):
    with TcpStream.dial(server.tcp_port) as stream:
        stream.send(b"\x00\x00" + framed(data(GOLDEN_TOKEN, b"no request")))
        expect_equal(stream.read_end(seconds=8.0), b"", "answer to a stranger")


SHARED_SERVER = (
    tcp_golden_bytes_connect_and_echo,
    tcp_byte_by_byte_and_all_at_once_say_the_same,
    tcp_longest_payload_and_message_pass,
    tcp_lengths_that_are_too_long_are_passed_over,
    tcp_probe_counts_the_framing,
    tcp_goodbye_ends_the_stream,
    tcp_connection_hears_heartbeats,
    tcp_stranger_that_asks_for_nothing_is_closed,
)


class Serving:
    """A TCP server around one echo_client."""

    def __init__(self, *options):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(REPLY_SECONDS)
        port = self.listener.getsockname()[1]
        self.program = Program("echo_client", "tcp", "127.0.0.1", port, *options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        if self.program.alive():
            self.program.process.kill()
        self.program.process.wait()

    def accept(self):
        """The client's stream and token, after its request was accepted."""
        stream = TcpStream(self.listener.accept()[0])
        asked = stream.read_packet()
        expect_equal(asked, request(asked[5:13]), "the client's first packet")
        stream.send_packet(accept(asked[5:13]))
        return stream, asked[5:13]


def echo_client_talks_over_tcp():
    with Serving("--count", 20, "--size", 300, "--window", 4, "--seconds", CLIENT_SECONDS) as peer:
        stream, token = peer.accept()
        echoed = 0
        with stream:
            while True:
                packet = stream.read_packet(skip=("heartbeat",))
                if packet == disconnect(token):
                    break
                expect_equal(packet[:10], data(token, b""), "data header")
                stream.send_packet(packet)
                echoed += 1
            expect_equal(stream.read_end(), b"", "behind the goodbye")
        expect_equal(echoed, 20, "messages")
        expect_equal(peer.program.finish(CLIENT_SECONDS), 0, "exit code of echo_client")


def echo_client_is_told_of_a_lost_stream():
    with Serving("--count", 0, "--seconds", CLIENT_SECONDS) as peer:
        stream, _ = peer.accept()
        stream.read_packet(skip=("heartbeat",))
        stream.stream.close()
        expect_equal(peer.program.finish(CLIENT_SECONDS), 1, "exit code of echo_client")
        expect("ProtocolError" in peer.program.log(), f"no reason: {peer.program.log()!r}")


def echo_server_speaks_tls_over_tcp():
    """With Python's ssl (OpenSSL) on the other side."""
    names = [os.path.join(CERTIFICATES, name) for name in ("localhost.pem", "localhost.key")]
    server = EchoServer("--tls-cert", names[0], "--tls-key", names[1])
    try:
        context = ssl.create_default_context(cafile=os.path.join(CERTIFICATES, "ca.pem"))
        raw = socket.create_connection(("127.0.0.1", server.tcp_port), REPLY_SECONDS)
        token = new_token()
        with TcpStream(context.wrap_socket(raw, server_hostname="localhost")) as stream:
            stream.send_packet(request(token))
            expect_equal(stream.read_packet(), accept(token), "accept")
            expect_echo(stream, token, os.urandom(PACKET_MAX - TLS_PADDING - 10))
        wait_until(lambda: "left: ProtocolError" in server.log(), REPLY_SECONDS, "the lost stream")
    finally:
        server.kill()


OWN_PROGRAMS = (
    echo_client_talks_over_tcp,
    echo_client_is_told_of_a_lost_stream,
    echo_server_speaks_tls_over_tcp,
)
