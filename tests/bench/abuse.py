#!/usr/bin/env python3
"""What other clients notice of HTTP/2 clients that keep the proxy busy for nothing.

    cargo build --profile dist && tests/bench/abuse.py [--seconds 5] [--attackers 2] [--rate 400] [--only PING] [--binary …]

The proxy has core 0, everybody else core 1, where attackers step back whenever somebody else wants to go on: what is measured
is the proxy. The others ask at a steady rate over HTTP/1.1 connections that they keep. Rounds without and with each attack are
interleaved; an attacker whose connection is cut begins a new one at once. Needs nginx, nothing else. Ends with 1 if anybody
else's request fails, or if their p99 under an attack is more than twice what it is without one.
"""
import argparse, json, multiprocessing, os, select, socket, struct, sys, time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import common, figures, load, machine
from peers import ROOT

MOST = 2
PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'


def frame(kind, flags, stream, payload=b''):
    return struct.pack('>I', len(payload))[1:] + struct.pack('>BBI', kind, flags, stream) + payload


def section(*fields):
    """Without compression (RFC 7541 §6.2.2)."""
    return b''.join(b'\0' + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)


REQUEST = section((b':method', b'GET'), (b':scheme', b'http'), (b':authority', b'localhost'), (b':path', b'/x'))
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


def attack(name, port, until, cut):
    """Floods, reading what comes back, until the time is over; counts the connections that were cut."""
    os.nice(19)
    settings, first, more = ATTACKS[name]
    while time.monotonic() < until.value:
        try:
            connection = socket.create_connection(('127.0.0.1', port))
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


@dataclass
class Round:
    """The others' times in µs, how many of their requests failed, how many attackers were cut off, and what it took."""
    p50: float
    p99: float
    failed: int
    cut: int
    busy: float
    resident: int


def round_(name, proxy, port, options):
    """One round; of nobody, if there is no name."""
    until, cut = multiprocessing.Value('d', time.monotonic() + 3600), multiprocessing.Value('i', 0)
    attackers = [multiprocessing.Process(target=attack, args=(name, port, until, cut)) for _ in range(options.attackers if name else 0)]
    for process in attackers:
        process.start()
    before = machine.cpu(proxy)
    others = load.pace(port, [load.request('/x', [f'Host: localhost:{port}'])], options.rate, options.seconds, 16)
    told = json.loads(others.communicate()[0])
    busy = (machine.cpu(proxy) - before) / 1e6 / options.seconds
    until.value = 0
    for process in attackers:
        process.join()
    times = told['percentiles']
    return Round(times['50'], times['99'], told['errors'], cut.value, busy, machine.size(proxy).resident)


def site(run, binary):
    """An upstream and the proxy, with a public route; the proxy's process and port."""
    upstream, port = machine.free_ports(2)
    www = run.place('www')
    (www / 'body').write_bytes(b'x' * 1024)
    common.nginx(run, 'upstream', f'server {{ listen 127.0.0.1:{upstream}; root {www}; location / {{ try_files /body =404; }} }}')
    proxy = common.homerealm(run, binary, f'''
version = 1
listen = "127.0.0.1:{port}"
public_url = "http://localhost:{port}"
[client]
id = "homerealm"
secret_env = "BENCH_SECRET"
[[routes]]
auth = "none"
upstream = "http://127.0.0.1:{upstream}"
''')
    machine.wait_for(port, proxy)
    return proxy, port


def row(name, rounds, quiet):
    p99 = [one.p99 for one in rounds]
    times = lambda value: figures.micros(median(value(one) for one in rounds))
    return [name, times(lambda one: one.p50), times(lambda one: one.p99), figures.spread(figures.ratios(p99, quiet)),
            f'{median(one.busy for one in rounds):.0%}', str(sum(one.failed for one in rounds)), str(sum(one.cut for one in rounds)),
            figures.megabytes(max(one.resident for one in rounds))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--seconds', type=float, default=5)
    parser.add_argument('--attackers', type=int, default=2)
    parser.add_argument('--rate', type=float, default=400)
    parser.add_argument('--only', choices=ATTACKS, action='append', help='this attack; may be repeated')
    parser.add_argument('--binary', type=Path, default=ROOT / 'target/dist/homerealm')
    options = parser.parse_args()
    machine.prepare()
    names = options.only or list(ATTACKS)
    with machine.Run('abuse') as run:
        proxy, port = site(run, options.binary)
        quiet, attacked = {name: [] for name in names}, {name: [] for name in names}
        for _ in range(options.rounds):
            for name in names:
                quiet[name].append(round_(None, proxy, port, options))
                attacked[name].append(round_(name, proxy, port, options))
    print(f'{options.rounds} rounds of {options.seconds:g} s, {options.attackers} attackers, {options.rate:g} requests a second by the others')
    nobody = [one for rounds in quiet.values() for one in rounds]
    rows = [row('nobody', nobody, [])]
    rows += [row(name, attacked[name], [one.p99 for one in quiet[name]]) for name in names]
    print(figures.table(['attack', 'p50 µs', 'p99 µs', 'to without', 'core', 'failed', 'cut off', 'MB'], rows))
    worst = max(figures.ratios([one.p99 for one in attacked[name]], [one.p99 for one in quiet[name]])[0] for name in names)
    if worst > MOST or any(one.failed for rounds in (nobody, *attacked.values()) for one in rounds):
        sys.exit(1)


if __name__ == '__main__':
    main()
