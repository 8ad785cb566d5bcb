"""The reference as a client of echo_server, through pipelines: exact headers, then weather."""

import random
import time

from harness import expect, expect_equal
from utp_headers import ACK, SEQUENCES, parse_reliable_header, read_u16
from utp_network import BadLink
from utp_reliable import BLOCK, Reliable
from utp_script import (
    ANSWER_SECONDS,
    BULK,
    FRAGMENT,
    HEADER_SIZE,
    ORDERED,
    PIPELINES,
    SEQUENCED,
    WIDE,
    Script,
    ack,
    piece,
    reliable,
    sequenced,
    whole,
)
from utp_session import Session

PIECE = {"udp": 1388, "ws": 1374, "tcp": 1386}
RELIABLE_HEADER = 12
FRAGMENT_CAPACITY = 4096
WINDOW = 32
RESEND_MS_MIN = 40


def pattern(length):
    return bytes(i * 7 % 251 for i in range(length))


def sequenced_packets_come_back_with_their_own_numbers(transport):
    with Script(transport).connect() as peer:
        for number, came in ((0, b"first"), (1, b"second"), (7, b"after a gap")):
            peer.send(SEQUENCED, sequenced(number, came))
        for number, body in enumerate((b"first", b"second", b"after a gap")):
            peer.expect(SEQUENCED, sequenced(number, body), "echo")
        peer.send(SEQUENCED, sequenced(6, b"late"), sequenced(7, b"twice"), sequenced(8, b""))
        peer.expect(SEQUENCED, sequenced(3, b""), "echo after what was too old")
        peer.send(SEQUENCED, sequenced(8 + 32768, b"just newer"))
        peer.expect_quiet("a number exactly half the range ahead that is not smaller")
        peer.send(SEQUENCED, sequenced(8 + 32767, b"newer"))
        peer.expect(SEQUENCED, sequenced(4, b"newer"), "echo")
        peer.send(SEQUENCED, sequenced(5, b"past the wrap"))
        peer.expect(SEQUENCED, sequenced(5, b"past the wrap"), "echo past the wrap")


def fragments_become_one_message_and_go_back_in_pieces(transport, kind):
    size = PIECE[kind]
    with Script(transport).connect() as peer:
        peer.send(FRAGMENT, whole(0, b"whole"))
        peer.expect(FRAGMENT, whole(0, b"whole"), "a whole message")
        peer.send(FRAGMENT, piece(1, b"a", True), piece(2, b"b"), piece(3, b"c", last=True))
        peer.expect(FRAGMENT, whole(1, b"abc"), "three small pieces")
        sent, back = 4, 2
        for length in (size, size + 1, FRAGMENT_CAPACITY):
            parts = pieces_of(pattern(length), size)
            for number, (body, *ends) in enumerate(parts):
                peer.send(FRAGMENT, piece(sent + number, body, *ends))
            for number, (body, *ends) in enumerate(parts):
                wanted = piece(back + number, body, *ends)
                peer.expect(FRAGMENT, wanted, f"piece {number} of {length} bytes")
            sent, back = sent + len(parts), back + len(parts)
        peer.send(FRAGMENT, whole(sent, b""))
        peer.expect(FRAGMENT, whole(back, b""), "an empty message")


def pieces_of(message, size):
    """(bytes, first?, last?) of each piece."""
    starts = range(0, len(message), size)
    return [(message[at : at + size], at == 0, at + size >= len(message)) for at in starts]


def a_message_with_a_lost_fragment_is_lost_alone(transport):
    with Script(transport).connect() as peer:
        for lost in range(3):
            at = lost * 6
            parts = [
                piece(at, b"lost", True),
                piece(at + 1, b" in "),
                piece(at + 2, b"part", last=True),
            ]
            del parts[lost]
            peer.send(FRAGMENT, *parts, piece(at + 3, b"ki", True), piece(at + 4, b"n"))
            peer.send(FRAGMENT, piece(at + 5, b"d", last=True))
            peer.expect(FRAGMENT, whole(lost, b"kind"), f"the message after a lost piece {lost}")


