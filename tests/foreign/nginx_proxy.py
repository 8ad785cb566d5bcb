"""nginx in front of echo_server: `wss` at nginx, `ws` behind, and the client's own address.

nginx runs with a configuration of its own in a temporary folder, without daemon and privileges, on
loopback. Clients come from another loopback address than nginx does, so that the two can be told
apart. Run as `python nginx_proxy.py` with NETDRIVER_EXAMPLES set to the folder of the examples.
"""

import asyncio
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidStatus

from harness import (
    STARTUP_SECONDS,
    Checks,
    EchoServer,
    expect,
    expect_equal,
    wait_until,
    wait_until_async,
)

CLIENT = "127.0.0.9"
NGINX = "127.0.0.1"
PATIENCE_SECONDS = 30.0

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
load_module {modules}/ngx_stream_module.so;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{http} ssl;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    location / {{
      proxy_pass http://127.0.0.1:{behind_http};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }}
  }}
}}
stream {{
  server {{
    listen 127.0.0.1:{stream} ssl;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    proxy_protocol on;
    proxy_pass 127.0.0.1:{behind_stream};
  }}
  server {{
    listen 127.0.0.1:{through};
    proxy_protocol on;
    proxy_pass 127.0.0.1:{behind_through};
  }}
}}
"""


def free_ports(count):
    """Ports that nobody has now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind((NGINX, 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def nginx_command():
    """The program, and the folder of its modules."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    built = subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"--modules-path=(\S+)", built)
    return program, found.group(1) if found else "/usr/lib/nginx/modules"


def make_certificate(folder):
    """A certificate that signs itself, for 127.0.0.1."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", "2", "-subj", "/CN=netdriver test"]
        + ["-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"],
        capture_output=True,
        check=True,
    )


class Nginx:
    """nginx with the configuration above."""

    def __init__(self, folder, **ports):
        program, modules = nginx_command()
        path = f"{folder}/nginx.conf"
        with open(path, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(folder=folder, modules=modules, **ports))
        command = [program, "-p", folder, "-c", path, "-e", f"{folder}/error.log"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        wait_until(lambda: self._answers(ports["http"]), STARTUP_SECONDS, "nginx")

    def _answers(self, port):
        if self.process.poll() is not None:
            sys.exit(f"nginx ended at once: {self.process.stderr.read()}")
        with socket.socket() as probe:
            return probe.connect_ex((NGINX, port)) == 0

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)


def client(port, trust, headers=None):
    """A client at its own loopback address; its keep-alive is off."""
    return connect(
        f"wss://127.0.0.1:{port}/room?x=1",
        ssl=trust,
        local_addr=(CLIENT, 0),
        additional_headers=headers,
        compression=None,
        ping_interval=None,
    )


def taken(server):
    """The lines in which the server tells whom it took."""
    return [line for line in server.stderr if " accepted from " in line]


async def next_taken(server, before):
    """The first of those lines after so many others."""
    lines = await wait_until_async(
        lambda: taken(server)[before:], PATIENCE_SECONDS, "the server's word"
    )
    return lines[0]


async def check_client(server, port, trust, with_port, headers=None):
    """Connects through nginx, echoes both kinds, and looks at who the server says that came."""
    before = len(taken(server))
    async with client(port, trust, headers) as connection:
        for message in ["grüße 🎮", bytes(range(256)) * 400]:
            await connection.send(message)
            answer = await asyncio.wait_for(connection.recv(), PATIENCE_SECONDS)
            expect_equal(answer, message, "echo")
        line = await next_taken(server, before)
        own_port = connection.local_address[1] if with_port else 0
        expect(f"accepted from {CLIENT}:{own_port} through {NGINX}:" in line, line)
        expect('path "/room"' in line, line)


async def forged_list(server, port, trust):
    """What the client itself writes stands left of what nginx appends, and is not reached."""
    await check_client(server, port, trust, False, {"X-Forwarded-For": "6.6.6.6, 127.0.0.1"})


