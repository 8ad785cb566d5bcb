"""A reference peer for Unity Transport's protocol, against echo_server and echo_client, over UDP,
TCP and WebSocket.

Run as `python utp_peer.py` with NETDRIVER_EXAMPLES set. Standard library only: the protocol is
written down a second time in utp_protocol.py, from the wire format and not from the library.
"""

import contextlib

import netdriver_session_checks
import utp_client_checks
import utp_server_checks
import utp_tcp_checks
import utp_websocket_checks
from harness import Checks, EchoServer, Program, expect, expect_equal, has_ipv6
from utp_protocol import REPLY_SECONDS


@contextlib.contextmanager
def server_running(*arguments):
    server = EchoServer(*arguments)
    try:
        yield server
    finally:
        server.kill()


def custom_interface_example_connects_through_memory():
    program = Program("custom_interface")
    expect_equal(program.finish(REPLY_SECONDS), 0, "exit code of custom_interface")
    expect("hello through memory" in program.log(), f"it said {program.log()!r}")


def main():
    checks = Checks()
    example = custom_interface_example_connects_through_memory
    checks.run_now(example.__name__, example)
    golden = netdriver_session_checks.golden_bytes_of_the_chapter_are_written_and_read
    checks.run_now(golden.__name__, golden)
    with server_running() as server:
        shared = (
            *utp_client_checks.SHARED_SERVER,
            *utp_websocket_checks.AUTO_SERVER,
            *utp_tcp_checks.SHARED_SERVER,
        )
        for body in shared:
            checks.run_now(body.__name__, body, server)
    with server_running("--dialect", "utp") as server:
        for body in utp_websocket_checks.UTP_SERVER:
            checks.run_now(body.__name__, body, server)
    with server_running("--pipelines", netdriver_session_checks.PIPELINES) as server:
        for body in netdriver_session_checks.SHARED_SERVER:
            checks.run_now(body.__name__, body, server)
    for body in utp_client_checks.OWN_SERVER:
        with server_running() as server:
            checks.run_now(body.__name__, body, server)
    ipv6 = utp_client_checks.ipv6_and_ipv4_clients_share_one_server
    if has_ipv6():
        with server_running("--ipv6") as server:
            checks.run_now(ipv6.__name__, ipv6, server)
    else:
        checks.skip(ipv6.__name__, "this machine has no IPv6 loopback")
    for body in (*utp_server_checks.ALL, *utp_tcp_checks.OWN_PROGRAMS):
        checks.run_now(body.__name__, body)
    checks.finish()


if __name__ == "__main__":
    main()
