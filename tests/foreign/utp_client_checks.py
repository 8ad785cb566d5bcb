"""The reference peer as a UDP client of echo_server."""

import os
import time

from harness import counter, expect, expect_equal, shorten, wait_until
from utp_protocol import (
    GOLDEN_TOKEN,
    MESSAGE_SIZE_MAX,
    REPLY_SECONDS,
    UdpPeer,
    accept,
    data,
    disconnect,
    heartbeat,
    mtu_ack,
    mtu_check,
    new_token,
    request,
)

QUIET_SECONDS = 0.3
HEARTBEAT_MS = 500
REFRESH = ("heartbeat",)


def connect(peer, token, payload=None):
    """Connect and speak once, so that the server stops repeating its Accept."""
    peer.send(request(token, payload))
    expect_packet(peer, accept(token), "accept")
    peer.send(heartbeat(token))


def expect_packet(peer, wanted, what, skip=REFRESH):
    packet = peer.receive_from_server(skip=skip)
    expect(packet is not None, f"no {what} came")
    expect_equal(packet, wanted, what)


def expect_echo(peer, token, payload):
    """Send data and get it back; the Accept may be repeated in front of it."""
    peer.send(data(token, payload))
    expect_packet(peer, data(token, payload), "echo", skip=("heartbeat", "accept"))


def expect_nothing(peer, what, skip=REFRESH):
    packet = peer.receive_from_server(QUIET_SECONDS, skip=skip)
    expect(packet is None, f"{what} was answered with {shorten(packet)}")


def golden_request_gets_the_golden_accept(server):
    with UdpPeer(server.udp_port) as peer:
        peer.send(bytes.fromhex("55545001011122334455667788"))
        expect_packet(peer, bytes.fromhex("55545001021122334455667788"), "accept")
        peer.send(bytes.fromhex("0111223344556677880068656c6c6f"))
        expect_packet(
            peer,
            bytes.fromhex("0111223344556677880068656c6c6f"),
            "echo",
            skip=("heartbeat", "accept"),
        )
        peer.send(disconnect(GOLDEN_TOKEN))


def connect_payload_is_taken(server):
    with UdpPeer(server.udp_port) as peer:
        for payload in (b"hi", b"", os.urandom(MESSAGE_SIZE_MAX - 10 - 13 - 2)):
            token = new_token()
            connect(peer, token, payload)
            expect_echo(peer, token, b"after the payload")
            peer.send(disconnect(token))


