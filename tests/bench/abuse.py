#!/usr/bin/env python3
"""What other clients notice of HTTP/2 clients that keep the proxy busy for nothing.

    cargo build --profile dist && tests/bench/abuse.py [--seconds 5] [--attackers 2] [--rate 200] [--only PING] [--binary …]

The proxy is pinned to core 0, everybody else to core 1. The others ask at a fixed rate over HTTP/1.1 connections that
they keep, and each answer's time counts from when its request was due. Rounds without and with each attack are
interleaved; an attacker whose connection is cut begins a new one at once. Needs nginx, nothing else.
"""
import argparse, http.client, multiprocessing, os, re, select, shutil, socket, statistics, struct, subprocess, sys, tempfile, time
from pathlib import Path

import common

ROOT = Path(__file__).resolve().parents[2]
UPSTREAM, PROXY = 21910, 21911
HOST = f'localhost:{PROXY}'
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def section(*fields):
    """Without compression (RFC 7541 §6.2.2)."""
    return b''.join(b'\0' + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)


REQUEST = section((b':method', b'GET'), (b':scheme', b'http'), (b':authority', HOST.encode()), (b':path', b'/x'))
SLOW = struct.pack('>HI', 4, 0)

# By name: the settings to begin with, what comes once, and what is repeated for the next stream's number.
ATTACKS = {
    'rapid reset': (b'', b'', lambda at: frame(1, 5, at, REQUEST) + frame(3, 0, at, struct.pack('>I', 8))),
    'requests': (b'', b'', lambda at: frame(1, 5, at, REQUEST)),
    'PING': (b'', b'', lambda at: frame(6, 0, 0, bytes(8))),
    'SETTINGS': (b'', b'', lambda at: frame(4, 0, 0, struct.pack('>HI', 4, 65535))),
    'WINDOW_UPDATE': (b'', b'', lambda at: frame(8, 0, 0, struct.pack('>I', 1))),
    'PRIORITY': (b'', b'', lambda at: frame(2, 0, at, struct.pack('>IB', 0, 1))),
    'empty DATA': (b'', frame(1, 4, 1, REQUEST), lambda at: frame(0, 0, 1)),
    'CONTINUATION': (b'', frame(1, 0, 1, REQUEST), lambda at: frame(9, 0, 1, section((b'x', b'y')))),
    'windows of nothing': (SLOW, b'', lambda at: frame(1, 5, at, REQUEST) if at < 200 else b''),
}


def attack(name, until, cut):
    """Floods, reading what comes back, until the time is over; counts the connections that were cut."""
    settings, first, more = ATTACKS[name]
    while time.monotonic() < until.value:
        try:
            connection = socket.create_connection(('127.0.0.1', PROXY))
            connection.sendall(PREFACE + frame(4, 0, 0, settings) + first)
            connection.setblocking(False)
            at, pending = 1, b''
            while time.monotonic() < until.value:
                if not pending:
                    pending = b''.join(more(number) for number in range(at, at + 200, 2))
                    at += 200
                readable, writable, _ = select.select([connection], [connection] if pending else [], [], 0.1)
                if readable and not connection.recv(1 << 20):
                    break
                if writable:
                    pending = pending[connection.send(pending):]
            else:
                return
        except OSError:
            pass
        with cut.get_lock():
            cut.value += 1


def ask(rate, seconds, results):
    """Asks so many times a second, and tells how long each took from when it was due."""
    connection = http.client.HTTPConnection('127.0.0.1', PROXY)
    took, failed, start = [], 0, time.monotonic()
    for number in range(int(rate * seconds)):
        due = start + number / rate
        time.sleep(max(0, due - time.monotonic()))
        try:
            connection.request('GET', '/x', headers={'Host': HOST})
            answer = connection.getresponse()
            answer.read()
            failed += answer.status != 200
        except OSError:
            failed += 1
            connection.close()
        took.append(time.monotonic() - due)
    results.put((took, failed))