def fragments_without_a_beginning_or_over_capacity_are_dropped(transport):
    with Script(transport).connect() as peer:
        peer.send(FRAGMENT, piece(0, b"no beginning"), piece(1, b"nor here", last=True))
        peer.send(FRAGMENT, whole(2, b"good"), piece(3, b"contiguous", last=True))
        peer.expect(FRAGMENT, whole(0, b"good"), "the message between them")
        peer.send(FRAGMENT, *(piece(4 + i, bytes(1024), i == 0) for i in range(4)))
        peer.send(FRAGMENT, piece(8, b"one more byte than fits", last=True))
        peer.send(FRAGMENT, whole(9, b"and on"))
        peer.expect(FRAGMENT, whole(1, b"and on"), "the message after one that is too long")
        peer.send(FRAGMENT, piece(10, b"stub", True), whole(11, b"instead"))
        peer.expect(FRAGMENT, whole(2, b"instead"), "a first piece ends the stub before it")


def reliable_headers_are_exact(transport):
    with Script(transport).connect() as peer:
        peer.send(ORDERED, bytes.fromhex("000000000000ffffffffffff2a000000"))
        peer.expect_reliable(ORDERED, 0, bytes.fromhex("2a000000"), acked=0, strict=True)
        peer.send(ORDERED, bytes.fromhex("010010000000" + "0000ffffffff" + "77"))
        peer.expect_quiet("an acknowledgement", 0.3)
        peer.send(ORDERED, reliable(WINDOW, 1, b"with an ack", acked=0))
        peer.expect_reliable(ORDERED, 1, b"with an ack", acked=1, strict=True)


def unacknowledged_packets_are_sent_again(transport):
    with Script(transport).connect() as peer:
        start = time.monotonic()
        peer.send(ORDERED, reliable(WINDOW, 0, b"again"))
        peer.expect_reliable(ORDERED, 0, b"again", acked=0)
        # A slow machine may show each of them late, but none too early.
        for turn in range(1, 4):
            peer.expect_reliable(ORDERED, 0, b"again", acked=0, what=f"resend {turn}")
            waited = (time.monotonic() - start) * 1000
            expect(waited > turn * RESEND_MS_MIN, f"resend {turn} came after {waited:.0f} ms")
        peer.send(ORDERED, ack(WINDOW, 0))
        peer.expect_quiet("an acknowledgement", 0.3)


def holes_show_in_the_mask(transport):
    with Script(transport).connect() as peer:
        peer.send(ORDERED, reliable(WINDOW, 0, b"zero"))
        peer.expect_reliable(ORDERED, 0, b"zero", acked=0)
        peer.send(ORDERED, ack(WINDOW, 0))
        peer.send(ORDERED, reliable(WINDOW, 3, b"three", 0))
        peer.expect_ack(ORDERED, 3, missing=0b110)
        peer.send(ORDERED, reliable(WINDOW, 1, b"one", 0))
        peer.expect_reliable(ORDERED, 1, b"one", acked=3, missing=0b10)
        peer.send(ORDERED, ack(WINDOW, 1))
        peer.send(ORDERED, reliable(WINDOW, 2, b"two", 1))
        peer.expect_reliable(ORDERED, 2, b"two", acked=3)
        peer.expect_reliable(ORDERED, 3, b"three", acked=3)


