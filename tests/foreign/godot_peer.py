"""Godot 3, headless, as client of echo_server and as server of echo_client.

Its WebSocket classes are used by two short programs in `godot/`. Run as `python godot_peer.py` with
NETDRIVER_EXAMPLES set to the folder of the examples.
"""

import asyncio
import collections
import os
import re
import socket
import subprocess
import tempfile
import threading

from harness import Checks, EchoServer, Program, expect, expect_equal, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
CERTIFICATES = os.path.join(HERE, "../certificates")
# What client.gd sends: three texts and five binary messages.
MESSAGES = 8
# How the lines of the two programs begin.
OWN = re.compile(
    "established|echoed|closed? |refused|connected|gone|not sent|another|did not|cannot"
)
# To a client that closes a connection itself Godot 3.2 says so, whoever the server is.
CLOSED_BY_CLIENT = "closed not clean"
CLIENT_LINES = ["established ", f"echoed {MESSAGES}", CLOSED_BY_CLIENT]
# Godot draws no frames here, but it may be slow to start on a busy machine.
LIMIT_SECONDS = 60.0


class Godot:
    """A program of `godot/` and the lines that it prints."""

    def __init__(self, script, **environment):
        words = {name.upper(): str(value) for name, value in environment.items()}
        # Godot keeps things of its own there.
        self.home = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            ["godot3-server", "--path", f"{HERE}/godot", "-s", script],
            env={**os.environ, "HOME": self.home.name, "XDG_DATA_HOME": self.home.name, **words},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def line(self, wanted):
        """Waits for a line; without it the program is ended."""
        end = threading.Timer(LIMIT_SECONDS, self.process.kill)
        end.start()
        try:
            for line in self.process.stdout:
                if line.strip() == wanted:
                    return
        finally:
            end.cancel()
        self.kill()
        expect(False, f"Godot ended without \"{wanted}\"")

    def lines(self):
        """What the program prints until it ends, without what Godot says of itself."""
        try:
            text, _ = self.process.communicate(timeout=LIMIT_SECONDS)
        finally:
            self.kill()
        return [line for line in text.splitlines() if OWN.match(line)]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.home.cleanup()


def free_port():
    """A port that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def client(url, protocols="", count=1, leave="1000 bye"):
    return Godot("client.gd", url=url, protocols=protocols, count=count, leave=leave).lines()


def messages_come_back_in_their_kind(server):
    lines = client(server.url)
    expect_equal(lines, CLIENT_LINES, "Godot's lines")


def the_close_of_a_client_arrives_with_code_and_reason(_server):
    server = EchoServer()
    try:
        lines = client(server.url, leave="4001 good bye")
        expect_equal(lines[-1], CLOSED_BY_CLIENT, "Godot's last line")
        left = 'left: ClosedByRemote, close code 4001, "good bye", clean'
        wait_until(lambda: left in server.log(), 10, "the server's line")
    finally:
        server.kill()


def a_client_hears_why_the_server_goes(_server):
    server = EchoServer()
    godot = Godot("client.gd", url=server.url, count=1, leave="stay")
    try:
        godot.line(f"echoed {MESSAGES}")
        report = server.stop()
        lines = godot.lines()
        expect_equal(report["messages_in"], MESSAGES, "messages at the server")
        expect(any(re.fullmatch(r"close 100[01]( .*)?", line) for line in lines), lines)
        expect_equal(lines[-1], "closed clean", "Godot's last line")
    finally:
        godot.kill()
        server.kill()


def sub_protocols_are_agreed_on(_server):
    server = EchoServer("--sub-protocols", "echo")
    try:
        lines = client(server.url, protocols="chat,echo")
        expect_equal(lines[0], "established echo", "Godot's first line")
        expect_equal(client(server.url, protocols="other")[-1], "refused", "with none in common")
    finally:
        server.kill()


def fifty_clients_in_one_program(server):
    count = 50
    lines = collections.Counter(client(server.url, count=count))
    expect_equal(lines, dict.fromkeys(CLIENT_LINES, count), "Godot's lines")


def a_client_speaks_tls(_server):
    keys = ("--tls-cert", f"{CERTIFICATES}/localhost.pem", "--tls-key")
    server = EchoServer(*keys, f"{CERTIFICATES}/localhost.key")
    try:
        lines = client(server.url.replace("ws:", "wss:"))
        expect_equal(lines, CLIENT_LINES, "Godot's lines")
    finally:
        server.kill()


def serve(**environment):
    """Godot's server, from the moment at which it listens, and its port."""
    port = free_port()
    godot = Godot("server.gd", port=port, **environment)
    godot.line("listening")
    return godot, f"ws://127.0.0.1:{port}/"


def echo(url, *arguments):
    program = Program("echo_client", url, "--count", 20, "--seconds", 30, *arguments)
    return program.finish(LIMIT_SECONDS), program.log()


def a_server_answers_in_the_kind_that_it_is_asked_in(_server):
    for size in (1, 125, 126, 65_000):
        for kind in ((), ("--text",)):
            godot, url = serve(close="4002 enough")
            try:
                code, log = echo(url, "--size", size, "--window", 4, *kind)
                expect_equal(code, 0, f"exit code with {size} bytes {kind} ({log[-300:]})")
                lines = godot.lines()
            finally:
                godot.kill()
            wanted = ["connected ", "close 1000 ", "gone clean"]
            expect_equal(lines, wanted, f"Godot's lines with {size} bytes")


def a_server_chooses_a_sub_protocol(_server):
    godot, url = serve(protocols="echo", close="4002 enough")
    try:
        code, log = echo(url, "--sub-protocols", "chat,echo")
        expect_equal(code, 0, f"exit code ({log[-300:]})")
        expect_equal(godot.lines()[0], "connected echo", "Godot's line")
    finally:
        godot.kill()


def a_client_in_cs_hears_why_the_server_closes(_server):
    folder = os.environ["NETDRIVER_EXAMPLES"]
    godot, url = serve(close="4002 enough")
    try:
        done = subprocess.run(
            ["mono", f"{folder}/CallbackEcho.exe", url, "close me"],
            env=dict(os.environ, LD_LIBRARY_PATH=folder),
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        expect_equal(done.stdout.strip(), "closed: 4002", "the client's words")
    finally:
        godot.kill()


CHECKS = (
    messages_come_back_in_their_kind,
    the_close_of_a_client_arrives_with_code_and_reason,
    a_client_hears_why_the_server_goes,
    sub_protocols_are_agreed_on,
    fifty_clients_in_one_program,
    a_client_speaks_tls,
    a_server_answers_in_the_kind_that_it_is_asked_in,
    a_server_chooses_a_sub_protocol,
    a_client_in_cs_hears_why_the_server_closes,
)


async def main():
    checks = Checks()
    server = EchoServer()
    try:
        for check in CHECKS:
            name = check.__name__.replace("_", " ")
            await checks.run(name, asyncio.to_thread, check, server, seconds=2 * LIMIT_SECONDS)
    finally:
        server.kill()
    checks.finish()


asyncio.run(main())
