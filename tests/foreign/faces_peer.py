"""The C# faces of Best HTTP and Godot against the echo server in C and Python's `websockets`.

Run as `python faces_peer.py` with NETDRIVER_EXAMPLES set to the folder of the examples.
"""

import asyncio
import os
import subprocess

import websockets

from harness import Checks, EchoServer, expect, expect_equal

EXAMPLES = os.environ["NETDRIVER_EXAMPLES"]


def run(program, *arguments):
    """Runs a C# program to its end; returns its exit code and what it wrote."""
    environment = dict(os.environ, LD_LIBRARY_PATH=EXAMPLES)
    command = ["mono", f"{EXAMPLES}/{program}.exe", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def best_https_shape_meets_the_server_in_c(server):
    for text in ("hello", "h\u00e9 \U0001f600" * 5000):
        code, log = run("CallbackEcho", f"ws://127.0.0.1:{server.ws_port}/room?x", text)
        expect_equal(code, 0, f"exit code ({log[-300:]})")
        expect(f"echo: {text}" in log and "closed: 1000" in log, log[-300:])


async def best_https_shape_meets_pythons_server(_server):
    reasons = []

    async def echo(connection):
        async for message in connection:
            await connection.send(message)
        reasons.append((connection.close_code, connection.close_reason))

    async with websockets.serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code, log = await asyncio.to_thread(run, "CallbackEcho", f"ws://127.0.0.1:{port}/")
        expect_equal(code, 0, f"exit code ({log[-300:]})")
        await asyncio.sleep(0.1)
    expect_equal(reasons, [(1000, "thanks")], "how it ended")


def an_error_is_an_error(_server):
    code, log = run("CallbackEcho", "ws://127.0.0.1:1/")
    expect_equal(code, 1, f"exit code ({log[-300:]})")
    expect("error: " in log, log[-300:])


def godots_shapes_meet_each_other(_server):
    code, log = run("PolledEcho")
    expect_equal(code, 0, f"exit code ({log[-300:]})")
    expect("connected: echo" in log and "gone, clean: True" in log, log[-300:])


CHECKS = (
    best_https_shape_meets_the_server_in_c,
    best_https_shape_meets_pythons_server,
    an_error_is_an_error,
    godots_shapes_meet_each_other,
)


async def main():
    checks = Checks()
    server = EchoServer()
    try:
        for body in CHECKS:
            await checks.run(body.__name__, body, server, seconds=60.0)
    finally:
        server.kill()
    checks.finish()


if __name__ == "__main__":
    asyncio.run(main())