def acknowledgements_alone_are_exact(transport):
    with Script(transport).connect() as peer:
        # Nothing to echo: pieces of a message that is not whole yet.
        peer.send(BULK, reliable(WINDOW, 0, piece(0, b"be", True)))
        peer.expect_ack(BULK, 0)
        peer.send(BULK, reliable(WINDOW, 1, piece(1, b"gi")))
        peer.expect_ack(BULK, 1)
        peer.send(BULK, reliable(WINDOW, 3, piece(3, b"in", last=True)))
        peer.expect_ack(BULK, 3, missing=0b10)
        peer.expect_quiet("nothing new", 0.2)
        for _ in range(3):
            peer.send(BULK, reliable(WINDOW, 1, piece(1, b"gi")))
        peer.expect_ack(BULK, 3, missing=0b10)
        peer.send(BULK, reliable(WINDOW, 2, piece(2, b"nn")))
        peer.expect_reliable(BULK, 0, whole(0, b"beginnin"), acked=3)
        peer.send(BULK, ack(WINDOW, 0))


def stale_and_far_packets_are_ignored(transport):
    with Script(transport).connect() as peer:
        for number in range(3):
            peer.send(ORDERED, reliable(WINDOW, number, b"%d" % number, number - 1))
            peer.expect_reliable(ORDERED, number, b"%d" % number, acked=number)
        peer.send(ORDERED, ack(WINDOW, 2))
        far = (2 + WINDOW + 1, 9000, BLOCK * 2, SEQUENCES - 1)
        peer.send(ORDERED, *(reliable(WINDOW, number, b"far", 2) for number in far))
        peer.expect_quiet("numbers far away")
        peer.send(ORDERED, reliable(WINDOW, 3, b"3", 2))
        peer.expect_reliable(ORDERED, 3, b"3", acked=3)
        peer.send(ORDERED, ack(WINDOW, 3))


def a_window_that_is_not_acknowledged_holds_the_server(transport):
    extra = 5
    with Script(transport).connect() as peer:
        for number in range(WINDOW):
            peer.send(ORDERED, reliable(WINDOW, number, b"%d" % number))
            peer.expect_reliable(ORDERED, number, b"%d" % number, acked=number)
        for number in range(WINDOW, WINDOW + extra):
            peer.send(ORDERED, reliable(WINDOW, number, b"%d" % number))
        seen = collect_payload_numbers(peer, 0.25, lambda seen: seen)
        expect(seen and max(seen) < WINDOW, f"payloads {sorted(seen)} with a full window")
        peer.send(ORDERED, ack(WINDOW, WINDOW - 1))
        wanted = set(range(WINDOW, WINDOW + extra))
        seen = collect_payload_numbers(peer, 0.15, lambda seen: seen >= wanted)
        expect_equal({number for number in seen if number >= WINDOW}, wanted, "after the ack")
        peer.send(ORDERED, ack(WINDOW, WINDOW + extra - 1))
        peer.expect_quiet("the last acknowledgement", 0.3)


def collect_payload_numbers(peer, seconds, is_enough):
    """Sequence numbers of reliable payloads that come within a time, and until there are enough."""
    start, seen = time.monotonic(), set()
    end, latest = start + seconds, start + ANSWER_SECONDS
    while time.monotonic() < (end if is_enough(seen) else latest):
        packet = peer.receive_or_none(0.05)
        if packet and packet[HEADER_SIZE] != ACK:
            seen.add(read_u16(packet, HEADER_SIZE + 4))
    peer.seen.update((ORDERED, number) for number in seen)
    return seen


def long_masks_are_whole_at_first_and_short_later(transport):
    with Script(transport).connect() as peer:
        peer.send(WIDE, reliable(256, 0, b"first"))
        peer.expect_reliable(WIDE, 0, b"first", acked=0)
        peer.send(WIDE, reliable(256, 1, b"second", acked=0, trim=True))
        peer.expect_reliable(WIDE, 1, b"second", acked=1, spoken=True)
        peer.send(WIDE, ack(256, 1))
        for number in range(11, 2, -1):
            peer.send(WIDE, reliable(256, number, b"%d" % number, acked=1, trim=True))
        last_ack(peer, WIDE, 256, acked=11, missing=1 << 9, mask_bytes=2)
        peer.send(WIDE, reliable(256, 2, b"2", acked=1, trim=True))
        for number in range(2, 12):
            peer.expect_reliable(WIDE, number, b"%d" % number, acked=11, spoken=True)
        peer.send(WIDE, ack(256, 11))


