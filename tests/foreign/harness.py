"""Shared by the Python peers: runs checks, starts and stops the example programs.

Must not speak any network protocol: the peers do that themselves.
"""

import asyncio
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

STARTUP_SECONDS = 60.0
STOP_SECONDS = 30.0


class CheckFailed(Exception):
    """Why a check failed, in words."""


def expect(condition, why):
    """Fail the running check with a reason unless the condition holds."""
    if not condition:
        raise CheckFailed(why)


def expect_equal(actual, wanted, what):
    """Fail the running check unless two values are equal."""
    if actual != wanted:
        raise CheckFailed(f"{what}: got {shorten(actual)}, wanted {shorten(wanted)}")


def shorten(value, limit=120):
    """A value as text that fits into one line."""
    text = value.hex() if isinstance(value, (bytes, bytearray)) else repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def wait_until(condition, seconds, what):
    """Poll a condition until it gives something truthy, and return that."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise CheckFailed(f"waited {seconds} s for {what}")
        time.sleep(0.01)


async def wait_until_async(condition, seconds, what):
    """As wait_until, for coroutines."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise CheckFailed(f"waited {seconds} s for {what}")
        await asyncio.sleep(0.01)


def has_ipv6():
    """Does this machine have the IPv6 loopback address?"""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def example(name):
    """The command that starts an example program."""
    folder = os.environ.get("NETDRIVER_EXAMPLES")
    if not folder:
        sys.exit("set NETDRIVER_EXAMPLES to the folder of echo_server and echo_client")
    path = os.path.join(folder, name)
    if not os.access(path, os.X_OK):
        sys.exit(f"{path} is not there; build the examples first")
    return path


class Program:
    """A running example: its lines of output as they come."""

    def __init__(self, name, *arguments):
        self.command = [example(name), *map(str, arguments)]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.stdout = []
        self.stderr = []
        self.threads = [
            self._collect(self.process.stdout, self.stdout),
            self._collect(self.process.stderr, self.stderr),
        ]

    @staticmethod
    def _collect(stream, lines):
        def read():
            for line in stream:
                lines.append(line.decode("utf-8", "replace").rstrip("\n"))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def log(self):
        """Everything that was written so far."""
        return "\n".join([*self.stdout, *self.stderr])

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        if self.alive():
            self.process.send_signal(number)

    def finish(self, seconds):
        """Wait for the end; returns the exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise CheckFailed(f"{self.command} did not end within {seconds} s") from None
        finally:
            for thread in self.threads:
                thread.join(1.0)
        return code

    def last_json(self):
        """The last line of standard output, parsed."""
        lines = [line for line in self.stdout if line.strip()]
        expect(lines, f"{self.command[0]} printed nothing; stderr: {self.stderr[-3:]}")
        try:
            return json.loads(lines[-1])
        except ValueError:
            raise CheckFailed(f"the last line is not JSON: {lines[-1]!r}") from None


class EchoServer(Program):
    """echo_server on free ports of this machine."""

    def __init__(self, *arguments):
        ports = ("--udp", 0, "--ws", 0, "--tcp", 0)
        super().__init__("echo_server", *ports, "--verbose", *arguments)
        first = wait_until(self._first_line, STARTUP_SECONDS, "the line with the ports")
        ports = json.loads(first)["listening"]
        self.udp_port = ports["udp"]
        self.ws_port = ports["ws"]
        self.tcp_port = ports["tcp"]

    def _first_line(self):
        if self.stdout:
            return self.stdout[0]
        if not self.alive():
            sys.exit(f"echo_server ended at once: {self.stderr}")
        return None

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.ws_port}"

    def stop(self):
        """End the server as a user would; returns its counters."""
        self.signal(signal.SIGTERM)
        code = self.finish(STOP_SECONDS)
        expect_equal(code, 0, "exit code of echo_server")
        report = self.last_json()
        expect(report.get("final") is True, f"no final counters: {shorten(report)}")
        return report

    def kill(self):
        if self.alive():
            self.process.kill()
        self.process.wait()


def counter(report, name):
    """A counter of the last line, wherever it is nested."""
    for key, value in report.items():
        if key == name:
            return value
        if isinstance(value, dict):
            found = counter(value, name)
            if found is not None:
                return found
    return None


class Checks:
    """Runs named checks one after the other and counts."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    async def run(self, name, body, *arguments, seconds=90.0):
        """Run one check: a function or a coroutine function that raises when it fails."""
        try:
            result = body(*arguments)
            if inspect.isawaitable(result):
                await asyncio.wait_for(result, seconds)
        except CheckFailed as why:
            self._fail(name, str(why))
        except TimeoutError as late:
            self._fail(name, f"timed out (at most {seconds} s) {late}")
        except Exception as error:  # a peer's own exception is a failure with a name
            self._fail(name, f"{type(error).__name__}: {error}")
        else:
            self.passed += 1
            print(f"ok {name}", flush=True)

    def skip(self, name, why):
        """Say that a check cannot run on this machine."""
        print(f"skipped {name}: {why}", flush=True)

    def run_now(self, name, body, *arguments):
        """As run, for programs without an event loop."""
        asyncio.run(self.run(name, body, *arguments))

    def _fail(self, name, why):
        self.failed += 1
        print(f"FAILED {name}: {why}".replace("\n", " "), flush=True)

    def finish(self):
        """Print the last line and end the program."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
