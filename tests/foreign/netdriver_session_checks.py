"""Sessions of two netdriver programs, as they pass between them: every datagram is read by the
second implementation of the chapter, and must be written by it with the same bytes.
"""

import re
from pathlib import Path

import netdriver_decoder as decoder
import netdriver_frames as frames
from harness import Program, expect, expect_equal
from utp_recording import UdpRecorder
from utp_script import reliable

PIPELINES = "frag;reliable:32;frag,reliable:32"
ORDERED, BULK = 2, 3
HELLO_HEAD = 10
PROTOCOL = Path(__file__).parents[2] / "docs" / "PROTOCOL.md"


class Ether:
    """Keeps what passes, and swallows what `swallows` says of (packet, how many came before)."""

    def __init__(self, swallows=lambda *_: False):
        self.now = 0
        self.seen = []
        self.swallows = swallows
        self.offered = 0
        self.lost = 0

    def udp(self, from_client, _ports, packet):
        self.offered += 1
        if self.swallows(packet, self.offered - 1):
            self.lost += 1
            return False
        self.seen.append((from_client, packet))
        return True


class Side:
    """What one side has said so far."""

    def __init__(self):
        self.numbers = set()
        self.expected = 0
        self.hellos = []
        self.messages = {}
        self.repaired = {}
        self.kinds = set()

    def take_packet(self, raw):
        token, truncated, bits, found = decoder.parse_packet(raw)
        number = decoder.expand(truncated, bits, self.expected)
        expect(number not in self.numbers, f"number {number} came twice")
        self.numbers.add(number)
        self.expected = max(self.expected, number + 1)
        again = frames.packet(token, number, *map(decoder.encode, found), long=bits == 32)
        expect_equal(again.hex(), raw.hex(), f"packet {found}")
        return found

    def note(self, frame):
        self.kinds.add(frame[0])
        if frame[0] == "reliable":
            self.messages.setdefault(frame[1], {})[frame[2]] = frame[3]
        elif frame[0] == "part":
            _, channel, number, offset, ends, body = frame
            pieces = self.messages.setdefault((channel, "pieces"), {})
            pieces[number, offset] = (body, ends)
        elif frame[0] == "repair":
            _, channel, first, count, _ = frame[:5]
            self.repaired.setdefault(channel, set()).update(range(first, first + count))


def read(seen):
    """What both sides said, the client first."""
    sides = [Side(), Side()]
    for from_client, raw in seen:
        side, other = sides[not from_client], sides[from_client]
        if raw[0] == 1 and raw[9] == frames.HELLO_PIPELINE:
            side.hellos.append(decoder.parse_hello(raw[HELLO_HEAD:]))
        if raw[0] not in (frames.SHORT, frames.LONG):
            continue
        expect(other.hellos, "a packet of a session before the other side's Hello")
        for frame in side.take_packet(raw):
            side.note(frame)
            if frame[0] == "ack":
                # Of what was sent last, some may have been swallowed.
                for first, last in decoder.ranges(frame, other.expected):
                    named = set(range(first, last + 1))
                    expect(named <= other.numbers, f"{frame} names what never passed")
    return sides


def play(server, ether, size, pipeline):
    """An echo of 200 messages through the ether."""
    with UdpRecorder(ether, server.udp_port) as recorder:
        options = ("--count", 200, "--size", size, "--window", 8, "--seconds", 60)
        pipelines = ("--pipelines", PIPELINES, "--pipeline", pipeline)
        client = Program("echo_client", "udp", "127.0.0.1", recorder.port, *options, *pipelines)
        expect_equal(client.finish(70), 0, f"exit code of echo_client, {client.log()}")
    return read(ether.seen)


def both_sides_say_hello_and_speak_by_the_rules(server):
    client, answer = play(server, Ether(), 100, ORDERED)
    for side, answers in ((client, 0), (answer, 1)):
        expect(side.hellos, "no Hello")
        for hello in side.hellos:
            expect_equal((hello["version"], hello["answer"]), (frames.VERSION, answers), "Hello")
            expect(65536 <= hello["window"] <= 1 << 30 and hello["size"] >= 256, f"{hello}")
            expect_equal(hello["features"], frames.TAKES_PIECES, "features")
        # The first ones left before the two had agreed.
        numbers = sorted(side.messages[ORDERED])
        expect(100 < len(numbers) <= 200, f"{len(numbers)} messages in the session")
        expect_equal(numbers, list(range(len(numbers))), "numbers of messages")
        expect({"ping", "ack", "reliable"} & side.kinds >= {"ack", "reliable"}, f"{side.kinds}")
    expect_equal(client.hellos[0]["digest"], answer.hellos[0]["digest"], "digest")
    expect("ping" in client.kinds, "the client's first packet has a PING")
    # Each side numbers from its own first message in the session: they agree at the end.
    said, echoed = ([body for _, body in sorted(side.messages[ORDERED].items())]
                    for side in (client, answer))
    common = min(len(said), len(echoed))
    expect_equal(said[-common:], echoed[-common:], "the echo")


