"""The reference peer against the vectors of the wire format, and against itself on a bad network.

Virtual time, seeds, no socket: what fails here is the reference's own fault.
"""

import random

from harness import expect, expect_equal
from utp_connection import (
    CLOSED,
    CONNECTED,
    UDP_PADDING,
    WEBSOCKET_PADDING,
    Connection,
    accepted,
)
from utp_headers import (
    ACK,
    NOTHING_YET,
    PAYLOAD,
    SEQUENCES,
    fragment_header,
    is_newer,
    parse_reliable_header,
    reliable_header,
    sequence_header,
)
from utp_network import BadLink
from utp_protocol import GOLDEN_TOKEN, data, heartbeat, mtu_ack, mtu_check
from utp_reliable import Reliable, WindowFull
from utp_stages import Fragmentation, Overflow, UnreliableSequenced, pipelines_named

STEP_MS = 5
PIPELINES = "frag;useq;reliable:32;frag,reliable:32;reliable:256"
FRAGMENT, SEQUENCED, ORDERED, BULK, WIDE = 1, 2, 3, 4, 5


class Pair:
    """A client and a server in memory, a bad link each way."""

    def __init__(self, seed=1, pipelines=PIPELINES, server=None, **link):
        self.now = 0
        self.links = [BadLink(seed * 2, **link), BadLink(seed * 2 + 1, **link)]
        self.client = Connection(GOLDEN_TOKEN, True, 0, pipelines=pipelines, payload=b"let me in")
        self.server = None
        self.server_options = {"pipelines": pipelines, "payload": b"welcome", **(server or {})}
        self.got = {"client": [], "server": []}
        self.wire = []

    def step(self, milliseconds=STEP_MS):
        self.now += milliseconds
        self._carry(self.client, self.links[0])
        for packet in self.links[0].pop(self.now):
            if self.server is None:
                self.server = accepted(packet, self.now, **self.server_options)
            else:
                self.server.handle(packet, self.now)
        if self.server is None:
            return
        self._carry(self.server, self.links[1])
        for packet in self.links[1].pop(self.now):
            self.client.handle(packet, self.now)
        for name, side in (("client", self.client), ("server", self.server)):
            self.got[name] += side.events
            side.events.clear()

    def _carry(self, side, link):
        side.update(self.now)
        for packet in side.poll():
            self.wire.append(packet)
            link.push(packet, self.now)

    def connect(self):
        self.step_until(lambda: self.server and self.client.state == CONNECTED)
        return self

    def step_until(self, condition, limit_ms=120_000):
        end = self.now + limit_ms
        while not condition():
            expect(self.now < end, f"not within {limit_ms} virtual ms")
            self.step()

    def messages(self, name, pipeline):
        return [event[2] for event in self.got[name] if event[:2] == ("data", pipeline)]


def reliable_sent(pair, pipeline, messages):
    """Send all through a pipeline of the client, as its window allows, until they are there."""
    left = list(messages)

    def work():
        try:
            while left:
                pair.client.send(left[0], pair.now, pipeline)
                left.pop(0)
        except WindowFull:
            pass
        return not left and len(pair.messages("server", pipeline)) >= len(messages)

    pair.step_until(work)
    return pair.messages("server", pipeline)


def some_messages(count, seed, longest):
    source = random.Random(seed)
    return [source.randbytes(source.randint(0, longest)) for _ in range(count)]


# Vectors


def headers_are_the_vectors():
    token, forty_two = GOLDEN_TOKEN, bytes.fromhex("2a000000")
    head = bytes.fromhex("01112233445566778801")
    first = reliable_header(32, PAYLOAD, 0, 0, NOTHING_YET)
    expect_equal(
        data(token, first + forty_two, 1),
        head + bytes.fromhex("000000000000ffffffffffff2a000000"),
        "first reliable packet",
    )
    acks = (
        (reliable_header(32, ACK, 16, 0, 0), "010010000000" + "0000ffffffff"),
        (reliable_header(32, ACK, 0, 0, 3, 0b10), "010000000000" + "0300fdffffff"),
        (reliable_header(64, ACK, 0, 0, 3, 0b10), "010000000000" + "0300fdffffffffffffff"),
        (reliable_header(256, ACK, 0, 0, 3, 0b10), "012000000000" + "0300fd" + "ff" * 31),
        (reliable_header(256, ACK, 0, 0, 3, 0b10, trim=True), "010100000000" + "0300fd"),
        (reliable_header(256, ACK, 0, 0, 9, 1 << 8, trim=True), "010200000000" + "0900fffe"),
        (reliable_header(2040, PAYLOAD, 0, 7, NOTHING_YET), "00ff00000700ffff" + "ff" * 255),
    )
    for made, wanted in acks:
        expect_equal(made.hex(), wanted, "reliable header")
    pieces = ((0, True, True), (0, True, False), (1, False, False), (2, False, True))
    made = [fragment_header(*piece).hex() for piece in pieces]
    expect_equal(made, ["00c0", "0080", "0100", "0240"], "fragment headers")
    expect_equal(fragment_header(16384 + 5, False, False).hex(), "0500", "fragment wrap")
    expect_equal(sequence_header(65536).hex(), "0000", "sequence wrap")
    expect_equal(mtu_check(token, 1400)[9:11].hex(), "6d05", "length of a probe")
    expect_equal(len(mtu_check(token, 1400)), 1400, "size of a probe")
    expect_equal(mtu_ack(token, 1400).hex(), "05112233445566778802007805", "its answer")