def last_ack(peer, pipeline, window, **wanted):
    """The last of several acknowledgements; how many there are is the server's affair."""
    last, found = None, {}
    while found != wanted:
        packet = peer.receive_or_none(ANSWER_SECONDS)
        expect(packet is not None, f"the last acknowledgement is {last}, not {wanted}")
        expect_equal(packet[9], pipeline, "pipeline of an acknowledgement")
        last, _ = parse_reliable_header(packet[HEADER_SIZE:], window)
        expect_equal(last.kind, ACK, "kind")
        found = {name: getattr(last, name) for name in wanted}


def headers_of_the_wrong_class_and_stubs_are_dropped(transport):
    wrong = (
        (ORDERED, reliable(256, 0, b"a long mask where there is none")),
        (ORDERED, reliable(256, 0, b"trimmed", trim=True)),
        (WIDE, reliable(32, 0, bytes(40))),
        (WIDE, reliable(64, 0, bytes(40))),
        (ORDERED, reliable(32, 0, b"")[:11]),
        (ORDERED, b""),
        (WIDE, reliable(256, 0, b"")[:39]),
        (FRAGMENT, b"\x00"),
        (SEQUENCED, b"\x00"),
        (BULK, reliable(32, 0, b"\x00")),
        (6, b"a pipeline that nobody made"),
        (254, whole(0, b"nor this one")),
    )
    with Script(transport).connect() as peer:
        for pipeline, body in wrong:
            peer.send(pipeline, body)
        skipped = []
        while packet := peer.receive_or_none(0.2):
            skipped.append(packet[9])
        expect(set(skipped) <= {BULK}, f"answers on pipelines {skipped}")
        peer.send(0, b"alive")
        peer.expect(0, b"alive", "echo without a pipeline")
        peer.send(ORDERED, reliable(WINDOW, 0, b"clean"))
        peer.expect_reliable(ORDERED, 0, b"clean", acked=0)
        peer.send(ORDERED, ack(WINDOW, 0))


def any_kind_but_one_is_a_payload(transport):
    with Script(transport).connect() as peer:
        peer.send(ORDERED, reliable(WINDOW, 0, b"kind 2", kind=2))
        peer.expect_reliable(ORDERED, 0, b"kind 2", acked=0)
        peer.send(ORDERED, reliable(WINDOW, 1, b"kind 255", acked=0, kind=255))
        peer.expect_reliable(ORDERED, 1, b"kind 255", acked=1)
        peer.send(ORDERED, ack(WINDOW, 1))


def a_fragmented_reliable_message_has_both_headers(transport, kind):
    size = PIECE[kind] - RELIABLE_HEADER
    parts = pieces_of(pattern(FRAGMENT_CAPACITY), size)
    with Script(transport).connect() as peer:
        for number, (body, *ends) in enumerate(parts):
            peer.send(BULK, reliable(WINDOW, number, piece(number, body, *ends)))
        came = {}
        while len(came) < len(parts):
            raw = peer.body(BULK, "a piece")
            if raw[0] != ACK:
                came.setdefault(read_u16(raw, 4), raw)
        for number, (body, *ends) in enumerate(parts):
            wanted = reliable(WINDOW, number, piece(number, body, *ends), acked=len(parts) - 1)
            expect_equal(came[number][:2], wanted[:2], f"kind of piece {number}")
            expect_equal(came[number][4:], wanted[4:], f"piece {number}")
        peer.send(BULK, ack(WINDOW, len(parts) - 1))


# Weather


def weather(seed, **more):
    settings = {"loss": 0.1, "double": 0.1, "jitter": 12, **more}
    return {"out": BadLink(seed, **settings), "into": BadLink(seed + 1, **settings)}


def messages_for(pipeline, count, seed):
    source = random.Random(seed)
    longest = FRAGMENT_CAPACITY if pipeline == BULK else 300
    return [source.randbytes(source.randint(0, longest)) for _ in range(count)]