async def forged_header(port, trust):
    """nginx hands a Forwarded header on as the client wrote it; it contradicts nginx's own."""
    try:
        async with client(port, trust, {"Forwarded": "for=6.6.6.6"}):
            expect(False, "the server believed the client")
    except InvalidStatus as refused:
        expect_equal(refused.response.status_code, 400, "status")


async def page_through(port, trust):
    """A document through nginx."""
    reader, writer = await asyncio.open_connection(NGINX, port, ssl=trust)
    writer.write(b"GET / HTTP/1.0\r\nHost: game\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    expect(answer.startswith(b"HTTP/1.1 200") and b"<title>echo" in answer, repr(answer[:200]))
    writer.close()


async def past_the_proxy(server):
    """A stream that should have come from nginx and did not gets no answer."""
    address = (CLIENT, 0)
    reader, writer = await asyncio.open_connection(NGINX, server.ws_port, local_addr=address)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: game\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
        expect_equal(answer, b"", "answer")
    except ConnectionResetError:
        pass
    finally:
        writer.close()


async def believe_nobody(server):
    """A client that comes without the proxy and claims to be one is itself."""
    claim = {"X-Forwarded-For": "6.6.6.6"}
    before = len(taken(server))
    url = f"ws://127.0.0.1:{server.ws_port}/"
    async with connect(url, local_addr=(CLIENT, 0), additional_headers=claim) as connection:
        await connection.send("hello")
        line = await next_taken(server, before)
        own = f"accepted from {CLIENT}:{connection.local_address[1]} over"
        expect(own in line, line)


async def no_clear_text(port):
    """Behind a PROXY header the server speaks TLS, and only TLS."""
    try:
        async with connect(f"ws://127.0.0.1:{port}/", local_addr=(CLIENT, 0)):
            expect(False, "it took clear text")
    except InvalidStatus as refused:
        expect_equal(refused.response.status_code, 400, "status")
    except (InvalidHandshake, OSError):
        pass


async def run(checks, folder, trust):
    trusting = ["--trusted-proxies", NGINX]
    identity = ["--tls-cert", f"{folder}/cert.pem", "--tls-key", f"{folder}/key.pem"]
    servers = [
        EchoServer(*trusting),
        EchoServer(*trusting, "--proxy-protocol"),
        EchoServer(*trusting, "--proxy-protocol", *identity),
    ]
    behind = [server.ws_port for server in servers]
    http, stream, through = free_ports(3)
    nginx = Nginx(
        folder,
        http=http,
        stream=stream,
        through=through,
        behind_http=behind[0],
        behind_stream=behind[1],
        behind_through=behind[2],
    )
    try:
        by_header, by_proxy, sealed = servers
        await checks.run("X-Forwarded-For", check_client, by_header, http, trust, False)
        await checks.run("a forged X-Forwarded-For", forged_list, by_header, http, trust)
        await checks.run("a forged Forwarded", forged_header, http, trust)
        await checks.run("a page through nginx", page_through, http, trust)
        await checks.run("nobody but the proxy is believed", believe_nobody, by_header)
        await checks.run("PROXY protocol", check_client, by_proxy, stream, trust, True)
        await checks.run("PROXY protocol, then TLS", check_client, sealed, through, trust, True)
        await checks.run("PROXY protocol, then no TLS", no_clear_text, through)
        await checks.run("past the proxy", past_the_proxy, by_proxy)
        await checks.run("past the proxy with TLS", past_the_proxy, sealed)
    finally:
        nginx.stop()
        for server in servers:
            server.stop()


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="netdriver-nginx-") as folder:
        make_certificate(folder)
        trust = ssl.create_default_context(cafile=os.path.join(folder, "cert.pem"))
        asyncio.run(run(checks, folder, trust))
    checks.finish()


if __name__ == "__main__":
    main()
