#!/usr/bin/env python3
"""Homerealm beside its peers, in one run, on this machine. Nothing is built by hand:

    cargo build --profile dist && tests/bench/compare.py --install

The proxy that is measured has core 0, the load and the upstream (nginx, 1 KiB) have core 1; rounds are interleaved. Homerealm
works for its living: signed in, 100 routes, identity headers, JSON access log to a file, metrics on. What counts is the
ratio to nginx of the same round, with the smallest and the largest; absolute figures are the machine's.

At saturation wrk asks over 64 connections. Half load is half of each one's own rate at saturation, by as many connections as
that takes if each waits for 1 to 9 ms before it asks again; added is what that takes longer than asking the upstream so.
Idle connections have had one request each. Starting is from exec until somebody can connect.

    --routes 10,100,1000     instead: our own CPU time with route tables of these sizes
    --sessions 1,100000      instead: our own CPU time with so many sessions in the memory store, asked for in turn
"""
import argparse, json, os, sys
from pathlib import Path
from statistics import median

import common, figures, load, machine, measures, peers, scales
from figures import megabytes, micros, ratios, spread

PARTS = ['cpu', 'latency', 'memory', 'start']
IDLE = [0, 1000, 10000]


def arguments():
    numbers = lambda text: [int(number) for number in text.split(',')]
    names = lambda known: lambda text: [name if name in known else sys.exit(f'{name}: one of {", ".join(known)}') for name in text.split(',')]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=int, default=4, help='of each measurement in a round')
    parser.add_argument('--body', type=int, default=1024, help='bytes of each answer')
    parser.add_argument('--only', type=names([peer.name for peer in peers.PEERS]), default=[], metavar='NAME,…', help=', '.join(peer.name for peer in peers.PEERS))
    parser.add_argument('--what', type=names(PARTS), default=PARTS, metavar='PART,…', help=', '.join(PARTS))
    parser.add_argument('--starts', type=int, default=11, help='of which the median is taken')
    parser.add_argument('--routes', type=numbers, metavar='N,…')
    parser.add_argument('--sessions', type=numbers, metavar='N,…')
    parser.add_argument('--json', type=Path, metavar='FILE', help='every single figure')
    parser.add_argument('--install', action='store_true', help='installs the peers that are missing')
    parser.add_argument('--binary', default=str(peers.ROOT / 'target/dist/homerealm'))
    return parser.parse_args()


def site(run, options):
    """The upstream, the backend of nginx's auth_request and the provider: what all peers need."""
    ports = machine.free_ports(3)
    body = run.place('www') / 'body'
    body.write_bytes(b'x' * options.body)
    servers = f'''server {{ listen 127.0.0.1:{ports[0]} backlog=4096; root {body.parent}; location / {{ try_files /body =404; }} }}
server {{ listen 127.0.0.1:{ports[1]} backlog=4096; location / {{ return 204; }} }}'''
    upstream = common.nginx(run, 'upstream', servers, room=20000)
    machine.wait_for(ports[0], upstream)
    common.provider(run, options.binary, ports[2])
    return peers.Site(run, options.binary, upstream=ports[0], check=ports[1], provider=ports[2])


def start(wanted, ground):
    """All that start and let somebody sign in; the others are skipped, and taken off the list."""
    started = []
    for peer in wanted[:]:
        try:
            started.append(peer.start(ground))
        except RuntimeError as error:
            wanted.remove(peer)
            print(f'skipped: {peer.title}: {error}', file=sys.stderr)
    return started


def measure(options, wanted, ground):
    """All that was asked for, by part and peer."""
    told, started = {}, start(wanted, ground)
    if 'cpu' in options.what or 'latency' in options.what:
        if 'cpu' in options.what:
            told['cpu'] = measures.cpu(started, options.rounds, options.seconds)
            told['instructions'] = measures.instructions(started, options.seconds)
        if 'latency' in options.what:
            rates = measures.half_rates(started, told.get('cpu', {}), options.seconds)
            told['latency'] = measures.latency(started, rates, ground.upstream, options.rounds, options.seconds)
    for one in started:
        machine.stop(one.process)
    if 'memory' in options.what:
        told['memory'] = measures.memory(wanted, ground, IDLE)
    if 'start' in options.what:
        told['start'] = measures.start_up(wanted, ground, options.starts)
        told['binary'] = {peer.name: measures.binary_size(peer) for peer in wanted}
    return told


def columns(told):
    """Heads, and for each a function of a peer's name; only of what was measured."""
    middle = lambda part, name, key: median(each[key] for each in told[part][name])
    versus = lambda part, name, key: spread(ratios([each[key] for each in told[part][name]], [each[key] for each in told[part].get('nginx', [])]))
    pair = lambda part, name, *keys: ' / '.join(micros(middle(part, name, key)) for key in keys)
    if 'cpu' in told:
        yield 'requests/s', lambda name: f'{middle("cpu", name, "rate"):,.0f}'
        yield 'of its core', lambda name: f'{middle("cpu", name, "core"):.0%}'
        yield 'CPU µs', lambda name: micros(middle('cpu', name, 'cpu'))
        yield '× nginx', lambda name: versus('cpu', name, 'cpu')
        if told['instructions']:
            yield 'instructions (user)', lambda name: '{all:,.0f} ({user:,.0f})'.format(**told['instructions'][name])
        yield 'saturated p50 / p99 µs', lambda name: pair('cpu', name, 'p50', 'p99')
    if 'latency' in told:
        yield 'half load', lambda name: f'{middle("latency", name, "rate"):,.0f}/s'
        yield 'p50 / p99 µs', lambda name: pair('latency', name, 'p50', 'p99')
        yield 'p99 × nginx', lambda name: versus('latency', name, 'p99')
        yield 'added p50 / p99 µs', lambda name: pair('latency', name, 'added_p50', 'added_p99')
    if 'memory' in told:
        yield 'MB at ' + ' / '.join(f'{count:,}' for count in IDLE), lambda name: ' / '.join(megabytes(told['memory'][name][count]) for count in IDLE)
        yield 'B per idle', lambda name: f'{(told["memory"][name][IDLE[-1]] - told["memory"][name][0]) / IDLE[-1]:,.0f}'
    if 'start' in told:
        yield 'starts in ms', lambda name: f'{median(told["start"][name]):.1f}'
        yield 'binary MB', lambda name: megabytes(told['binary'][name])


def main():
    options = arguments()
    if options.install:
        peers.install()
    if not Path(options.binary).exists():
        sys.exit(f'{options.binary} is not there: cargo build --profile dist')
    if not all(map(peers.program, ['nginx', 'wrk'])):
        sys.exit('nginx and wrk are needed in any case; --install installs them')
    machine.prepare()
    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f'this machine is busy with other things (load {busy:.1f}): ratios will scatter, latencies mean nothing', file=sys.stderr)
    with machine.Run('compare') as run:
        ground = site(run, options)
        if options.routes or options.sessions:
            told = scales.measure(options, ground)
        else:
            wanted = peers.known(options.binary, options.only)
            told = measure(options, wanted, ground)
            print(f'{options.rounds} rounds of {options.seconds} s, {load.CONNECTIONS} connections, bodies of {options.body:,} B, per request')
            shown = list(columns(told))
            print(figures.table(['proxy', *[head for head, _ in shown]], [[peer.title, *[show(peer.name) for _, show in shown]] for peer in wanted]))
            if 'cpu' in told and not told['instructions']:
                print('instructions: perf is not there or counts none on this machine')
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == '__main__':
    try:
        main()
    except load.Wrong as wrong:
        sys.exit(f'no figures, because of errors: {wrong}')
