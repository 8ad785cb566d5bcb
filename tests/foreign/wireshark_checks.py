"""The Wireshark dissector against captures: written by hand, and recorded from runs.

Run as `python wireshark_checks.py` with NETDRIVER_EXAMPLES and NETDRIVER_ARTIFACTS set, and with
tshark in PATH. The captures stay among the artifacts for whoever wants to look at them.
"""

import json
import os
import pathlib
import subprocess

import netdriver_frames as frames
from harness import Checks, EchoServer, Program, expect, expect_equal
from utp_pcap import Capture, TcpFlow
from utp_protocol import (
    BINARY,
    GOLDEN_ACCEPT_KEY,
    GOLDEN_MASK,
    GOLDEN_TOKEN,
    accept,
    data,
    disconnect,
    frame,
    heartbeat,
    mtu_ack,
    mtu_check,
    request,
    upgrade_request,
)
from utp_recording import TcpRecorder, UdpRecorder
from utp_script import (
    BULK,
    FRAGMENT,
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
from utp_transport import UdpTransport, WebSocketTransport

ROOT = pathlib.Path(__file__).resolve().parents[2]
DISSECTOR = ROOT / "bindings" / "wireshark" / "netdriver.lua"
PORTS = (50000, 7777)
TSHARK_SECONDS = 300


def folder():
    path = pathlib.Path(os.environ["NETDRIVER_ARTIFACTS"]) / "captures"
    path.mkdir(parents=True, exist_ok=True)
    return path


def tshark(capture, *options):
    command = ["tshark", "-X", f"lua_script:{DISSECTOR}", "-r", str(capture), *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TSHARK_SECONDS)
    errors = [line for line in done.stderr.splitlines() if "Running as user" not in line]
    expect(done.returncode == 0 and not errors, f"tshark says {errors[:3]}")
    return done.stdout


def decode(capture, pipelines=PIPELINES, *options):
    """The packets in a capture: a dict of fields each, without the common prefix."""
    preference = f"netdriver.pipelines:{pipelines}"
    output = tshark(capture, "-o", preference, "-Y", "netdriver", "-T", "json", *options)
    packets = []
    for entry in json.loads(output, object_pairs_hook=keep_all):
        for name, value in entry["_source"][0]["layers"][0].items():
            if name == "netdriver":
                packets += [flat(layer) for layer in value]
    return packets


def keep_all(pairs):
    """A JSON object in which a name may stand several times: lists of values."""
    found = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def flat(layer, into=None):
    """All fields under a layer; one that stands several times is a list."""
    into = {} if into is None else into
    for name, values in layer.items():
        for value in values:
            if isinstance(value, dict):
                flat(value, into)
            elif name.startswith("netdriver."):
                # Newer versions write booleans as words.
                value = {"True": "1", "False": "0"}.get(value, value)
                into.setdefault(name.removeprefix("netdriver."), []).append(value)
    return into


def expect_fields(packet, what, **wanted):
    """Dots are written as two underscores."""
    for name, value in wanted.items():
        name = name.replace("__", ".")
        values = [str(each) for each in (value if isinstance(value, list) else [value])]
        expect_equal(packet.get(name, []), values, f"{name} of {what}")


# A conversation that has everything once


def conversation():
    """(from the client?, packet, what it is, its fields)."""
    token = GOLDEN_TOKEN
    first = reliable(32, 0, piece(0, b"be", True))
    return (
        (True, request(token, b"hi"), "request", {"handshake": 1, "payload": "68:69"}),
        (False, accept(token), "accept", {"handshake": 2, "token": token.hex(":"), "version": 1}),
        (True, data(token, b"plain"), "plain data", {"pipeline": 0, "data": b"plain".hex(":")}),
        (True, data(token, b""), "empty data", {"data__length": 0, "data": []}),
        (
            True,
            data(token, whole(0, b"whole"), FRAGMENT),
            "fragment",
            {"fragment__sequence": 0, "fragment__first": 1, "fragment__last": 1},
        ),
        (True, data(token, sequenced(0, b"s"), SEQUENCED), "useq", {"useq__sequence": 0}),
        (
            True,
            data(token, reliable(32, 0, b"rel"), ORDERED),
            "reliable",
            {"reliable__kind": 0, "reliable__sequence": 0, "reliable__acked": 65535},
        ),
        (
            False,
            data(token, ack(32, 3, 0b10, 16), ORDERED),
            "ack",
            {
                "reliable__kind": 1,
                "reliable__acked": 3,
                "reliable__missing": 2,
                "reliable__mask": "fd:ff:ff:ff",
                "reliable__processing_ms": 16,
                "data": [],
            },
        ),
        (
            True,
            data(token, first, BULK),
            "fragment that is reliable",
            {"reliable__sequence": 0, "fragment__first": 1, "fragment__last": 0, "data": "62:65"},
        ),
        (
            True,
            data(token, reliable(256, 0, b"w"), WIDE),
            "long mask",
            {"reliable__mask_length": 32, "reliable__mask": "ff:" * 31 + "ff", "data": "77"},
        ),
        (
            False,
            data(token, reliable(256, 0, b"w", 9, 1 << 8, trim=True), WIDE),
            "trimmed mask",
            {"reliable__mask_length": 2, "reliable__missing": 1, "data": "77"},
        ),
        (True, data(token, first, BULK), "resend", {"reliable__resend_of": "*"}),
        (True, mtu_check(token, 1400), "probe", {"message": 4, "mtu__padding": 1389}),
        (False, mtu_ack(token, 1400), "answer", {"message": 5, "mtu__size": 1400}),
        (True, heartbeat(token), "heartbeat", {"message": 3}),
        (True, disconnect(token), "disconnect", {"message": 2}),
    )


def expect_conversation(packets):
    wanted = conversation()
    expect_equal(len(packets), len(wanted), "packets")
    for packet, (_, _, what, fields) in zip(packets, wanted, strict=True):
        expect("malformed" not in packet, f"{what} is malformed")
        for name, value in fields.items():
            if value == "*":
                name = name.replace("__", ".")
                expect(packet.get(name), f"{what} has no {name}: {packet}")
            else:
                expect_fields(packet, what, **{name: value})


def written(name, write):
    """A capture of the conversation, as `write(capture)` gives the function that sends."""
    path = folder() / f"{name}.pcap"
    with Capture(path) as capture:
        send = write(capture)
        for from_client, packet, _, _ in conversation():
            capture.now += 10
            send(from_client, packet)
    return path


def over_udp(capture):
    return lambda from_client, packet: capture.udp(from_client, PORTS, packet)


def over_tcp(capture):
    flow = TcpFlow(capture, PORTS)
    return lambda from_client, packet: flow.send(
        from_client, len(packet).to_bytes(2, "big") + packet
    )


def over_websocket(capture):
    flow = TcpFlow(capture, PORTS)
    flow.send(True, upgrade_request(PORTS[1]))
    lines = ("HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade")
    answer = "\r\n".join((*lines, f"Sec-WebSocket-Accept: {GOLDEN_ACCEPT_KEY}", "", ""))
    flow.send(False, answer.encode())
    return lambda from_client, packet: flow.send(
        from_client, frame(BINARY, packet, GOLDEN_MASK if from_client else None)
    )


def every_message_is_decoded_over_udp():
    expect_conversation(decode(written("udp", over_udp)))


def every_message_is_decoded_over_tcp():
    expect_conversation(decode(written("tcp", over_tcp)))


def every_message_is_decoded_over_websocket():
    expect_conversation(decode(written("websocket", over_websocket)))


def stages_are_guessed_without_a_preference():
    packets = decode(written("guessed", over_udp), "")
    expect_conversation(packets)
    stages = {}
    for packet in packets:
        for pipeline, named in zip(packet.get("pipeline", []), packet.get("stages", [])):
            stages.setdefault(pipeline, set()).add(named)
            expect_fields(packet, "guess", stages__guessed=1)
    wanted = ("frag", "useq", "reliable:32", "frag,reliable:32", "reliable:256")
    expect_equal(stages, {str(n): {name} for n, name in enumerate(wanted, 1)}, "guesses")


def what_receivers_drop_is_marked():
    token = GOLDEN_TOKEN
    cases = (
        (request(token) + b"\x05\x00abc", "payload_length.wrong"),
        (data(token, b"")[:9], "malformed"),
        (bytes([6]) + token, "unknown"),
        (data(token, b"\x00", SEQUENCED), "malformed"),
        (data(token, reliable(32, 0, b"abc"), WIDE), "reliable.class"),
        (data(token, reliable(256, 0, b"abc"), ORDERED), "reliable.class"),
        (data(token, reliable(32, 0, b"")[:11], ORDERED), "malformed"),
        (bytes([4]) + token, "malformed"),
        (b"short", "malformed"),
    )
    path = folder() / "marked.pcap"
    with Capture(path) as capture:
        for packet in (request(token), *(packet for packet, _ in cases)):
            capture.udp(True, PORTS, packet)
    for packet, (raw, mark) in zip(decode(path)[1:], cases, strict=True):
        expect(mark in packet, f"{raw.hex()} is not marked as {mark}: {packet}")


def greetings():
    """What comes before a session: cookies under load, and Hellos."""
    token, cookie = GOLDEN_TOKEN, b"\x01\x02\x03\x04"
    return (
        (False, frames.retry(token, cookie), "retry", {"message": 0xF1, "cookie": cookie.hex(":")}),
        (
            True,
            frames.request_with_cookie(token, cookie, b"hi"),
            "request with a cookie",
            {"message": 0xF2, "cookie": cookie.hex(":"), "payload": "68:69"},
        ),
        (
            True,
            frames.hello(token, False),
            "hello",
            {"hello__version": 2, "hello__answer": 0, "hello__features__pieces": 1},
        ),
        (
            True,
            frames.hello(token, False, features=6),
            "hello without pieces",
            {"hello__features": "0x00000006", "hello__features__pieces": 0},
        ),
        (
            True,
            frames.hello(token, False, version=1),
            "hello of another version",
            {"hello__version": 1, "hello__answer": 0},
        ),
        (
            False,
            frames.hello(token, True, digest=0xABCD),
            "answer",
            {"hello__answer": 1, "hello__datagram_size_max": 1400, "hello__window": 1 << 21},
        ),
    )


def several_messages():
    packet = frames.packet(
        GOLDEN_TOKEN,
        7,
        frames.ack(80, (90, 100), (70, 80), (5, 5)),
        frames.PING,
        frames.message(0, b"plain"),
        frames.reliable(ORDERED, 3, b"ordered"),
        frames.reliable(BULK, 4, piece(0, b"bulk", True), last=True),
    )
    fields = {
        "session__number": 7,
        "ack__largest": 100,
        "ack__delay_us": 80,
        "ack__range": ["90-100", "70-80", "5"],
        "pipeline": 0,
        "channel": [ORDERED, BULK],
        "channel__message": [3, 4],
        "fragment__first": 1,
        "data": [raw.hex(":") for raw in (b"plain", b"ordered", b"bulk")],
    }
    return True, packet, "several messages", fields


def control_frames():
    packet = frames.packet(
        GOLDEN_TOKEN,
        0x12345,
        frames.PADDING * 3,
        frames.window(1 << 21),
        frames.BLOCKED,
        frames.delivered(ORDERED, 9),
        frames.path_challenge(b"12345678"),
        frames.path_response(b"87654321"),
        frames.repair(ORDERED, 2, 0b10111, b"xor", last=True),
        long=True,
    )
    fields = {
        "session__number": 0x12345,
        "window": 1 << 21,
        "channel": [ORDERED, ORDERED],
        "path": [b"12345678".hex(":"), b"87654321".hex(":")],
        "repair__members": "0x17",
        "repair__data": b"xor".hex(":"),
    }
    return False, packet, "control frames", fields


def pieces():
    part = frames.part(ORDERED, 5, 1000, True, b"end")
    packet = frames.packet(GOLDEN_TOKEN, 9, frames.PING, part)
    fields = {
        "channel": ORDERED,
        "channel__message": 5,
        "part__offset": 1000,
        "part__last": 1,
        "part__data": b"end".hex(":"),
    }
    return True, packet, "a piece", fields


def a_packet_on_its_channel():
    raw = bytes([BULK]) + reliable(32, 9, piece(3, b"bulk", True))
    packet = frames.packet(
        GOLDEN_TOKEN, 10, frames.reliable(frames.PACKET_CHANNEL, 7, raw), frames.PING
    )
    fields = {
        "channel": frames.PACKET_CHANNEL,
        "channel__message": 7,
        "pipeline": BULK,
        "reliable__sequence": 9,
        "fragment__sequence": 3,
        "data": b"bulk".hex(":"),
    }
    return True, packet, "a packet on its channel", fields


def session():
    """(from the client?, packet, what it is, its fields), between two netdriver peers."""
    empty = frames.packet(GOLDEN_TOKEN, 8)
    last = (True, empty, "empty packet", {"session__number": 8, "frame": []})
    whole = (several_messages(), control_frames(), pieces(), a_packet_on_its_channel())
    return (*greetings(), *whole, last)


def sessions_of_netdriver_peers_are_decoded():
    path = folder() / "session.pcap"
    opening = [(True, request(GOLDEN_TOKEN)), (False, accept(GOLDEN_TOKEN))]
    with Capture(path) as capture:
        for from_client, packet in opening + [entry[:2] for entry in session()]:
            capture.now += 10
            capture.udp(from_client, PORTS, packet)
    packets = decode(path)[len(opening) :]
    expect_equal(len(packets), len(session()), "packets")
    for packet, (_, _, what, fields) in zip(packets, session(), strict=True):
        expect("malformed" not in packet, f"{what} is malformed: {packet}")
        expect_fields(packet, what, **fields)


def broken_frames_are_marked():
    token = GOLDEN_TOKEN
    cut = frames.reliable(ORDERED, 3, b"ordered")[:-1]
    broken = (b"\x3f", cut, frames.ack(0, (1, 2))[:-1], b"\x08", b"\x09\x00\xc0")
    path = folder() / "broken-frames.pcap"
    with Capture(path) as capture:
        capture.udp(True, PORTS, request(token))
        for raw in broken:
            capture.udp(True, PORTS, frames.packet(token, 1, frames.PING, raw))
        capture.udp(True, PORTS, frames.packet(token, 1)[:-1])
    packets = decode(path)[1:]
    expect_equal(len(packets), len(broken) + 1, "packets")
    for packet, raw in zip(packets, (*broken, b"a cut header"), strict=True):
        expect("malformed" in packet, f"{raw.hex()} is not marked: {packet}")


def strangers_are_left_alone():
    path = folder() / "strangers.pcap"
    with Capture(path) as capture:
        for payload in (b"UTP", b"\x01" + bytes(30), data(GOLDEN_TOKEN, b"never introduced")):
            capture.udp(True, PORTS, payload)
        flow = TcpFlow(capture, PORTS)
        flow.send(True, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    expect_equal(decode(path), [], "packets")
    # Told that the port carries nothing else, it decodes what it never saw begin.
    packets = decode(path, PIPELINES, "-o", f"netdriver.udp_ports:{PORTS[1]}")
    expect_equal(len(packets), 3, "packets on the named port")
    expect_fields(packets[2], "data", pipeline=0, data=b"never introduced".hex(":"))


# Recorded


def play(transport, **options):
    """A client that uses every pipeline, and leaves."""
    with Session.client(transport, pipelines=PIPELINES, **options) as session:
        session.connected()
        for pipeline in (0, FRAGMENT, SEQUENCED, ORDERED, BULK, WIDE):
            size = 3000 if pipeline in (FRAGMENT, BULK) else 50
            session.expect_echoes([bytes(size)] * 5, pipeline, 30.0)
        session.disconnect()
        session.step(50)


def expect_recorded(path):
    packets = decode(path)
    for packet in packets:
        wrong = {"malformed", "unknown", "reliable.class"} & set(packet)
        expect(not wrong, f"{wrong} in a recorded packet: {packet}")
        # The reference is a stock peer: it must not hear of what only netdriver speaks.
        beyond = {"hello.version", "session.number", "cookie"} & set(packet)
        expect(not beyond, f"{beyond} for a stock peer: {packet}")
    seen = {number for packet in packets for number in packet.get("pipeline", [])}
    expect_equal(seen, {str(number) for number in range(6)}, "pipelines")
    for number in (FRAGMENT, BULK):
        ends = [packet for packet in packets if packet.get("pipeline") == [str(number)]]
        lasts = sum(packet.get("fragment.last") == ["1"] for packet in ends)
        expect(lasts >= 10, f"{lasts} whole messages on pipeline {number}")
    kinds = {packet.get("handshake", [""])[0] for packet in packets}
    expect({"1", "2"} <= kinds, f"handshakes {kinds}")


def a_recorded_udp_session_is_decoded(server):
    path = folder() / "recorded-udp.pcap"
    with Capture(path) as capture, UdpRecorder(capture, server.udp_port) as recorder:
        play(UdpTransport(recorder.port), probe=True)
    expect_recorded(path)


def a_recorded_websocket_session_is_decoded(server):
    path = folder() / "recorded-websocket.pcap"
    with Capture(path) as capture, TcpRecorder(capture, server.ws_port) as recorder:
        play(WebSocketTransport.dial(recorder.port))
    expect_recorded(path)


def a_recorded_session_of_two_netdriver_peers_is_decoded(server):
    path = folder() / "recorded-netdriver.pcap"
    with Capture(path) as capture, UdpRecorder(capture, server.udp_port) as recorder:
        options = ("--count", 200, "--size", 200, "--window", 16, "--seconds", 60)
        pipelines = ("--pipelines", PIPELINES, "--pipeline", ORDERED)
        target = ("udp", "127.0.0.1", recorder.port)
        client = Program("echo_client", *target, *options, *pipelines)
        expect_equal(client.finish(70), 0, "exit code of echo_client")
    packets = decode(path)
    wrong = {"malformed", "unknown", "reliable.class"}
    for packet in packets:
        expect(not wrong & set(packet), f"{wrong & set(packet)} in {packet}")
    length = sum(int(value) for packet in packets for value in packet.get("data.length", []))
    expect(length >= 2 * 200 * 200, f"{length} bytes of messages")
    greeted = sum("hello.version" in packet for packet in packets)
    spoken = sum("session.number" in packet for packet in packets)
    expect(greeted >= 2 and spoken >= 2, f"{greeted} Hellos, {spoken} packets of a session")


WRITTEN = (
    every_message_is_decoded_over_udp,
    every_message_is_decoded_over_tcp,
    every_message_is_decoded_over_websocket,
    stages_are_guessed_without_a_preference,
    what_receivers_drop_is_marked,
    sessions_of_netdriver_peers_are_decoded,
    broken_frames_are_marked,
    strangers_are_left_alone,
)
RECORDED = (
    a_recorded_udp_session_is_decoded,
    a_recorded_websocket_session_is_decoded,
    a_recorded_session_of_two_netdriver_peers_is_decoded,
)


def main():
    checks = Checks()
    for body in WRITTEN:
        checks.run_now(body.__name__, body)
    server = EchoServer("--pipelines", PIPELINES)
    try:
        for body in RECORDED:
            checks.run_now(body.__name__, body, server)
    finally:
        server.kill()
    checks.finish()


if __name__ == "__main__":
    main()