def losses_are_repaired_by_the_rules(server):
    session = (frames.SHORT, frames.LONG)
    ether = Ether(lambda packet, count: packet[0] in session and count % 5 == 4)
    client, answer = play(server, ether, 300, ORDERED)
    expect(ether.lost > 5, f"{ether.lost} lost")
    for side in (client, answer):
        # Where the path is slow, some are won back from repairs and need not pass by themselves.
        known = set(side.messages[ORDERED]) | side.repaired.get(ORDERED, set())
        expect(100 < len(known) <= 200 and max(known) == len(known) - 1, f"{sorted(known)}")


def a_path_that_narrows_gets_pieces(server):
    narrow = 1100

    def swallows(packet, count):
        return count > 80 and len(packet) > narrow

    ether = Ether(swallows)
    client, answer = play(server, ether, 3000, BULK)
    expect(ether.lost >= 6, f"{ether.lost} lost")
    expect("part" in client.kinds | answer.kinds, "no pieces")
    longest = max(len(packet) for _, packet in ether.seen[-20:])
    expect(longest <= narrow, f"{longest} bytes at last")
    for side in (client, answer):
        # A packet that left before the two had agreed says whose it is.
        packets = side.messages.get((frames.PACKET_CHANNEL, "pieces"), {})
        for (_, offset), (body, _) in packets.items():
            expect(offset > 0 or body[0] in (ORDERED, BULK), f"a packet of pipeline {body[0]}")
        pieces = side.messages.get((BULK, "pieces"), {})
        for (number, offset), (body, ends) in pieces.items():
            whole = side.messages.get(BULK, {}).get(number)
            expect(offset + len(body) <= 1400, f"piece at {offset}")
            expect(ends or (number, offset + len(body)) in pieces or whole is not None,
                   f"message {number} ends at {offset + len(body)}")


def golden_bytes_of_the_chapter_are_written_and_read():
    token = bytes(range(1, 9))
    want = {
        "ACK of 5 to 9": [frames.ack(80, (5, 9))],
        "ACK of 0x1000": [frames.ack(800, (0x1000, 0x1000), (0xFFD, 0xFFE), (3, 0xF00))],
        "MESSAGE": [frames.message(3, b"hi", last=True), frames.message(3, b"hi")],
        "RELIABLE, channel 0": [
            frames.reliable(frames.PACKET_CHANNEL, 0x102, b"\3" + reliable(32, 5, b"hi"))
        ],
        "RELIABLE \"hi\"": [
            frames.reliable(3, 0x102, b"hi", last=True),
            frames.reliable(3, 0x102, b"hi"),
        ],
        "REPAIR": [frames.repair(3, 0x102, 3, bytes([2, 0, 9, 9]), last=True)],
        "PART": [frames.part(3, 0x102, 1000, True, b"hi")],
        "WINDOW": [frames.window(0x01020304), frames.delivered(7, 0x1234)],
    }
    text = PROTOCOL.read_text().split("### 12.9 Golden bytes")[1]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    for word, made in want.items():
        row = [cells for title, cells in rows if title.startswith(word)]
        expect(len(row) == 1, f"one row for {word}: {row}")
        written = [bytes.fromhex(cell) for cell in re.findall(r"`([0-9a-f ]+)`", row[0])]
        expect_equal(written, made, word)
        for raw in made:
            _, _, _, found = decoder.parse_packet(frames.packet(token, 7, raw))
            expect_equal(b"".join(map(decoder.encode, found)), raw, word)
    hello = frames.hello(token, False, 1400, 0x200000, 0xDEADBEEF)[HELLO_HEAD:]
    found = decoder.parse_hello(hello[:6] + b"\1\2\3\4" + hello[10:])
    expect_equal(found["features"], 0x04030201, "features")
    expect_equal((found["size"], found["window"]), (1400, 0x200000), "limits")


SHARED_SERVER = (
    both_sides_say_hello_and_speak_by_the_rules,
    losses_are_repaired_by_the_rules,
    a_path_that_narrows_gets_pieces,
)