def round_(name, options):
    """One round: the others' times in milliseconds, how many of their requests failed, and how many connections were cut."""
    until, cut, results = multiprocessing.Value('d', time.monotonic() + 3600), multiprocessing.Value('i', 0), multiprocessing.Queue()
    attackers = [multiprocessing.Process(target=attack, args=(name, until, cut)) for _ in range(options.attackers if name else 0)]
    others = [multiprocessing.Process(target=ask, args=(options.rate / 2, options.seconds, results)) for _ in range(2)]
    for process in attackers + others:
        process.start()
    told = [results.get() for _ in others]
    until.value = 0
    for process in attackers + others:
        process.join()
    return [time * 1000 for took, _ in told for time in took], sum(failed for _, failed in told), cut.value


def resident(process):
    return int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{process.pid}/status').read_text()).group(1))


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--rounds', type=int, default=2)
    options.add_argument('--seconds', type=float, default=5)
    options.add_argument('--attackers', type=int, default=2)
    options.add_argument('--rate', type=float, default=200)
    options.add_argument('--only', choices=ATTACKS, action='append', help='this attack; may be repeated')
    options.add_argument('--binary', default=str(ROOT / 'target/dist/homerealm'))
    options = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix='homerealm-abuse-'))
    folder.chmod(0o755)  # nginx's workers are somebody else
    running = []
    try:
        (folder / 'www').mkdir()
        (folder / 'www' / 'body').write_bytes(b'x' * 1024)
        pinned = ['taskset', '-c', '1']
        running.append(common.nginx(folder / 'upstream', f'server {{ listen 127.0.0.1:{UPSTREAM}; root {folder}/www; location / {{ try_files /body =404; }} }}', pinned))
        (folder / 'homerealm.toml').write_text(f'''
version = 1
listen = "127.0.0.1:{PROXY}"
public_url = "http://{HOST}"
[client]
id = "homerealm"
secret_env = "BENCH_SECRET"
[[routes]]
auth = "none"
upstream = "http://127.0.0.1:{UPSTREAM}"
''')
        environment = {**os.environ, 'BENCH_SECRET': 'a-secret-for-this-run-only', 'RUST_LOG': 'error'}
        proxy = subprocess.Popen(['taskset', '-c', '0', options.binary, 'run', '-c', str(folder / 'homerealm.toml')],
                                 stdout=subprocess.DEVNULL, stderr=open(folder / 'log', 'w'), env=environment)
        running.append(proxy)
        for _ in range(200):
            try:
                socket.create_connection(('127.0.0.1', PROXY)).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            sys.exit((folder / 'log').read_text())
        os.sched_setaffinity(0, {1})
        round_(None, options)
        figures, quiet = {name: [] for name in options.only or ATTACKS}, []
        for _ in range(options.rounds):
            for name in figures:
                for who, into in (None, quiet), (name, figures[name]):
                    times, failed, cut = round_(who, options)
                    into.append((statistics.quantiles(times, n=100), failed, cut, resident(proxy)))
        quiet_p99 = statistics.median(quantiles[98] for quantiles, *_ in quiet)
        print(f'{options.rounds} rounds of {options.seconds} s, {options.attackers} attackers, {options.rate} requests a second by the others')
        line = lambda name, rounds: print(
            f'{name:20} p50 {statistics.median(q[49] for q, *_ in rounds):7.2f} ms  p99 {statistics.median(q[98] for q, *_ in rounds):7.2f} ms '
            f'[{min(q[98] for q, *_ in rounds):.2f}–{max(q[98] for q, *_ in rounds):.2f}]  ×{statistics.median(q[98] for q, *_ in rounds) / quiet_p99:.2f}  '
            f'{sum(f for _, f, *_ in rounds)} failed  {sum(c for *_, c, _ in rounds)} cut off  {max(r for *_, r in rounds)} KiB resident')
        line('nobody', quiet)
        for name, rounds in figures.items():
            line(name, rounds)
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()
        shutil.rmtree(folder)


if __name__ == '__main__':
    main()
