#!/usr/bin/env python3
"""Homerealm beside nginx as a plain proxy, in one run, on this machine.

    cargo build --profile dist && tests/bench/compare.py [--rounds 5] [--seconds 4] [--body 1024]

The proxy under test is pinned to core 0, the load (wrk) and the upstream (nginx) to core 1; rounds are interleaved.
Homerealm works for its living: signed in, 100 routes, identity headers, access log on. What counts is the ratio of CPU
time per request; absolute figures are the machine's. Needs nginx and wrk from the distribution, nothing else.
"""
import argparse, os, re, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path

import common

ROOT = Path(__file__).resolve().parents[2]
UPSTREAM, NGINX, PROXY, PROVIDER = 21900, 21901, 21902, 21903
HOST = f'localhost:{PROXY}'


def homerealm(folder, binary, core, environment):
    text = common.configuration(PROXY, PROVIDER, UPSTREAM, 'secret_env = "BENCH_SECRET"')
    (folder / 'homerealm.toml').write_text(text)
    log = open(folder / 'access.log', 'w')
    return subprocess.Popen([*on(core), str(binary), 'run', '-c', str(folder / 'homerealm.toml')], stdout=log, stderr=open(folder / 'homerealm.log', 'w'), env=environment)


def on(core):
    return ['taskset', '-c', str(core)]


def ticks(process):
    """User and system time of a process and its children that still run, in clock ticks."""
    total = 0
    for pid in [process.pid, *map(int, subprocess.run(['pgrep', '-P', str(process.pid)], capture_output=True, text=True).stdout.split())]:
        fields = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total


def load(port, path, seconds, headers):
    command = [*on(1), 'wrk', '-t1', '-c64', f'-d{seconds}s', '--latency', *sum((['-H', h] for h in headers), []), f'http://127.0.0.1:{port}{path}']
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert 'Non-2xx' not in out, out
    figure = lambda pattern: re.search(pattern, out).group(1)
    return int(figure(r'(\d+) requests in')), figure(r'\n\s+50%\s+(\S+)'), figure(r'\n\s+99%\s+(\S+)')


def resident(process):
    return int(re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{process.pid}/status').read_text()).group(1))


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--rounds', type=int, default=5)
    options.add_argument('--seconds', type=int, default=4)
    options.add_argument('--body', type=int, default=1024)
    options.add_argument('--binary', default=str(ROOT / 'target/dist/homerealm'))
    options = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix='homerealm-bench-'))
    folder.chmod(0o755)  # nginx's workers are somebody else
    environment = {**os.environ, 'BENCH_SECRET': 'a-secret-for-this-run-only', 'RUST_LOG': 'error'}
    running = []
    try:
        (folder / 'www').mkdir()
        (folder / 'www' / 'body').write_bytes(b'x' * options.body)
        running.append(common.nginx(folder / 'upstream', f'server {{ listen 127.0.0.1:{UPSTREAM}; root {folder}/www; location / {{ try_files /body =404; }} }}', on(1)))
        plain = common.nginx(folder / 'plain', f'upstream app {{ server 127.0.0.1:{UPSTREAM}; keepalive 64; keepalive_requests 10000000; }} server {{ listen 127.0.0.1:{NGINX}; location / {{ proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://app; }} }}', on(0))
        running.append(plain)
        running.append(common.provider(options.binary, PROVIDER, environment))
        proxy = homerealm(folder, options.binary, 0, environment)
        running.append(proxy)
        for _ in range(100):
            try:
                cookies = common.sign_in(PROXY, PROVIDER)
                break
            except (OSError, AssertionError) as error:
                time.sleep(0.1)
                problem = error
        else:
            sys.exit(f'cannot sign in: {problem}\n{(folder / "homerealm.log").read_text()}')
        session = [f'Host: {HOST}', f'Cookie: {cookies}']
        sides = {'nginx, plain proxy': (plain, NGINX, '/last/x', ['Host: localhost']), 'homerealm, signed in': (proxy, PROXY, '/last/x', session)}
        figures = {name: [] for name in sides}
        for side in sides.values():
            load(side[1], side[2], 1, side[3])
        for round_ in range(options.rounds):
            order = list(sides.items())[:: 1 if round_ % 2 else -1]
            for name, (process, port, path, headers) in order:
                before = ticks(process)
                requests, p50, p99 = load(port, path, options.seconds, headers)
                cpu = (ticks(process) - before) * 1e6 / os.sysconf('SC_CLK_TCK') / requests
                figures[name].append((cpu, requests / options.seconds, p50, p99))
        print(f'{options.rounds} rounds of {options.seconds} s, 64 connections, {options.body} B body; a cookie of {len(cookies)} B')
        for name, rounds in figures.items():
            cpu = [figure[0] for figure in rounds]
            rate = statistics.median(figure[1] for figure in rounds)
            print(f'{name:22} {statistics.median(cpu):6.1f} µs CPU per request [{min(cpu):.1f}–{max(cpu):.1f}]  {rate:8.0f}/s  p50 {rounds[-1][2]}  p99 {rounds[-1][3]}  {resident(sides[name][0])} KiB resident')
        ratios = [ours[0] / theirs[0] for ours, theirs in zip(figures['homerealm, signed in'], figures['nginx, plain proxy'])]
        print(f'CPU per request, homerealm to nginx: {statistics.median(ratios):.2f} [{min(ratios):.2f}–{max(ratios):.2f}]')
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


main()