def repeated_request_is_accepted_again(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        for _ in range(3):
            peer.send(request(token))
            expect_packet(peer, accept(token), "accept")
        expect_echo(peer, token, b"one connection")
        peer.send(disconnect(token))


def accept_for_a_repeated_request_goes_to_the_old_address(server):
    with UdpPeer(server.udp_port) as old, UdpPeer(server.udp_port) as new:
        token = new_token()
        connect(old, token)
        new.send(request(token))
        expect_packet(old, accept(token), "accept at the old address")
        expect_nothing(new, "a request from elsewhere")
        old.send(disconnect(token))


def data_comes_back_byte_for_byte(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        for length in (0, 1, 2, 100, 1200, MESSAGE_SIZE_MAX - 10):
            expect_echo(peer, token, os.urandom(length))
        peer.send(disconnect(token))


def datagram_over_the_limit_is_dropped(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        peer.send(data(token, bytes(MESSAGE_SIZE_MAX - 9)))
        expect_nothing(peer, "an oversized datagram")
        expect_echo(peer, token, b"still here")
        peer.send(disconnect(token))


def silence_is_filled_with_heartbeats(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        start = time.monotonic()
        expect_echo(peer, token, b"start of the silence")
        # A slow machine may show each of them late, but none too early.
        for count in range(1, 4):
            expect_packet(peer, heartbeat(token), "heartbeat", skip=())
            waited = (time.monotonic() - start) * 1000
            expect(waited > count * HEARTBEAT_MS - 50, f"{count} came after {waited:.0f} ms")
        peer.send(disconnect(token))


def accept_is_repeated_until_the_client_speaks(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        peer.send(request(token))
        expect_packet(peer, accept(token), "accept", skip=())
        expect_nothing(peer, "a heartbeat without an accept would end a stock client", skip=())
        peer.send(request(token))
        expect_packet(peer, accept(token), "accept for the repeated request", skip=())
        peer.send(data(token, b"now"))
        expect_packet(peer, data(token, b"now"), "echo", skip=("accept", "heartbeat"))
        expect_packet(peer, heartbeat(token), "heartbeat without an accept", skip=())
        peer.send(disconnect(token))


def mtu_check_is_answered_with_its_size(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        for size in (1024, 1300, 1380, 1400):
            peer.send(mtu_check(token, size))
            expect_packet(peer, mtu_ack(token, size), f"ack of {size}")
        expect_equal(mtu_ack(GOLDEN_TOKEN, 1400).hex(), "05112233445566778802007805", "golden")
        peer.send(disconnect(token))


def data_moves_the_connection_to_its_new_address(server):
    with UdpPeer(server.udp_port) as old, UdpPeer(server.udp_port) as new:
        token = new_token()
        connect(old, token)
        expect_echo(old, token, b"from the old address")
        expect_echo(new, token, b"from the new address")
        expect_packet(new, heartbeat(token), "heartbeat at the new address", skip=())
        expect_nothing(old, "nobody", skip=())
        new.send(disconnect(token))


def heartbeat_moves_the_connection_too(server):
    with UdpPeer(server.udp_port) as old, UdpPeer(server.udp_port) as new:
        token = new_token()
        connect(old, token)
        new.send(heartbeat(token))
        expect_packet(new, heartbeat(token), "heartbeat at the new address", skip=())
        new.send(disconnect(token))


def disconnect_is_not_answered_and_ends_the_echo(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        expect_echo(peer, token, b"before")
        peer.send(disconnect(token))
        expect_nothing(peer, "a disconnect", skip=())
        peer.send(data(token, b"after"))
        expect_nothing(peer, "data after the disconnect", skip=())


def a_token_that_has_ended_makes_no_ghost(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        expect_echo(peer, token, b"the one connection")
        peer.send(disconnect(token))
        peer.send(request(token))
        expect_nothing(peer, "a request that comes late", skip=())
        again = new_token()
        connect(peer, again)
        expect_echo(peer, again, b"another")
        peer.send(disconnect(again))


def request_with_a_wrong_payload_length_is_dropped(server):
    with UdpPeer(server.udp_port) as peer:
        for trailer in ("05006869", "00006869", "01006869", "ffff6869"):
            token = new_token()
            peer.send(request(token) + bytes.fromhex(trailer))
            expect_nothing(peer, f"a request with {trailer}", skip=())
        connect(peer, token)
        expect_echo(peer, token, b"clean afterwards")
        peer.send(disconnect(token))


def broken_data_is_dropped_and_the_connection_lives(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        for packet in (
            bytes([1]) + token,
            data(token, b"no such pipeline", 1),
            data(token, b"", 255),
            bytes([6]) + token,
            bytes([0xFF]) + token + b"tail",
            bytes([4]) + token,
        ):
            peer.send(packet)
            answer = peer.receive_from_server(QUIET_SECONDS / 3, skip=("heartbeat", "mtu-ack"))
            expect(answer is None, f"{packet.hex()} was answered with {shorten(answer)}")
        expect_echo(peer, token, b"still here")
        peer.send(disconnect(token))


def many_tokens_share_one_address(server):
    with UdpPeer(server.udp_port) as peer:
        tokens = [new_token() for _ in range(100)]
        for token in tokens:
            connect(peer, token)
        for token in reversed(tokens):
            expect_echo(peer, token, token[::-1])
        for token in tokens:
            peer.send(disconnect(token))


def noise():
    """Datagrams that are no packets, by the counter that shows them."""
    malformed = [b"\x55", b"UTP", b"UTP\x01\x01\x11\x22", bytes(8), os.urandom(5)]
    malformed += [b"UTP\x01\x09" + new_token(), b"\xf0" + os.urandom(30)]
    malformed += [b"UTP\x02\x01" + new_token(), b"UTP\x00\x01" + new_token()]
    unknown = [data(new_token(), b"who is this"), heartbeat(new_token())]
    unknown += [disconnect(new_token()), mtu_check(new_token(), 1200)]
    unknown += [accept(new_token())]
    old = [b"\x00\x00" + new_token()]
    return malformed, unknown, old


def noise_is_ignored_and_counted(server):
    malformed, unknown, old = noise()
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        with UdpPeer(server.udp_port) as stranger:
            for packet in (b"", *malformed, *unknown, *old):
                stranger.send(packet)
            expect_echo(peer, token, b"an echo after the noise")
            expect_nothing(stranger, "noise", skip=())
    report = server.stop()
    counts = {
        name: counter(report, name)
        for name in ("malformed_in", "unknown_token_in", "old_protocol_in", "connections_incoming")
    }
    expect(None not in counts.values(), f"counters are missing: {counts}")
    dropped = counts["malformed_in"] + counts["unknown_token_in"] + counts["old_protocol_in"]
    total = len(malformed) + len(unknown) + len(old)
    # The empty datagram may count too; random bytes may look like a packet of a stranger.
    expect(total <= dropped <= total + 1, f"{total} bad datagrams, counted {counts}")
    expect_equal(counts["old_protocol_in"], 1, "old_protocol_in")
    expect(counts["unknown_token_in"] >= len(unknown), f"unknown tokens: {counts}")
    expect(counts["malformed_in"] >= len(malformed) - 2, f"malformed: {counts}")
    expect_equal(counts["connections_incoming"], 1, "connections_incoming")


def repeated_requests_make_one_connection(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        for _ in range(20):
            peer.send(request(token))
        expect_packet(peer, accept(token), "accept")
        expect_echo(peer, token, b"hello")
        peer.send(disconnect(token))
    report = server.stop()
    expect_equal(counter(report, "connections_incoming"), 1, "connections_incoming")
    expect_equal(counter(report, "messages_in"), 1, "messages_in")


def stopped_server_says_goodbye(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        expect_echo(peer, token, b"hello")
        server.stop()
        expect_packet(peer, disconnect(token), "disconnect")


def disconnect_shows_in_the_servers_log(server):
    with UdpPeer(server.udp_port) as peer:
        token = new_token()
        connect(peer, token)
        expect_echo(peer, token, b"hello")
        peer.send(disconnect(token))
        wait_until(
            lambda: any("ClosedByRemote" in line or "reason 3" in line for line in server.stderr),
            REPLY_SECONDS,
            "the end of the connection in the server's log",
        )


def ipv6_and_ipv4_clients_share_one_server(server):
    with UdpPeer(server.udp_port, "::1") as six, UdpPeer(server.udp_port) as four:
        first, second = new_token(), new_token()
        connect(six, first)
        connect(four, second)
        expect_echo(six, first, b"over IPv6")
        expect_echo(four, second, b"over IPv4")
        six.send(disconnect(first))
        four.send(disconnect(second))


SHARED_SERVER = (
    golden_request_gets_the_golden_accept,
    connect_payload_is_taken,
    repeated_request_is_accepted_again,
    accept_for_a_repeated_request_goes_to_the_old_address,
    data_comes_back_byte_for_byte,
    datagram_over_the_limit_is_dropped,
    silence_is_filled_with_heartbeats,
    accept_is_repeated_until_the_client_speaks,
    mtu_check_is_answered_with_its_size,
    data_moves_the_connection_to_its_new_address,
    heartbeat_moves_the_connection_too,
    disconnect_is_not_answered_and_ends_the_echo,
    a_token_that_has_ended_makes_no_ghost,
    request_with_a_wrong_payload_length_is_dropped,
    broken_data_is_dropped_and_the_connection_lives,
    many_tokens_share_one_address,
)
OWN_SERVER = (
    noise_is_ignored_and_counted,
    repeated_requests_make_one_connection,
    stopped_server_says_goodbye,
    disconnect_shows_in_the_servers_log,
)
