"""Writes down the requests that Python's own http.server understands, one JSON line each, when they are whole or broken
off. Bodies are read as many an app does on such a server: by the first Content-Length, or in chunks whenever
Transfer-Encoding has that word in it, with int() for numbers. PROXIED is the port that a proxy forwards to, DIRECT the
one for the same bytes without a proxy. Ends with SIGTERM once every connection has.

    PROXIED=9001 DIRECT=9002 python3 recorder.py
"""
import json
import os
import posixpath
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

LOCK = threading.Lock()


def note(record):
    with LOCK:
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()


class Recorder(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    side = None

    def __getattr__(self, name):
        # Every method is answered alike.
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_):
        pass

    def send_error(self, code, message=None, explain=None):
        note({"side": self.side, "broken": f"{code} {message}"})
        self.close_connection = True
        self.wfile.write(f"HTTP/1.1 {code} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())

    def answer(self):
        headers = getattr(self, "headers", None) or {}
        fields = {name: ", ".join(headers.get_all(name, [])) if headers else "" for name in ("host", "cookie")}
        record = {
            "side": self.side,
            "method": self.command,
            "target": self.path,
            **fields,
            "resolved": posixpath.normpath(unquote(self.path.split("?")[0].split("#")[0])),
            "evil": "x-evil" in headers,
        }
        is_early = self.path.endswith("/early")
        if is_early:
            self.reply()
        body, complete = b"", False
        try:
            body, complete = self.body(headers)
        except (ValueError, OSError):
            self.close_connection = True
        note({**record, "body": body.decode("latin-1"), "complete": complete})
        if complete and not is_early:
            self.reply()
        self.close_connection = self.close_connection or not complete

    def reply(self):
        understood = f"{self.command} {self.path}".encode("ascii", "replace")
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-understood: %s\r\n" % understood)
        self.wfile.write(b"content-length: %d\r\n\r\n" % len(understood))
        if self.command != "HEAD":
            self.wfile.write(understood)

    def body(self, headers):
        if "chunked" in (headers.get("transfer-encoding") or "").lower():
            return self.chunks()
        length = int(headers.get("content-length") or 0)
        body = self.rfile.read(length)
        return body, len(body) == length

    def chunks(self):
        body = b""
        while True:
            size = int(self.rfile.readline(65536).split(b";")[0], 16)
            if size == 0:
                break
            piece = self.rfile.read(size)
            body += piece
            if len(piece) < size:
                return body, False
            self.rfile.readline(3)
        while True:
            line = self.rfile.readline(65536)
            if line in (b"\r\n", b"\n"):
                return body, True
            if not line:
                return body, False


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = False

    def handle_error(self, *_):
        pass


servers = []
for side in ("proxied", "direct"):
    handler = type(side, (Recorder,), {"side": side})
    server = Server(("127.0.0.1", int(os.environ[side.upper()])), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    servers.append(server)

signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
signal.sigwait({signal.SIGTERM})
for server in servers:
    server.shutdown()
    server.server_close()
