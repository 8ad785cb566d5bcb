"""Packet by packet: a check says what it sends and what has to come back, header for header."""

import time

from harness import expect, expect_equal, shorten
from utp_headers import (
    ACK,
    NOTHING_YET,
    PAYLOAD,
    fragment_header,
    parse_reliable_header,
    read_u16,
    reliable_header,
    sequence_header,
)
from utp_protocol import (
    DATA,
    accept,
    data,
    disconnect,
    heartbeat,
    kind_of,
    mtu_ack,
    new_token,
    request,
)
from utp_reliable import DUMMY

PIPELINES = "frag;useq;reliable:32;frag,reliable:32;reliable:256"
FRAGMENT, SEQUENCED, ORDERED, BULK, WIDE = 1, 2, 3, 4, 5
WINDOWS = {ORDERED: 32, BULK: 32, WIDE: 256}
ANSWER_SECONDS = 10.0
QUIET_SECONDS = 0.15
UNDER_WAY_SECONDS = 1.0
PROCESSING_MS_MAX = 5000
MESSAGE_SIZE = 9
HEADER_SIZE = MESSAGE_SIZE + 1


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
        self.seen = set()
        """(pipeline, number) of the reliable payloads that have come."""

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
                if kind_of(packet) == "mtu-check":
                    self._answer_probe(packet)
                elif kind_of(packet) not in (*skip, "beyond"):
                    return packet
            if time.monotonic() >= end:
                return None
            self.queue += self.transport.receive()
            if not self.queue:
                time.sleep(0.0005)

    def _answer_probe(self, packet):
        """As every stock peer does since 2.5, whatever the probe is for."""
        size = read_u16(packet, MESSAGE_SIZE) + MESSAGE_SIZE + 2 + self.transport.padding
        self.transport.send(mtu_ack(self.token, size))

    def connect(self, payload=None):
        """As a client, and speak once so that the server stops repeating its Accept."""
        self.transport.send(request(self.token, payload))
        packet = self.receive("accept", skip=())
        expect_equal(packet, accept(self.token), "accept")
        self.transport.send(heartbeat(self.token))
        return self

    def serve(self, payload=None):
        """As a server: take the Request and accept it."""
        packet = self.receive("request")
        expect_equal(packet, request(packet[5:13]), "request")
        self.token = packet[5:13]
        self.transport.send(accept(self.token, payload))
        return self

    def expect_quiet(self, what, seconds=QUIET_SECONDS):
        """Nothing comes but what may have been under way already: repetitions, at the start."""
        end = time.monotonic() + UNDER_WAY_SECONDS
        while (packet := self.receive_or_none(seconds)) is not None:
            is_old = self.is_repetition(packet) and time.monotonic() < end
            expect(is_old, f"{what} was answered with {shorten(packet)}")

    def is_repetition(self, packet):
        number = packet[14:16]
        return len(number) == 2 and (packet[9], read_u16(number, 0)) in self.seen

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
        if pipeline in WINDOWS:
            self.seen.add((pipeline, read_u16(body, 4)))
        return body[len(head) :]

    def take_reliable(self, pipeline, sequence, acked, missing=0, **options):
        """The body behind a reliable header that is exact but for its processing time.

        `spoken`: the other side knows that a packet of its own has arrived, and trims its masks.
        A machine under load repeats and acknowledges more than it must: that is passed over, but
        nothing is with `strict`.
        """
        kind = options.get("kind", PAYLOAD)
        what = options.get("what", f"packet {sequence} of kind {kind} that acknowledges {acked}")
        window = WINDOWS[pipeline]
        raw, header = self._next_reliable(pipeline, window, what)
        while not options.get("strict") and self._passes_over(pipeline, header, kind, sequence):
            raw, header = self._next_reliable(pipeline, window, what)
        if header.kind == PAYLOAD:
            self.seen.add((pipeline, header.sequence))
        took = header.processing_ms
        expect(took <= PROCESSING_MS_MAX, f"{what} was processed for {took} ms")
        trim = options.get("spoken", False)
        wanted = reliable_header(window, kind, took, sequence, acked, missing, trim=trim)
        expect_equal(raw[: len(wanted)], wanted, what)
        return raw[len(wanted) :]

    def _next_reliable(self, pipeline, window, what):
        raw = self.body(pipeline, what)
        parsed = parse_reliable_header(raw, window)
        expect(parsed is not None, f"{what} has a header of another class: {shorten(raw)}")
        return raw, parsed[0]

    def _passes_over(self, pipeline, header, kind, sequence):
        if header.kind == ACK:
            return kind != ACK
        is_old = (pipeline, header.sequence) in self.seen
        return is_old and (kind == ACK or header.sequence != sequence)

    def expect_reliable(self, pipeline, sequence, body, acked, missing=0, **options):
        """As take_reliable, and the body is known too."""
        got = self.take_reliable(pipeline, sequence, acked, missing, **options)
        expect_equal(got, body, f"body of packet {sequence}")

    def expect_ack(self, pipeline, acked, missing=0):
        """An acknowledgement alone: its one byte behind the header may be anything."""
        body = self.take_reliable(pipeline, 0, acked, missing, kind=ACK)
        expect_equal(len(body), 1, "bytes behind an acknowledgement")
