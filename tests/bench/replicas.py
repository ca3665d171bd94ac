#!/usr/bin/env python3
"""Two replicas behind a balancer, with sessions in cookies and in one Redis.

    cargo build --profile dist && tests/bench/replicas.py [--rounds 3] [--seconds 4]

nginx takes turns between two processes of Homerealm, one on each core; all else runs where there is room, so that the rate
is what this whole machine carries, load included. Then one replica is ended under half of that rate, once as a deployment
does and once by SIGKILL, and the errors that clients see are counted. Needs nginx, wrk and redis-server of the distribution.
"""
import argparse, json, os, signal, sys, time
from dataclasses import dataclass
from statistics import median

import common, figures, load, machine
from peers import PATH, ROOT, program

WAYS = {'stopped (SIGTERM)': signal.SIGTERM, 'killed (SIGKILL)': signal.SIGKILL}


@dataclass
class Cluster:
    """The replicas over one store, the balancer's port for both of them and for the first alone, and a request's headers."""
    store: str
    replicas: list
    both: int
    first: int
    headers: list
    restart: object


def balancer(run, port, single, replicas):
    """Replicas are known by one name, whichever port is asked. One that does not answer is left out for a second."""
    server = lambda listen, group: f'server {{ listen 127.0.0.1:{listen} backlog=4096; location / {{ proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost:{port}; proxy_pass http://{group}; }} }}'
    group = lambda name, ports: f'upstream {name} {{ {" ".join(f"server 127.0.0.1:{one} fail_timeout=1s;" for one in ports)} keepalive 64; keepalive_requests 10000000; }}'
    return common.nginx(run, 'balancer', group('both', replicas) + group('first', replicas[:1]) + server(port, 'both') + server(single, 'first'), core=None)


def cluster(run, binary, store, session, upstream, provider):
    port, single, *ports = machine.free_ports(4)
    key = run.place(store) / 'key'
    key.write_text(os.urandom(32).hex())
    text = [common.configuration(one, provider, upstream, session=f'[session]\nkey_files = ["{key}"]\nstore = "{session}"', public=port) for one in ports]

    def start(number):
        replica = common.homerealm(run, binary, text[number], core=number % 2)
        machine.wait_for(ports[number], replica)
        return replica
    replicas = [start(0), start(1)]
    machine.wait_for(port, balancer(run, port, single, ports))
    cookies = common.sign_in(port, provider)
    return Cluster(store, replicas, port, single, [f'Host: localhost:{port}', f'Cookie: {cookies}'], start)


def throughput(clusters, redis, options):
    """Requests per second and CPU time of replicas and Redis per request, in interleaved rounds."""
    told = {}
    sides = [(one, count) for one in clusters for count in (1, 2)]
    for number in range(options.rounds):
        for one, count in sides[:: -1 if number % 2 else 1]:
            parts = {'replicas': one.replicas, 'redis': [redis]}
            before = {name: sum(map(machine.cpu, processes)) for name, processes in parts.items()}
            answers = load.saturate(one.both if count == 2 else one.first, PATH, one.headers, options.seconds, core=None)
            spent = {name: (sum(map(machine.cpu, processes)) - before[name]) / answers.count for name, processes in parts.items()}
            told.setdefault(f'{one.store}, {count}', []).append({'rate': answers.rate, 'p50': answers.p50, 'p99': answers.p99, **spent})
    return told


def outage(one, how, rate):
    """Ends the second replica in the middle of six seconds at a steady rate; what clients saw."""
    requests = load.pace(one.both, [load.request(PATH, one.headers)], rate, 6)
    time.sleep(2)
    one.replicas[1].send_signal(how)
    told = json.loads(requests.communicate()[0])
    one.replicas[1].wait(20)
    one.replicas[1] = one.restart(1)
    time.sleep(1.5)
    return told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--seconds', type=int, default=4)
    parser.add_argument('--binary', default=str(ROOT / 'target/dist/homerealm'))
    options = parser.parse_args()
    missing = [name for name in ['nginx', 'wrk', 'redis-server'] if not program(name)]
    if missing:
        sys.exit(f'not installed: {", ".join(missing)}')
    machine.prepare()
    with machine.Run('replicas') as run:
        upstream, provider, port = machine.free_ports(3)
        common.nginx(run, 'upstream', f'server {{ listen 127.0.0.1:{upstream} backlog=4096; location / {{ return 200 "{"x" * 1024}"; }} }}', core=None)
        common.provider(run, options.binary, provider)
        redis = run.start(['redis-server', '--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', run.folder], core=None)
        machine.wait_for(port, redis)
        stores = {'cookie': 'cookie', 'Redis': f'redis://127.0.0.1:{port}'}
        clusters = [cluster(run, options.binary, store, session, upstream, provider) for store, session in stores.items()]
        told = throughput(clusters, redis, options)
        middle = lambda rounds, key: median(each[key] for each in rounds)
        rows = [[side, f'{middle(rounds, "rate"):,.0f}', *[figures.micros(middle(rounds, key)) for key in ['replicas', 'redis', 'p50', 'p99']]] for side, rounds in told.items()]
        print(figures.table(['store, replicas', 'requests/s', 'CPU µs of replicas', 'of Redis', 'p50 µs', 'p99 µs'], rows))
        rows = []
        for one in clusters:
            rate = middle(told[f'{one.store}, 2'], 'rate') / 2
            for name, how in WAYS.items():
                seen = outage(one, how, rate)
                rows.append([f'{one.store}: {name}', f'{seen["sent"]:,}', str(seen['errors']), str(seen['wrong'] or ''), figures.micros(seen['percentiles']['99']), figures.micros(seen['percentiles']['99.9'])])
        print('\n' + figures.table(['one of two', 'requests', 'errors', 'which', 'p99 µs', 'p99.9 µs'], rows))


if __name__ == '__main__':
    main()
