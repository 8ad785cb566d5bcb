"""Unity Transport's pipelines, written a second time, against echo_server and echo_client.

Run as `python utp_pipelines_peer.py` with NETDRIVER_EXAMPLES set. Standard library only. Most of
the time is waiting for timers, so the groups of checks run side by side, each in a process.
"""

import concurrent.futures
import contextlib

import utp_pipeline_client_checks
import utp_pipeline_server_checks
import utp_reference_checks
from harness import Checks, EchoServer
from utp_script import BULK, ORDERED, PIPELINES, WIDE
from utp_transport import TcpTransport, UdpTransport, WebSocketTransport

PROCESSES = 4


@contextlib.contextmanager
def server_running():
    server = EchoServer("--pipelines", PIPELINES)
    try:
        yield server
    finally:
        server.kill()


def run_over(kind, dial):
    """Every check of a client, over one transport."""
    checks, bodies = Checks(), utp_pipeline_client_checks
    with server_running() as server:
        for body in bodies.EXACT:
            checks.run_now(f"{body.__name__} over {kind}", lambda: body(dial(server)))
        for body in bodies.BY_KIND:
            checks.run_now(f"{body.__name__} over {kind}", lambda: body(dial(server), kind))
        body = bodies.reliable_messages_survive_the_weather
        for pipeline in (ORDERED, BULK, WIDE):
            name = f"{body.__name__} over {kind}, pipeline {pipeline}"
            checks.run_now(name, lambda: body(dial(server), pipeline))
    return checks


def over_udp():
    return run_over("udp", lambda server: UdpTransport(server.udp_port))


def over_websocket():
    return run_over("ws", lambda server: WebSocketTransport.dial(server.ws_port))


def over_tcp():
    return run_over("tcp", lambda server: TcpTransport.dial(server.tcp_port))


def past_the_wrap():
    checks = Checks()
    body = utp_pipeline_client_checks.reliable_messages_pass_the_wrap
    with server_running() as server:
        checks.run_now(body.__name__, lambda: body(UdpTransport(server.udp_port)))
    return checks


def run_all(bodies):
    checks = Checks()
    for body in bodies:
        checks.run_now(body.__name__, body)
    return checks


def the_reference():
    return run_all(utp_reference_checks.ALL)


def clients_by_hand():
    return run_all(utp_pipeline_server_checks.EXACT)


def clients_in_numbers():
    return run_all(utp_pipeline_server_checks.IN_NUMBERS)


GROUPS = (
    past_the_wrap,
    the_reference,
    over_udp,
    over_websocket,
    over_tcp,
    clients_by_hand,
    clients_in_numbers,
)


def main():
    total = Checks()
    with concurrent.futures.ProcessPoolExecutor(PROCESSES) as pool:
        for group in [pool.submit(group) for group in GROUPS]:
            checks = group.result()
            total.passed += checks.passed
            total.failed += checks.failed
    total.finish()


if __name__ == "__main__":
    main()
