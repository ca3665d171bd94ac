"""gRPC as Google's library speaks it, without generated code: messages are bytes.

`server PORT` is an app; `client ORIGIN CASE [COOKIE]` is one conversation with it, which prints "done" if everything held.
"""
import sys
import threading
import time
from concurrent import futures

import grpc

MIB = 1024 * 1024
LIMITS = [("grpc.max_receive_message_length", 64 * MIB), ("grpc.max_send_message_length", 64 * MIB)]


class App(grpc.GenericRpcHandler):
    """Answers `/parts.App/METHOD`."""

    def __init__(self):
        self.cancelled = 0
        self.held = 0
        self.lock = threading.Lock()

    def service(self, details):
        name = details.method.rpartition("/")[2]
        unary = {"Echo": self.echo, "Fail": self.fail, "Time": self.time, "Stats": self.stats, "Hold": self.hold}
        down = {"Count": self.count, "Break": self.stop, "Drip": self.drip}
        if name in unary:
            return grpc.unary_unary_rpc_method_handler(unary[name])
        if name in down:
            return grpc.unary_stream_rpc_method_handler(down[name])
        if name == "Sum":
            return grpc.stream_unary_rpc_method_handler(lambda pieces, _: str(sum(map(len, pieces))).encode())
        if name == "Chat":
            return grpc.stream_stream_rpc_method_handler(self.chat)
        return None

    def echo(self, message, context):
        told = {key: value for key, value in context.invocation_metadata()}
        context.send_initial_metadata((("x-seen", told.get("x-asked", "")), ("x-user", told.get("x-forwarded-email", ""))))
        context.set_trailing_metadata((("x-after", "1"), ("x-bytes-bin", told.get("x-bytes-bin", b""))))
        return message

    def fail(self, _, context):
        context.set_trailing_metadata((("x-why", "so"),))
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not now: 50 % \u00e9")

    def time(self, _, context):
        return str(context.time_remaining()).encode()

    def stats(self, *_):
        return f"{self.held} {self.cancelled}".encode()

    def note(self, context):
        def ended():
            with self.lock:
                self.cancelled += 1

        with self.lock:
            self.held += 1
        context.add_callback(ended)

    def hold(self, message, context):
        self.note(context)
        while context.is_active():
            time.sleep(0.01)
        return message

    def count(self, message, _):
        for number in range(int(message)):
            yield str(number).encode()

    def drip(self, message, context):
        self.note(context)
        while context.is_active():
            yield message
            time.sleep(0.01)

    def stop(self, message, context):
        yield message
        context.cancel()

    def chat(self, messages, _):
        for message in messages:
            yield b"heard " + message


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=64), options=LIMITS)
    server.add_generic_rpc_handlers((App(),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


class Client:
    def __init__(self, origin, cookie):
        self.channel = grpc.insecure_channel(origin.removeprefix("http://"), options=LIMITS)
        self.metadata = (("cookie", cookie),) if cookie else ()

    def call(self, kind, method, message, **options):
        metadata = self.metadata + options.pop("metadata", ())
        return getattr(self.channel, kind)(f"/parts.App/{method}")(message, metadata=metadata, timeout=options.pop("timeout", 60), **options)

    def unary(self, method, message=b"", **options):
        return self.call("unary_unary", method, message, **options)

    def refused(self, method="Echo", **options):
        """The status of a call that fails, and its message."""
        try:
            self.unary(method, **options)
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError(f"{method} does not fail")

    def until(self, held, cancelled):
        while self.unary("Stats") != f"{held} {cancelled}".encode():
            time.sleep(0.01)


def unary(client):
    assert client.unary("Echo", b"hello") == b"hello"
    assert client.unary("Echo", b"") == b""
    assert [client.unary("Echo", str(n).encode()) for n in range(50)] == [str(n).encode() for n in range(50)]
    calls = [client.channel.unary_unary("/parts.App/Echo").future(str(n).encode(), timeout=60) for n in range(200)]
    assert [call.result() for call in calls] == [str(n).encode() for n in range(200)]


def streams(client):
    assert list(client.call("unary_stream", "Count", b"500")) == [str(n).encode() for n in range(500)]
    assert list(client.call("unary_stream", "Count", b"0")) == []
    assert client.call("stream_unary", "Sum", iter([b"x" * 1000] * 300)) == b"300000"
    assert client.call("stream_unary", "Sum", iter([])) == b"0"


def chat(client):
    """Each message is answered before the next one is sent."""
    answered = threading.Semaphore(0)

    def messages():
        for number in range(100):
            if number:
                assert answered.acquire(timeout=60)
            yield str(number).encode()

    heard = []
    for answer in client.call("stream_stream", "Chat", messages()):
        heard.append(answer)
        answered.release()
    assert heard == [b"heard " + str(n).encode() for n in range(100)]


def metadata(client):
    told = (("x-asked", "this"), ("x-bytes-bin", b"\x00\xff\x80"), ("x-forwarded-email", "evil@example.com"))
    answer, call = client.channel.unary_unary("/parts.App/Echo").with_call(b"hi", metadata=client.metadata + told, timeout=60)
    before, after = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert answer == b"hi" and before["x-seen"] == "this" and before["x-user"] != "evil@example.com", before
    assert after["x-after"] == "1" and after["x-bytes-bin"] == b"\x00\xff\x80", after


def errors(client):
    assert client.refused("Fail") == (grpc.StatusCode.FAILED_PRECONDITION, "not now: 50 % \u00e9")
    assert client.refused("Missing")[0] == grpc.StatusCode.UNIMPLEMENTED
    try:
        client.unary("Fail")
    except grpc.RpcError as error:
        assert dict(error.trailing_metadata())["x-why"] == "so"
    heard = []
    try:
        for message in client.call("unary_stream", "Break", b"one"):
            heard.append(message)
        raise AssertionError("the app has broken off")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.CANCELLED and heard == [b"one"], (error, heard)


def large(client):
    message = bytes(range(256)) * (16 * MIB // 256)
    assert client.unary("Echo", message) == message
    assert client.call("stream_unary", "Sum", iter([message] * 3)) == str(3 * len(message)).encode()


def deadlines(client):
    left = float(client.unary("Time", timeout=20))
    assert 0 < left <= 20, left
    assert client.refused("Hold", timeout=0.3)[0] == grpc.StatusCode.DEADLINE_EXCEEDED
    client.until(1, 1)


def cancelled(client):
    held = [client.channel.unary_unary("/parts.App/Hold").future(b"", timeout=60) for _ in range(10)]
    client.until(10, 0)
    for call in held:
        call.cancel()
    client.until(10, 10)
    drips = client.call("unary_stream", "Drip", b"drop")
    assert [next(drips) for _ in range(3)] == [b"drop"] * 3
    drips.cancel()
    client.until(11, 11)


def refused(code):
    def case(client):
        told, message = client.refused()
        assert told == code and message, (told, message)
        heard = client.call("unary_stream", "Count", b"3")
        try:
            next(heard)
            raise AssertionError("a stream is not refused")
        except grpc.RpcError as error:
            assert error.code() == code, error
        try:
            list(client.call("stream_stream", "Chat", iter([b"x" * MIB] * 8)))
            raise AssertionError("a stream both ways is not refused")
        except grpc.RpcError as error:
            assert error.code() == code, error

    return case


def ends(client):
    """Holds a stream until its session ends."""
    drips = client.call("unary_stream", "Drip", b"x" * 1000)
    next(drips)
    print("open", flush=True)
    try:
        for _ in drips:
            pass
        raise AssertionError("it ends as if it were whole")
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNAUTHENTICATED, error
    assert client.refused()[0] == grpc.StatusCode.UNAUTHENTICATED


CASES = {
    "unary": unary,
    "streams": streams,
    "chat": chat,
    "metadata": metadata,
    "errors": errors,
    "large": large,
    "deadlines": deadlines,
    "cancelled": cancelled,
    "ends": ends,
    "unauthenticated": refused(grpc.StatusCode.UNAUTHENTICATED),
    "denied": refused(grpc.StatusCode.PERMISSION_DENIED),
    "unavailable": refused(grpc.StatusCode.UNAVAILABLE),
    "late": refused(grpc.StatusCode.DEADLINE_EXCEEDED),
    "nowhere": refused(grpc.StatusCode.UNIMPLEMENTED),
}

if __name__ == "__main__":
    role, place, *rest = sys.argv[1:]
    if role == "server":
        serve(place)
    else:
        CASES[rest[0]](Client(place, rest[1] if len(rest) > 1 else ""))
        print("done")
