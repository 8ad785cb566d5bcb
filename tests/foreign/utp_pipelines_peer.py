"""Unity Transport's pipelines, written a second time, against echo_server and echo_client.

Run as `python utp_pipelines_peer.py` with NETDRIVER_EXAMPLES set. Standard library only.
"""

import contextlib

import utp_pipeline_client_checks
import utp_pipeline_server_checks
import utp_reference_checks
from harness import Checks, EchoServer
from utp_script import BULK, ORDERED, PIPELINES, WIDE
from utp_transport import UdpTransport, WebSocketTransport


@contextlib.contextmanager
def server_running():
    server = EchoServer("--pipelines", PIPELINES)
    try:
        yield server
    finally:
        server.kill()


def run_over(checks, kind, dial):
    """Every check of a client, over one transport."""
    bodies = utp_pipeline_client_checks
    for body in bodies.EXACT:
        checks.run_now(f"{body.__name__} over {kind}", lambda body=body: body(dial()))
    for body in bodies.BY_KIND:
        checks.run_now(f"{body.__name__} over {kind}", lambda body=body: body(dial(), kind))
    for pipeline in (ORDERED, BULK, WIDE):
        body = bodies.reliable_messages_survive_the_weather
        name = f"{body.__name__} over {kind}, pipeline {pipeline}"
        checks.run_now(name, lambda body=body, pipeline=pipeline: body(dial(), pipeline))


def main():
    checks = Checks()
    for body in utp_reference_checks.ALL:
        checks.run_now(body.__name__, body)
    with server_running() as server:
        run_over(checks, "udp", lambda: UdpTransport(server.udp_port))
        run_over(checks, "ws", lambda: WebSocketTransport.dial(server.ws_port))
        wrap = utp_pipeline_client_checks.reliable_messages_pass_the_wrap
        checks.run_now(wrap.__name__, lambda: wrap(UdpTransport(server.udp_port)))
    for body in utp_pipeline_server_checks.ALL:
        checks.run_now(body.__name__, body)
    checks.finish()


if __name__ == "__main__":
    main()