def capacities_are_the_documented_ones():
    for padding, wanted in (
        (UDP_PADDING, (1390, 1378, 1374, 1388, 1388, 1376)),
        (2, (1388, 1376, 1372, 1386, 1386, 1374)),
        (WEBSOCKET_PADDING, (1376, 1364, 1360, 1374, 1374, 1362)),
    ):
        text = "null;reliable:32;reliable:64;useq;frag;frag,reliable:32"
        made = pipelines_named(text, 1400, padding + 10)
        found = [made[number].capacity for number in (1, 2, 3, 4)]
        found += [made[number].stage(Fragmentation).piece for number in (5, 6)]
        expect_equal(tuple(found), wanted, f"capacities over {padding}")
        expect_equal(made[5].capacity, 4096, "capacity of a fragmented message")


def reliable_headers_survive_the_round_trip():
    source = random.Random(4)
    for window in (8, 32, 40, 64, 72, 256, 2040):
        for _ in range(50):
            missing = source.getrandbits(window) & source.getrandbits(window)
            fields = (source.randint(0, 1), source.getrandbits(16), source.getrandbits(16))
            raw = reliable_header(window, *fields, 77, missing, trim=source.random() < 0.5)
            header, body = parse_reliable_header(raw + b"body", window)
            expect_equal((*header[:5], body), (*fields, 77, missing, b"body"), "parsed header")


def headers_of_another_mask_class_are_dropped():
    windows = (32, 64, 72, 2040)
    for window in windows:
        stage = Reliable(window)
        for other in windows:
            raw = reliable_header(other, PAYLOAD, 0, 0, NOTHING_YET) + b"8 bytes."
            same_class = (window > 64) == (other > 64)
            expect_equal(parse_reliable_header(raw, window) is not None, same_class, "taken")
        expect_equal(stage.receive(b"\0\0\0", 0), [], "a stub")
        expect_equal(stage.counts["dropped"], 1, "dropped")


# On a bad network


def every_reliable_message_arrives_once_and_in_order():
    for seed in range(12):
        for pipeline in (ORDERED, BULK, WIDE):
            loss = (seed % 4) * 0.1
            pair = Pair(seed, loss=loss, double=0.1, delay=10, jitter=30).connect()
            longest = 4096 if pipeline == BULK else 200
            messages = some_messages(60 if pipeline == BULK else 200, seed, longest)
            got = reliable_sent(pair, pipeline, messages)
            expect_equal(got, messages, f"messages of seed {seed} on pipeline {pipeline}")


def reliable_messages_pass_the_wrap_under_loss():
    for seed in range(4):
        settings = {"loss": 0.05 * seed, "double": 0.05, "delay": 2, "jitter": 12}
        pair = Pair(seed, pipelines="reliable:2040", **settings).connect()
        for side in (pair.client, pair.server):
            side.pipelines[1].stages = [Reliable(2040, start=SEQUENCES - 3000)]
        messages = [number.to_bytes(4, "little") for number in range(6000)]
        got = reliable_sent(pair, 1, messages)
        expect(got == messages, f"messages past the wrap differ with seed {seed}")
        stage = pair.client.pipelines[1].stage(Reliable)
        expect(stage.next > SEQUENCES, f"the wrap was not reached: {stage.next}")
        expect(stage.round_trip.samples > 2, "the round trip was measured past the wrap")


def sequenced_messages_come_in_order_and_never_twice():
    pair = Pair(3, loss=0.1, double=0.2, delay=5, jitter=40).connect()
    for number in range(500):
        pair.client.send(number.to_bytes(2, "big"), pair.now, SEQUENCED)
        pair.step()
    pair.step(100)
    got = pair.messages("server", SEQUENCED)
    expect_equal(got, sorted(set(got)), "order")
    culled = pair.server.pipelines[SEQUENCED].stage(UnreliableSequenced).culled
    expect(len(got) > 100 and culled > 50, f"{len(got)} came, {culled} were too old")