def reliable_messages_survive_the_weather(transport, pipeline):
    options = weather(pipeline * 10)
    with Session.client(transport, pipelines=PIPELINES, **options) as session:
        session.connected()
        count = 30 if pipeline == BULK else 100
        session.expect_echoes(messages_for(pipeline, count, pipeline), pipeline, 60.0)
        session.disconnect()


def sequenced_messages_keep_their_order_in_the_weather(transport):
    with Session.client(transport, pipelines=PIPELINES, **weather(7, jitter=4)) as session:
        session.connected()
        for number in range(200):
            session.try_send(number.to_bytes(2, "big"), SEQUENCED)
            session.step(1)
        session.step_until(lambda: len(session.events) > 50, 10.0, "fifty of them")
        for _ in range(40):
            session.step()
        got = [payload for _, payload in session.take_messages()]
        expect_equal(got, sorted(set(got)), "order")
        session.disconnect()


def reliable_messages_pass_the_wrap(transport):
    """Bad weather only around the places where numbers wrap or blocks change."""
    count = SEQUENCES + 300
    out, into = BadLink(1, double=0.01), BadLink(2, double=0.01)
    with Session.client(transport, pipelines=PIPELINES, out=out, into=into) as session:
        session.connected()
        stage = session.connection.pipelines[WIDE].stage(Reliable)

        def storm(_from_us, _packet):
            near = min(stage.next % BLOCK, -stage.next % BLOCK) < 150
            out.loss = into.loss = 0.1 if near and stage.next > BLOCK // 2 else 0.0
            out.jitter = into.jitter = 3 if near else 0

        session.watch = storm
        messages = [number.to_bytes(4, "little") for number in range(count)]
        session.expect_echoes(messages, WIDE, 300.0)
        expect(stage.counts["resent"] > 10, f"{stage.counts['resent']} resends: no loss there")
        session.disconnect()


def the_path_mtu_is_what_the_server_answers(transport):
    with Session.client(transport, pipelines=PIPELINES, probe=True) as session:
        session.connected()
        mtu = session.connection.mtu
        # An answer that comes after the two rounds is good, too.
        session.step_until(lambda: mtu.acked == 1400, 10.0, "the path MTU")
        session.disconnect()


def payloads_and_plain_data_stand_beside_pipelines(transport):
    with Session.client(transport, pipelines=PIPELINES, payload=b"hello") as session:
        session.connected()
        session.try_send(b"plain")
        session.try_send(b"ordered", ORDERED)
        session.try_send(b"plain again")
        got = []

        def all_came():
            got.extend(session.take_messages())
            return len(got) >= 3

        session.step_until(all_came, 10.0, "echoes")
        wanted = [(0, b"plain"), (0, b"plain again"), (ORDERED, b"ordered")]
        expect_equal(sorted(got), sorted(wanted), "echoes")
        session.disconnect()


EXACT = (
    sequenced_packets_come_back_with_their_own_numbers,
    a_message_with_a_lost_fragment_is_lost_alone,
    fragments_without_a_beginning_or_over_capacity_are_dropped,
    reliable_headers_are_exact,
    unacknowledged_packets_are_sent_again,
    holes_show_in_the_mask,
    acknowledgements_alone_are_exact,
    stale_and_far_packets_are_ignored,
    a_window_that_is_not_acknowledged_holds_the_server,
    long_masks_are_whole_at_first_and_short_later,
    headers_of_the_wrong_class_and_stubs_are_dropped,
    any_kind_but_one_is_a_payload,
    sequenced_messages_keep_their_order_in_the_weather,
    the_path_mtu_is_what_the_server_answers,
    payloads_and_plain_data_stand_beside_pipelines,
)
BY_KIND = (
    fragments_become_one_message_and_go_back_in_pieces,
    a_fragmented_reliable_message_has_both_headers,
)
