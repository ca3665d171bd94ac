#!/usr/bin/env python3
"""An open-loop load generator: requests leave at a steady rate whether answers come or not. Started by load.py.

    echo '{"port": 8080, "requests": ["GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"], "rate": 1000, "seconds": 2, "connections": 64}' | pace.py

A timer of the kernel says when a request is due. Its time counts from when this program has noticed that, also where it
then waits for a free connection; the wait for this program's own turn on its core is no part of it. Requests are taken in
turn from the list. The answers' bodies are as long as Content-Length says; anything but 2xx is an error.
Prints {"sent", "done", "errors", "percentiles": {"50": µs, …}, "late"}; late: how many left with their successor already due.
"""
import collections, ctypes, gc, json, os, re, select, socket, sys, time

CLOSE = re.compile(rb'\r\nconnection: *close\r', re.I)
LENGTH = re.compile(rb'\r\ncontent-length: *(\d+)\r', re.I)
libc = ctypes.CDLL(None, use_errno=True)
# Times are counted in slots of so many µs, up to the slowest.
SLOT, SLOWEST = 5, 2_000_000


def timer(rate):
    """A descriptor that is readable whenever a request is due; reading it tells how many are."""
    class Time(ctypes.Structure):
        _fields_ = [('seconds', ctypes.c_long), ('nanoseconds', ctypes.c_long)]

    class Times(ctypes.Structure):
        _fields_ = [('interval', Time), ('first', Time)]
    period = int(1e9 / rate)
    each = Time(period // 10**9, period % 10**9)
    descriptor = libc.timerfd_create(1, 0o4000)
    if descriptor < 0 or libc.timerfd_settime(descriptor, 0, ctypes.byref(Times(each, each)), None):
        raise OSError(ctypes.get_errno(), 'timerfd')
    return descriptor


class Connection:
    """One connection with at most one request under way."""
    __slots__ = ('address', 'socket', 'fd', 'recv', 'send', 'begun', 'left', 'head', 'unsent', 'blocked', 'last', 'failed')

    def __init__(self, address):
        self.address = address
        self.open()

    def open(self):
        self.socket = socket.create_connection(self.address, 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.fd, self.recv, self.send = self.socket.fileno(), self.socket.recv, self.socket.send
        self.begun, self.left, self.head, self.unsent = 0, -1, b'', b''
        self.blocked = self.last = self.failed = False


class Generator:
    def __init__(self, port, requests, rate, seconds, connections):
        self.requests = [text.encode('latin-1') for text in requests]
        self.seconds, self.rate = seconds, rate
        self.poll = select.epoll()
        self.by_fd, self.free, self.waiting = {}, [], collections.deque()
        self.counts = [0] * (SLOWEST // SLOT)
        self.sent = self.done = self.errors = self.late = 0
        self.wrong = {}
        # How the last whole answer in one piece looked: length, end of the head, Content-Length. Most look alike.
        self.usual = (0, 0, b'')
        for _ in range(connections):
            self.admit(Connection(('127.0.0.1', port)))

    def admit(self, connection):
        self.by_fd[connection.fd] = connection
        self.poll.register(connection.fd, select.EPOLLIN)
        self.next(connection)

    def run(self):
        ticks = timer(self.rate)
        self.poll.register(ticks, select.EPOLLIN)
        now = time.perf_counter()
        end = now + self.seconds
        while now < end:
            events = self.poll.poll(1)
            now = time.perf_counter()
            for fd, event in events:
                if fd == ticks:
                    due = int.from_bytes(os.read(ticks, 8), sys.byteorder)
                    self.late += due - 1
                    for _ in range(due):
                        self.leave(now)
                else:
                    self.go_on(fd, event)
        os.close(ticks)
        self.drain()
        return self.report()

    def drain(self):
        """Answers that are still to come count; what has none by then is an error."""
        limit = time.perf_counter() + 5
        while self.sent > self.done + self.errors and time.perf_counter() < limit:
            for fd, event in self.poll.poll(0.1):
                self.go_on(fd, event)
        missing = self.sent - self.done - self.errors
        if missing > 0:
            self.fail('no answer', missing)

    def go_on(self, fd, event):
        connection = self.by_fd.get(fd)
        if connection and event & ~select.EPOLLOUT:
            self.receive(connection)
        elif connection:
            self.push(connection)

    def leave(self, now):
        """A request is due: it takes a free connection, or the next that becomes free."""
        self.sent += 1
        if self.free:
            self.begin(self.free.pop(), now, self.sent)
        else:
            self.waiting.append((now, self.sent))

    def begin(self, connection, now, number):
        connection.begun = now
        connection.unsent = self.requests[number % len(self.requests)]
        self.push(connection)

    def push(self, connection):
        """Sends what the socket takes; the rest when it takes more."""
        whole = connection.unsent
        try:
            taken = connection.send(whole)
        except BlockingIOError:
            taken = 0
        except OSError as error:
            return self.renew(connection, type(error).__name__)
        blocked = taken < len(whole)
        connection.unsent = whole[taken:] if blocked else b''
        if blocked != connection.blocked:
            connection.blocked = blocked
            self.poll.modify(connection.fd, select.EPOLLIN | (select.EPOLLOUT if blocked else 0))

    def receive(self, connection):
        try:
            piece = connection.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            return self.renew(connection, type(error).__name__)
        if not piece or not connection.begun:
            return self.renew(connection, 'closed')
        if connection.left >= 0:
            connection.left -= len(piece)
        elif not connection.head and self.is_usual(piece):
            connection.left = 0
        else:
            self.read_head(connection, connection.head + piece)
        if connection.left == 0:
            self.finish(connection)
        elif connection.left < -1:
            self.renew(connection, 'longer than it says')

    def is_usual(self, piece):
        length, border, field = self.usual
        return len(piece) == length and piece[9:12] == b'200' and piece.find(b'\r\n\r\n') == border and field in piece

    def read_head(self, connection, got):
        border = got.find(b'\r\n\r\n')
        if border < 0:
            connection.head = got
            return
        head, connection.head = got[:border + 2], b''
        length = LENGTH.search(head)
        body = int(length[1]) if length else 0
        connection.last = bool(CLOSE.search(head))
        connection.left = body - (len(got) - border - 4)
        if head[9:10] != b'2':
            connection.failed = True
            self.fail(head[9:12].decode('latin-1'))
        elif connection.left == 0 and length and not connection.last:
            self.usual = (len(got), border, length[0])

    def finish(self, connection):
        if not connection.failed:
            self.done += 1
            slot = int((time.perf_counter() - connection.begun) * (1e6 / SLOT))
            self.counts[slot if slot < len(self.counts) else -1] += 1
        connection.left, connection.begun, connection.failed = -1, 0, False
        if connection.last:
            self.replace(connection)
        else:
            self.next(connection)

    def next(self, connection):
        if self.waiting:
            self.begin(connection, *self.waiting.popleft())
        else:
            self.free.append(connection)

    def renew(self, connection, why):
        """A connection that ended by itself: an error if a request was under way."""
        if connection in self.free:
            self.free.remove(connection)
        elif not connection.failed:
            self.fail(why)
        self.replace(connection)

    def replace(self, connection):
        del self.by_fd[connection.fd]
        connection.socket.close()
        try:
            connection.open()
        except OSError as error:
            self.fail(f'no new connection: {type(error).__name__}', 0)
        else:
            self.admit(connection)

    def fail(self, why, count=1):
        self.errors += count
        self.wrong[why] = self.wrong.get(why, 0) + count

    def report(self):
        percentiles, seen = {}, 0
        wanted = [('50', 0.5), ('90', 0.9), ('99', 0.99), ('99.9', 0.999)]
        for slot, count in enumerate(self.counts):
            seen += count
            while wanted and count and seen >= wanted[0][1] * self.done:
                percentiles[wanted.pop(0)[0]] = (slot + 0.5) * SLOT
        return {'sent': self.sent, 'done': self.done, 'errors': self.errors, 'wrong': self.wrong, 'percentiles': percentiles, 'late': self.late}


if __name__ == '__main__':
    order = json.load(sys.stdin)
    gc.disable()
    print(json.dumps(Generator(**order).run()))
