"""The reference as a server that echo_client connects to, with pipelines and without."""

import contextlib
import socket
import time

from harness import Program, expect, expect_equal
from utp_headers import ACK, NOTHING_YET, PAYLOAD
from utp_network import BadLink
from utp_protocol import data, disconnect
from utp_script import (
    BULK,
    FRAGMENT,
    ORDERED,
    PIPELINES,
    SEQUENCED,
    WIDE,
    WINDOWS,
    Script,
    ack,
    piece,
    reliable,
    sequenced,
)
from utp_session import Session
from utp_transport import TcpTransport, UdpTransport, WebSocketTransport

CLIENT_SECONDS = 60
RESEND_MS_MIN = 40
WINDOW = 32
PIECE = 1388
RELIABLE_HEADER = 12
LARGE = PIECE - RELIABLE_HEADER
NONE = 0


@contextlib.contextmanager
def client_of(port, pipeline, protocol="udp", **options):
    """echo_client with the common pipelines, ended at the latest with the check."""
    settings = {"count": 3, "size": 20, "window": 1, "seconds": CLIENT_SECONDS, **options}
    words = [word for name, value in settings.items() for word in (f"--{name}", value)]
    if pipeline:
        words += ["--pipelines", PIPELINES, "--pipeline", pipeline]
    program = Program("echo_client", protocol, "127.0.0.1", port, *words)
    try:
        yield program
    finally:
        if program.alive():
            program.process.kill()
        program.process.wait()


@contextlib.contextmanager
def scripted(pipeline, **options):
    """(script, program): a UDP server that has accepted the client."""
    transport = UdpTransport()
    with client_of(transport.port, pipeline, **options) as program:
        with Script(transport, token=b"none yet") as peer:
            yield peer.serve(), program


def expect_success(peer, program, pipeline=NONE):
    """The client leaves with success; it may acknowledge the last echo before that."""
    while (packet := peer.receive("disconnect", seconds=CLIENT_SECONDS)) != disconnect(peer.token):
        expect_equal(packet[:10], data(peer.token, b"", pipeline), "what comes before the end")
        is_needless = pipeline in WINDOWS and (packet[10] == ACK or peer.is_repetition(packet))
        expect(is_needless, f"{packet.hex()} before the end")
    expect_equal(program.finish(CLIENT_SECONDS), 0, "exit code of echo_client")


def messages_without_a_pipeline_have_no_header():
    with scripted(NONE) as (peer, program):
        for _ in range(3):
            body = peer.body(NONE, "a message")
            expect_equal(len(body), 20, "length")
            peer.send(NONE, body)
        expect_success(peer, program)


def sequenced_headers_of_the_client_are_exact():
    with scripted(SEQUENCED) as (peer, program):
        for number in range(3):
            body = peer.take_headed(SEQUENCED, sequenced(number, b""), f"message {number}")
            expect_equal(len(body), 20, "length")
            peer.send(SEQUENCED, sequenced(number, body))
        expect_success(peer, program)


def fragments_of_the_client_are_exact():
    with scripted(FRAGMENT, size=3000, count=2) as (peer, program):
        for message in range(2):
            parts = []
            for number, length in enumerate((PIECE, PIECE, 3000 - 2 * PIECE)):
                head = piece(message * 3 + number, b"", number == 0, number == 2)
                parts.append(peer.take_headed(FRAGMENT, head, f"piece {number}"))
                expect_equal(len(parts[-1]), length, f"length of piece {number}")
            for number, body in enumerate(parts):
                peer.send(FRAGMENT, piece(message * 3 + number, body, number == 0, number == 2))
        expect_success(peer, program)


def reliable_headers_of_the_client_are_exact():
    with scripted(ORDERED) as (peer, program):
        body = peer.take_headed(ORDERED, bytes.fromhex("000000000000ffffffffffff"), "the first")
        expect_equal(len(body), 20, "length")
        peer.send(ORDERED, reliable(WINDOW, 0, body, acked=0))
        for number in (1, 2):
            body = peer.take_reliable(ORDERED, number, acked=number - 1)
            peer.send(ORDERED, reliable(WINDOW, number, body, acked=number))
        expect_success(peer, program, ORDERED)


