#!/usr/bin/env python3
"""What requests notice of reloads: nothing, or this says how much.

    cargo build --release && tests/bench/reload.py [target/release/homerealm] [--reloads 50] [--by signal|file]

A signed-in session is asked for by wrk, while the configuration is written anew again and again, every second time with a
mistake in it; each reload is waited for in the log. Good ones change routes and session keys. Needs nginx and wrk
from the distribution, nothing else.
"""
import argparse, os, re, signal, subprocess, sys, time
from pathlib import Path

import common, machine

ROOT = Path(__file__).resolve().parents[2]
UPSTREAM, PROXY, PROVIDER = machine.free_ports(3)
HOST = f'localhost:{PROXY}'
APPLIED, REFUSED = 'was read again and is in force', 'cannot be used, the one from before stays in force'


def configure(folder, number):
    """The configuration of this number, put into its place whole. Odd ones are bad."""
    keys = ['"key-0"', '"key-1", "key-0"'][number // 2 % 2]
    session, accounts = f'[session]\nkey_files = [{keys}]', 'works' if number % 2 else 'work'
    text = common.configuration(PROXY, PROVIDER, UPSTREAM, 'secret_file = "secret"', session, 99 + number % 7, accounts)
    (folder / 'homerealm.new').write_text(f'# {number}{text}')
    os.replace(folder / 'homerealm.new', folder / 'homerealm.toml')


def until(what, holds, seconds=20):
    end = time.monotonic() + seconds
    while True:
        value = holds()
        if value:
            return value
        if time.monotonic() > end:
            sys.exit(f'{what}: not within {seconds} s')
        time.sleep(0.005)


def reload(folder, proxy, number, by, log):
    """Writes the next configuration and waits until the log tells of it; how long that took, in ms."""
    text = APPLIED if number % 2 == 0 else REFUSED
    before = log.read_text().count(text)
    configure(folder, number)
    begin = time.monotonic()
    if by == 'signal':
        proxy.send_signal(signal.SIGHUP)
    until(f'reload {number}', lambda: log.read_text().count(text) > before)
    return (time.monotonic() - begin) * 1e3


def attempt(sign):
    try:
        return sign()
    except (OSError, AssertionError):
        return None


def main():
    options = argparse.ArgumentParser()
    options.add_argument('binary', nargs='?', default=str(ROOT / 'target/release/homerealm'))
    options.add_argument('--reloads', type=int, default=50)
    options.add_argument('--by', choices=['signal', 'file'], default='signal')
    options = options.parse_args()
    with machine.Run('reload') as run:
        folder = run.folder
        environment = {**common.ENVIRONMENT, 'RUST_LOG': 'info'}
        (folder / 'secret').write_text(common.SECRET)
        for key in range(2):
            (folder / f'key-{key}').write_bytes(os.urandom(32).hex().encode())
        configure(folder, 0)
        server = f'server {{ listen 127.0.0.1:{UPSTREAM}; location / {{ return 200 "{"x" * 512}"; }} }}'
        common.nginx(run, 'upstream', server, core=None)
        common.provider(run, options.binary, PROVIDER)
        log = folder / 'homerealm.log'
        files = {'stdout': open(folder / 'access.log', 'w'), 'stderr': open(log, 'w')}
        proxy = run.start([options.binary, 'run', '-c', folder / 'homerealm.toml'], core=None, env=environment, **files)
        cookies = until('sign-in', lambda: attempt(lambda: common.sign_in(PROXY, PROVIDER)))
        # A file that is looked at is seen within two looks.
        seconds = int(options.reloads * (2.5 if options.by == 'file' else 0.2)) + 3
        command = ['wrk', '-t1', '-c32', f'-d{seconds}s', '--latency', '-H', f'Host: {HOST}', '-H', f'Cookie: {cookies}', f'http://127.0.0.1:{PROXY}/last/x']
        load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        took = []
        for number in range(1, options.reloads + 1):
            took.append(reload(folder, proxy, number, options.by, log))
            time.sleep(0 if options.by == 'file' else max(0, 0.2 - took[-1] / 1e3))
        if load.poll() is not None:
            sys.exit('wrk ended before the last reload: its figures say nothing')
        out = load.communicate()[0]
        figure = lambda pattern, otherwise='0': (re.search(pattern, out) or [None, otherwise])[1]
        requests, failed = figure(r'(\d+) requests in'), figure(r'Non-2xx or 3xx responses: (\d+)')
        errors, p50, p99 = figure(r'Socket errors: (.*)', 'none'), figure(r'\n\s+50%\s+(\S+)'), figure(r'\n\s+99%\s+(\S+)')
        resident = re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{proxy.pid}/status').read_text())[1]
        told = log.read_text()
        print(f'{options.reloads} reloads by {options.by}: {told.count(APPLIED)} applied, {told.count(REFUSED)} refused; each took {min(took):.0f} to {max(took):.0f} ms, median {sorted(took)[len(took) // 2]:.0f} ms')
        print(f'{requests} requests, {failed} not 2xx, socket errors: {errors}; p50 {p50}, p99 {p99}; {resident} KiB resident at the end')


main()
