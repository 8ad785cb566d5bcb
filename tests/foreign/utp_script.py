"""Packet by packet: a check says what it sends and what has to come back, header for header."""

import time

from harness import expect, expect_equal, shorten
from utp_headers import (
    ACK,
    NOTHING_YET,
    PAYLOAD,
    fragment_header,
    parse_reliable_header,
    reliable_header,
    sequence_header,
)
from utp_protocol import DATA, accept, data, disconnect, heartbeat, kind_of, new_token, request
from utp_reliable import DUMMY

PIPELINES = "frag;useq;reliable:32;frag,reliable:32;reliable:256"
FRAGMENT, SEQUENCED, ORDERED, BULK, WIDE = 1, 2, 3, 4, 5
WINDOWS = {ORDERED: 32, BULK: 32, WIDE: 256}
ANSWER_SECONDS = 2.0
QUIET_SECONDS = 0.15
PROCESSING_MS_MAX = 1000
HEADER_SIZE = 10


def reliable(window, sequence, body, acked=NOTHING_YET, missing=0, **options):
    kind = options.pop("kind", PAYLOAD)
    return reliable_header(window, kind, 0, sequence, acked, missing, **options) + body


def ack(window, acked, missing=0, processing_ms=0):
    return reliable_header(window, ACK, processing_ms, 0, acked, missing, trim=True) + DUMMY


def sequenced(sequence, body):
    return sequence_header(sequence) + body


def piece(sequence, body, first=False, last=False):
    return fragment_header(sequence, first, last) + body


def whole(sequence, body):
    return piece(sequence, body, True, True)


class Script:
    """A transport that a check drives by hand."""

    def __init__(self, transport, token=None):
        self.transport = transport
        self.token = token or new_token()
        self.queue = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.token:
            self.transport.send(disconnect(self.token))
        self.transport.close()

    def send(self, pipeline, *bodies):
        for body in bodies:
            self.transport.send(data(self.token, body, pipeline))

    def receive(self, what, seconds=ANSWER_SECONDS, skip=("heartbeat", "accept")):
        packet = self.receive_or_none(seconds, skip)
        expect(packet is not None, f"no {what} came")
        return packet

    def receive_or_none(self, seconds, skip=("heartbeat", "accept")):
        end = time.monotonic() + seconds
        while True:
            while self.queue:
                packet = self.queue.pop(0)
                if kind_of(packet) not in (*skip, "beyond"):
                    return packet
            if time.monotonic() >= end:
                return None
            self.queue += self.transport.receive()
            if not self.queue:
                time.sleep(0.0005)

    def connect(self, payload=None):
        """As a client, and speak once so that the server stops repeating its Accept."""
        self.transport.send(request(self.token, payload))
        packet = self.receive("accept", skip=())
        expect_equal(packet, accept(self.token), "accept")
        self.transport.send(heartbeat(self.token))
        return self

    def serve(self, payload=None):
        """As a server: take the Request and accept it."""
        packet = self.receive("request", seconds=5.0)
        expect_equal(packet, request(packet[5:13]), "request")
        self.token = packet[5:13]
        self.transport.send(accept(self.token, payload))
        return self

    def expect_quiet(self, what, seconds=QUIET_SECONDS):
        packet = self.receive_or_none(seconds)
        expect(packet is None, f"{what} was answered with {shorten(packet)}")

    def body(self, pipeline, what):
        """What stands behind the data header of the next packet."""
        packet = self.receive(what)
        head = bytes([DATA]) + self.token + bytes([pipeline])
        expect_equal(packet[:HEADER_SIZE], head, f"header of {what}")
        return packet[HEADER_SIZE:]

    def expect(self, pipeline, body, what):
        expect_equal(self.body(pipeline, what), body, what)

    def take_headed(self, pipeline, head, what):
        """What stands behind the expected headers of a packet."""
        body = self.body(pipeline, what)
        expect_equal(body[: len(head)], head, f"header of {what}")
        return body[len(head) :]

    def take_reliable(self, pipeline, sequence, acked, missing=0, **options):
        """The body behind a reliable header that is exact but for its processing time.

        `spoken`: the other side knows that a packet of its own has arrived, and trims its masks.
        """
        kind = options.get("kind", PAYLOAD)
        what = options.get("what", f"packet {sequence} of kind {kind} that acknowledges {acked}")
        window = WINDOWS[pipeline]
        raw = self.body(pipeline, what)
        parsed = parse_reliable_header(raw, window)
        expect(parsed is not None, f"{what} has a header of another class: {shorten(raw)}")
        took = parsed[0].processing_ms
        expect(took <= PROCESSING_MS_MAX, f"{what} was processed for {took} ms")
        trim = options.get("spoken", False)
        wanted = reliable_header(window, kind, took, sequence, acked, missing, trim=trim)
        expect_equal(raw[: len(wanted)], wanted, what)
        return raw[len(wanted) :]

    def expect_reliable(self, pipeline, sequence, body, acked, missing=0, **options):
        """As take_reliable, and the body is known too."""
        got = self.take_reliable(pipeline, sequence, acked, missing, **options)
        expect_equal(got, body, f"body of packet {sequence}")

    def expect_ack(self, pipeline, acked, missing=0):
        """An acknowledgement alone: its one byte behind the header may be anything."""
        body = self.take_reliable(pipeline, 0, acked, missing, kind=ACK)
        expect_equal(len(body), 1, "bytes behind an acknowledgement")