def long_masks_of_the_client_are_whole_at_first_and_short_later():
    with scripted(WIDE) as (peer, program):
        head = bytes.fromhex("002000000000ffff" + "ff" * 32)
        body = peer.take_headed(WIDE, head, "the first")
        peer.send(WIDE, reliable(256, 0, body, acked=0))
        for number in (1, 2):
            body = peer.take_reliable(WIDE, number, acked=number - 1, spoken=True)
            peer.send(WIDE, reliable(256, number, body, acked=number, trim=True))
        expect_success(peer, program, WIDE)


def reliable_fragments_of_the_client_have_both_headers():
    with scripted(BULK, size=3000, count=1) as (peer, program):
        parts = []
        for number, length in enumerate((LARGE, LARGE, 3000 - 2 * LARGE)):
            body = peer.take_reliable(BULK, number, acked=NOTHING_YET)
            ends = (number == 0, number == 2)
            expect_equal(body[:2], piece(number, b"", *ends), f"header of piece {number}")
            expect_equal(len(body), 2 + length, f"length of piece {number}")
            parts.append(body)
        for number, body in enumerate(parts):
            peer.send(BULK, reliable(WINDOW, number, body, acked=2))
        expect_success(peer, program, BULK)


def what_the_client_sent_is_sent_again_until_it_is_acknowledged():
    start = time.monotonic()
    with scripted(ORDERED) as (peer, program):
        first = peer.take_reliable(ORDERED, 0, acked=NOTHING_YET)
        # A slow machine may show each of them late, but none too early.
        for turn in range(1, 3):
            again = peer.take_reliable(ORDERED, 0, acked=NOTHING_YET, what=f"resend {turn}")
            waited = (time.monotonic() - start) * 1000
            expect_equal(again, first, "what is sent again")
            expect(waited > turn * RESEND_MS_MIN, f"resend {turn} came after {waited:.0f} ms")
        peer.send(ORDERED, bytes.fromhex("010010000000" + "0000ffffffff" + "00"))
        peer.expect_quiet("an acknowledgement", 0.3)
        peer.send(ORDERED, reliable(WINDOW, 0, first, acked=0))
        for number in (1, 2):
            body = peer.take_reliable(ORDERED, number, acked=number - 1)
            peer.send(ORDERED, reliable(WINDOW, number, body, acked=number))
        expect_success(peer, program, ORDERED)


def a_full_window_holds_the_client():
    count = WINDOW + 8
    with scripted(ORDERED, count=count, window=count) as (peer, program):
        bodies = {}
        gather(peer, bodies, WINDOW)
        while (packet := peer.receive_or_none(0.05)) is not None:
            expect(packet[14] < WINDOW, f"packet {packet[14]} is beyond the window")
        # One slot is free, so one packet follows.
        peer.send(ORDERED, ack(WINDOW, 0))
        gather(peer, bodies, WINDOW + 1)
        while (packet := peer.receive_or_none(0.05)) is not None:
            expect(packet[14] <= WINDOW, f"packet {packet[14]} is beyond the window")
        peer.send(ORDERED, ack(WINDOW, WINDOW))
        gather(peer, bodies, count)
        for number in range(count):
            peer.send(ORDERED, reliable(WINDOW, number, bodies[number], acked=count - 1))
        expect_success(peer, program, ORDERED)


def gather(peer, bodies, count):
    """Reliable payloads by their numbers, until the first `count` are there."""
    while not all(number in bodies for number in range(count)):
        raw = peer.body(ORDERED, f"payload {len(bodies)}")
        if raw[0] == PAYLOAD:
            bodies[raw[4]] = raw[RELIABLE_HEADER:]
            peer.seen.add((ORDERED, raw[4]))


def expect_left(program):
    expect_equal(program.finish(CLIENT_SECONDS), 0, "exit code of echo_client")


