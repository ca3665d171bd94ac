"""Load on a proxy, all of it from one core: wrk as fast as it goes, clients that think, a steady rate, and connections that
only wait."""
import json, re, select, socket, subprocess, sys, time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import machine

HERE = Path(__file__).resolve().parent
CONNECTIONS = 64
# How long a client thinks on average, in seconds.
THINKS = 0.005
UNITS = {'us': 1, 'ms': 1e3, 's': 1e6, 'm': 6e7}


class Wrong(Exception):
    """An answer was an error, or there was none: the figures would say nothing."""


@dataclass
class Answers:
    """How many there were, in how many seconds, and how long they took in µs."""
    count: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self):
        return self.count / self.seconds


def saturate(port, path, headers, seconds, script=None, arguments=(), core=machine.LOAD_CORE):
    """As many requests as one wrk with 64 connections gets answered."""
    return wrk(port, path, headers, seconds, CONNECTIONS, script, arguments, core)


def thinking(port, path, headers, rate, seconds):
    """About so many requests a second, from clients that think for some milliseconds behind each answer."""
    answers = wrk(port, path, headers, seconds, max(1, round(rate * THINKS)), HERE / 'think.lua', [int(THINKS * 1e3)])
    if not 0.8 * rate < answers.rate < 1.2 * rate:
        print(f'port {port}: {answers.rate:.0f} requests/s instead of {rate:.0f}', file=sys.stderr)
    return answers


def wrk(port, path, headers, seconds, connections, script=None, arguments=(), core=machine.LOAD_CORE):
    """What wrk tells, in one thread."""
    command = ['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--latency', *sum((['-H', line] for line in headers), [])]
    command += ['-s', script] if script else []
    command += [f'http://127.0.0.1:{port}{path}', *(['--', *arguments] if arguments else [])]
    process = machine.start(command, core, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    out = process.communicate()[0]
    if process.returncode or re.search('Non-2xx|Socket errors', out):
        raise Wrong(f'port {port}: {out}')
    duration = lambda text: float(re.match(r'[\d.]+', text)[0]) * UNITS[re.search(r'[a-z]+$', text)[0]]
    figure = lambda pattern: re.search(pattern, out)[1]
    count, took = int(figure(r'(\d+) requests in')), duration(figure(r'requests in (\S+),')) / 1e6
    return Answers(count, took, duration(figure(r'\n\s+50%\s+(\S+)')), duration(figure(r'\n\s+99%\s+(\S+)')))


def request(path, headers, method='GET', body=''):
    """A request as text, as it goes over the wire."""
    length = [f'Content-Length: {len(body)}'] if body else []
    return '\r\n'.join([f'{method} {path} HTTP/1.1', *headers, *length, '', '']) + body


def pace(port, requests, rate, seconds, connections=CONNECTIONS):
    """Starts requests at a steady rate, whether the ones before are answered or not; it prints what it has to tell."""
    process = machine.start([sys.executable, HERE / 'pace.py'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=None, text=True)
    json.dump({'port': port, 'requests': requests, 'rate': rate, 'seconds': seconds, 'connections': connections}, process.stdin)
    process.stdin.close()
    process.stdin = None
    return process


@contextmanager
def idle(port, path, headers, count, at_once=50):
    """Holds this many connections open, each of which has had one request answered."""
    text = request(path, headers).encode()
    held = []
    try:
        while len(held) < count:
            batch = [socket.create_connection(('127.0.0.1', port), 10) for _ in range(min(at_once, count - len(held)))]
            held += batch
            for one in batch:
                one.sendall(text)
            for one in batch:
                answered(one)
        time.sleep(1)
        closed = closed_by_peer(held)
        if closed:
            raise Wrong(f'port {port}: {closed} of {count} idle connections were closed')
        yield
    finally:
        for one in held:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
            one.close()


def answered(client):
    """Reads one whole answer."""
    got = b''
    while b'\r\n\r\n' not in got or len(got) < whole(got):
        piece = client.recv(65536)
        if not piece:
            raise Wrong(f'an answer ended early: {got[:200]!r}')
        got += piece
    if not got.startswith(b'HTTP/1.1 2'):
        raise Wrong(f'{got[:200]!r}')


def whole(got):
    """How long an answer is whose head has come."""
    head = got.split(b'\r\n\r\n', 1)[0]
    return len(head) + 4 + int(re.search(rb'content-length: *(\d+)', head, re.I)[1])


def closed_by_peer(sockets):
    poll = select.poll()
    for one in sockets:
        poll.register(one, select.POLLIN)
    return len(poll.poll(0))