def a_lost_fragment_loses_its_message_alone():
    piece = Fragmentation()
    piece.piece = 100
    message = bytes(range(250))
    for lost in range(3):
        into = Fragmentation()
        packets = [piece.send(message, 0) for _ in range(3)]
        del packets[1][lost]
        got = [into.receive(packet, 0) for packets in packets for packet in packets]
        expect_equal([body for bodies in got for body in bodies], [message] * 2, f"without {lost}")


def acknowledgements_stop_after_the_last_message():
    pair = Pair(1).connect()
    pair.client.send(b"ping", pair.now, ORDERED)
    pair.step()
    pair.server.send(b"pong", pair.now, ORDERED)
    for _ in range(20):
        pair.step()
    before = len(pair.wire)
    for _ in range(40):
        pair.step()
    quiet = [packet for packet in pair.wire[before:] if packet != heartbeat(GOLDEN_TOKEN)]
    expect_equal(quiet, [], "packets after all was acknowledged")


def a_full_window_refuses_and_sends_nothing():
    pair = Pair(1, pipelines="frag,reliable:8;reliable:8").connect()
    for number in range(8):
        pair.client.send(bytes([number]), pair.now, 2)
    waiting = len(pair.client.outgoing)
    for pipeline, payload in ((2, b"ninth"), (1, bytes(20_000)), (1, bytes(4000))):
        try:
            pair.client.send(payload, pair.now, pipeline)
            expect(len(payload) == 4000, f"{len(payload)} bytes were taken")
        except (WindowFull, Overflow):
            expect_equal(len(pair.client.outgoing), waiting, "packets")


def payloads_of_the_handshake_arrive():
    pair = Pair(1).connect()
    expect_equal(pair.server.asked_with, b"let me in", "connect payload")
    pair.step()
    expect_equal(pair.got["client"][0], ("connect", b"welcome"), "accept payload")


def accept_is_repeated_until_the_client_speaks():
    pair = Pair(1).connect()
    pair.wire.clear()
    for _ in range(3):
        pair.server.send(b"early", pair.now)
        pair.step()
    accepts = sum(packet[:5] == b"UTP\x01\x02" for packet in pair.wire)
    expect_equal(accepts, 3, "accepts in front of data")
    pair.client.send(b"hello", pair.now)
    pair.step()
    pair.wire.clear()
    pair.server.send(b"late", pair.now)
    pair.step()
    expect_equal(pair.wire, [data(GOLDEN_TOKEN, b"late")], "data alone")


def the_path_mtu_is_found():
    for limit, wanted in ((1400, 1400), (1399, 1380), (1200, 1024), (500, 1400)):
        pair = Pair(1, server={"probe": True}, size_max=limit).connect()
        for _ in range(200):
            pair.step()
        expect_equal(pair.server.mtu.found(), wanted, f"path MTU under a limit of {limit}")


def silence_is_filled_and_ends_after_half_a_minute():
    pair = Pair(1).connect()
    pair.wire.clear()
    for _ in range(450):
        pair.step()
    expect(len(pair.wire) >= 6, f"only {len(pair.wire)} heartbeats in 2 s")
    for link in pair.links:
        link.loss = 1.0
    pair.step_until(lambda: pair.client.state == CLOSED, 31_000)
    expect_equal(pair.got["client"][-1], ("disconnect", 1), "end by timeout")


def half_range_comparison_has_one_winner():
    for first, second, newer in ((1, 0, True), (0, 65535, True), (0, 32768, True)):
        expect_equal(is_newer(first, second), newer, f"{first} newer than {second}")
        expect_equal(is_newer(second, first), not newer, f"{second} newer than {first}")


ALL = (
    headers_are_the_vectors,
    capacities_are_the_documented_ones,
    reliable_headers_survive_the_round_trip,
    headers_of_another_mask_class_are_dropped,
    half_range_comparison_has_one_winner,
    every_reliable_message_arrives_once_and_in_order,
    reliable_messages_pass_the_wrap_under_loss,
    sequenced_messages_come_in_order_and_never_twice,
    a_lost_fragment_loses_its_message_alone,
    acknowledgements_stop_after_the_last_message,
    a_full_window_refuses_and_sends_nothing,
    payloads_of_the_handshake_arrive,
    accept_is_repeated_until_the_client_speaks,
    the_path_mtu_is_found,
    silence_is_filled_and_ends_after_half_a_minute,
)