def packets_the_client_must_drop_do_not_hurt():
    with scripted(ORDERED) as (peer, program):
        body = peer.take_reliable(ORDERED, 0, acked=NOTHING_YET)
        peer.send(ORDERED, reliable(256, 0, b"a mask of the wrong class"))
        peer.send(ORDERED, reliable(WINDOW, WINDOW, b"too far ahead"), reliable(WINDOW, 0, b"")[:9])
        peer.send(WIDE, reliable(WINDOW, 0, bytes(40)))
        peer.send(77, b"a pipeline that nobody made")
        peer.send(FRAGMENT, piece(0, b"no beginning", last=True))
        peer.send(ORDERED, reliable(WINDOW, 0, body, acked=0))
        for number in (1, 2):
            body = peer.take_reliable(ORDERED, number, acked=number - 1)
            peer.send(ORDERED, reliable(WINDOW, number, body, acked=number))
        expect_success(peer, program, ORDERED)


# Weather


def served(transport, pipeline, protocol, program_options, **options):
    """Echo everything that a client sends, in whatever weather; it has to be content."""
    pipelines = PIPELINES if pipeline else ""
    with Session(transport, pipelines=pipelines, payload=b"welcome", **options) as session:
        with client_of(transport.port, pipeline, protocol, **program_options) as program:
            count = session.echo_until_closed(CLIENT_SECONDS, program.alive)
            expect_left(program)
            expect_equal(count, program_options["count"], "messages")
            if session.connection.mtu:
                expect_equal(session.connection.mtu.acked, 1400, "path MTU")


def in_the_weather(pipeline):
    def check():
        settings = {"loss": 0.1, "double": 0.1, "jitter": 8}
        links = {"out": BadLink(pipeline, **settings), "into": BadLink(pipeline + 50, **settings)}
        size = 2500 if pipeline == BULK else 100
        options = {"count": 40 if pipeline == BULK else 150, "size": size, "window": 16}
        served(UdpTransport(), pipeline, "udp", options, **links)

    names = {ORDERED: "reliable", BULK: "fragmented_reliable", WIDE: "wide_reliable"}
    check.__name__ = f"{names[pipeline]}_messages_of_a_client_survive_the_weather"
    return check


def over_udp(pipeline, name):
    def check():
        size = 3000 if pipeline in (FRAGMENT, BULK) else 100
        options = {"count": 50, "size": size, "window": 4}
        served(UdpTransport(), pipeline, "udp", options, probe=True)

    check.__name__ = f"{name}_come_back_over_udp"
    return check


def over_stream(pipeline, name, protocol, serve):
    """As over_udp, where the reference waits for a stream and makes a transport of it."""

    def check():
        size = 3000 if pipeline in (FRAGMENT, BULK) else 100
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            options = {"count": 50, "size": size, "window": 4}
            with client_of(port, pipeline, protocol, **options) as program:
                listener.settimeout(CLIENT_SECONDS)
                transport = serve(listener.accept()[0])
                with Session(transport, pipelines=PIPELINES if pipeline else "") as session:
                    count = session.echo_until_closed(CLIENT_SECONDS, program.alive)
                    expect_left(program)
                    expect_equal(transport.problem, None, "what a stock server refuses")
                    expect_equal(count, 50, "messages")

    check.__name__ = f"{name}_come_back_over_{protocol.replace('-', '_')}"
    return check


EVERY = (
    (NONE, "messages_without_a_pipeline"),
    (FRAGMENT, "fragmented_messages"),
    (SEQUENCED, "sequenced_messages"),
    (ORDERED, "reliable_messages"),
    (BULK, "fragmented_reliable_messages"),
    (WIDE, "wide_reliable_messages"),
)
EXACT = (
    messages_without_a_pipeline_have_no_header,
    sequenced_headers_of_the_client_are_exact,
    fragments_of_the_client_are_exact,
    reliable_headers_of_the_client_are_exact,
    long_masks_of_the_client_are_whole_at_first_and_short_later,
    reliable_fragments_of_the_client_have_both_headers,
    what_the_client_sent_is_sent_again_until_it_is_acknowledged,
    a_full_window_holds_the_client,
    packets_the_client_must_drop_do_not_hurt,
)
IN_NUMBERS = (
    *(in_the_weather(pipeline) for pipeline in (ORDERED, BULK, WIDE)),
    *(over_udp(*pipeline) for pipeline in EVERY),
    *(over_stream(*pipeline, "utp-ws", WebSocketTransport.serve) for pipeline in EVERY),
    *(over_stream(*pipeline, "tcp", TcpTransport) for pipeline in EVERY),
)
