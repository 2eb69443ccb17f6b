"""A server on loopback that records requests, and responds from a list."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Pairs = list[tuple[str, str]]


@dataclass
class Request:
    """A recorded request. The body is parsed by its type: pairs of a form, a JSON value, or text."""

    method: str
    path: str
    query: Pairs
    headers: dict[str, str]
    carrier: str | None
    body: Any
    answered: bool = True

    def arguments(self) -> dict[str, str]:
        """Returns the arguments of the query and of the body, as text."""
        pairs = list(self.query)
        if self.carrier == "form":
            pairs += self.body
        elif self.carrier == "json" and isinstance(self.body, dict):
            pairs += [(name, as_text(value)) for name, value in self.body.items()]
        return dict(pairs)

    def operation(self) -> str | None:
        """Returns the operation of a request to AWS, whose path is the same for all."""
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        return dict(self.body).get("Action") if self.carrier == "form" else None

    def line(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query)
        operation = self.operation()
        return f"{self.method} {self.path}" + (f"?{query}" if query else "") + (f" {operation}" if operation else "")


def as_text(value: Any) -> str:
    """Returns a JSON value as text, in the form that a form has it."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))


@dataclass
class Reply:
    """A response to requests of this path, and of this method, this operation and with these arguments if given, for a number of
    times. `{soon}` in a header stands for the second after the next."""

    path: str
    method: str | None = None
    operation: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    status: int = 200
    headers: dict[str, str | list[str]] = field(default_factory=dict)
    json: Any = None
    text: str | None = None

    def fits(self, request: Request) -> bool:
        return (
            self.times != 0
            and unquote(self.path) == unquote(request.path)
            and self.method in (None, request.method)
            and self.operation in (None, request.operation())
            and self.arguments.items() <= request.arguments().items()
        )

    def content(self) -> tuple[bytes, str | None]:
        if self.text is not None:
            return self.text.encode(), "text/plain; charset=utf-8"
        if self.json is not None:
            return json.dumps(self.json).encode(), "application/json; charset=utf-8"
        return b"", None


class Recorder:
    """A context manager; `url` is the address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._replies: list[Reply] = []
        recorder = self

        class Handler(_Handler):
            answer = recorder._answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Recorder":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def replay(self, replies: list[dict[str, Any]]) -> None:
        """Responds from this list from now on, with the first that matches. `{base}` in it stands for the server's address."""
        own = json.loads(json.dumps(replies).replace("{base}", self.url))
        with self._lock:
            self._replies = [Reply(**reply) for reply in own]
            self._requests = []

    def heard(self) -> list[Request]:
        """Returns the requests since `replay`."""
        with self._lock:
            return list(self._requests)

    def _answer(self, request: Request) -> Reply:
        with self._lock:
            self._requests.append(request)
            for reply in self._replies:
                if reply.fits(request):
                    reply.times = None if reply.times is None else reply.times - 1
                    return reply
        request.answered = False
        return Reply(request.path, status=501, text="the recorder has no answer to this")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    # Headers and body are sent in two writes. Without this, each response would wait for a delayed acknowledgement.
    disable_nagle_algorithm = True

    @staticmethod
    def answer(request: Request) -> Reply:
        raise NotImplementedError

    def _serve(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        carrier, body = _parse(self._read(), headers.get("content-type", ""))
        request = Request(self.command, url.path, parse_qsl(url.query, keep_blank_values=True), headers, carrier, body)
        reply = type(self).answer(request)
        content, content_type = reply.content()
        self.send_response(reply.status)
        for name, values in reply.headers.items():
            for value in values if isinstance(values, list) else [values]:
                self.send_header(name, value.replace("{soon}", str(int(time.time()) + 2)))
        if content_type and not any(name.lower() == "content-type" for name in reply.headers):
            self.send_header("Content-Type", content_type)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if reply.status != 204:
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def log_message(self, *_: object) -> None:
        pass


def _parse(body: bytes, content_type: str) -> tuple[str | None, Any]:
    if not body:
        return None, None
    text = body.decode("utf-8", "replace")
    if "x-www-form-urlencoded" in content_type:
        return "form", parse_qsl(text, keep_blank_values=True)
    try:
        return "json", json.loads(text)
    except ValueError:
        return "text", text
