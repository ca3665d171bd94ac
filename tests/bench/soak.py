#!/usr/bin/env python3
"""Half load of mixed requests for a while: no error, and memory that stays where it was after the first quarter.

    cargo build --profile dist && tests/bench/soak.py [--minutes 20]

Of ten requests eight are for 1 KiB, one for 100 KiB and one uploads 64 KiB, signed in, at the steady rate that keeps core 0,
the proxy's own, half busy; beside them event streams and WebSockets come, talk and go. Every 10 s resident memory, open files
and threads are looked at. Ends with 1 after any error, and if memory grows by more than a tenth after the first quarter.
"""
import argparse, json, os, signal, subprocess, sys, time
from pathlib import Path

import common, figures, load, machine
from peers import ROOT

EVERY = 10
GROWTH = 1.1
STREAMS = Path(__file__).resolve().parent / 'streams.py'


def site(run, binary):
    """Upstream, streams, provider and proxy; the proxy's process and port, and the headers of a request.

    An upload is answered after all of it has come."""
    upstream, streams, provider, port, admin = machine.free_ports(5)
    www = run.place('www')
    (www / 'body').write_bytes(b'x' * 1024)
    (www / 'large').write_bytes(b'x' * 102400)
    common.nginx(run, 'upstream', f'''server {{ listen 127.0.0.1:{upstream} backlog=4096; root {www}; client_max_body_size 0;
location / {{ try_files /body =404; }} location = /last/large {{ try_files /large =404; }} location = /taken {{ return 200 "taken"; }}
location = /last/upload {{ client_body_buffer_size 128k; proxy_pass http://127.0.0.1:{upstream}/taken; }} }}''')
    run.start([sys.executable, STREAMS, 'serve', streams])
    common.provider(run, binary, provider)
    route = f'[[routes]]\nname = "streams"\nmatch = {{ path = "/streams/**" }}\naccounts = "work"\nupstream = "http://127.0.0.1:{streams}"\n'
    text = common.configuration(port, provider, upstream, session='[session]\nidle = "8h"\nmax = "8h"', more=f'[admin]\nlisten = "127.0.0.1:{admin}"')
    proxy = common.homerealm(run, binary, text + route)
    machine.wait_for(port, proxy)
    return proxy, port, [f'Host: localhost:{port}', f'Cookie: {common.sign_in(port, provider)}']


def mixture(headers):
    """Ten requests: what is asked for in turn."""
    small = load.request('/last/x', headers)
    large = load.request('/last/large', headers)
    return [small] * 4 + [large] + [small] * 4 + [load.request('/last/upload', headers, 'POST', 'u' * 65536)]


def half(proxy, port, requests, rate=500, seconds=4):
    """The rate that keeps the proxy's core half busy, from what requests cost at a low one."""
    before = machine.cpu(proxy)
    told = json.loads(load.pace(port, requests, rate, seconds).communicate()[0])
    if told['errors']:
        sys.exit(f'errors before it began: {told["wrong"]}')
    return 0.5e6 / ((machine.cpu(proxy) - before) / told['done'])


def watch(proxy, ends, log):
    """Sizes, every 10 s until then, also printed. The log is emptied: it would be gigabytes."""
    begun, samples = time.monotonic(), []
    while time.monotonic() < ends and proxy.poll() is None:
        time.sleep(min(EVERY, max(0, ends - time.monotonic())))
        samples.append(machine.size(proxy))
        os.truncate(log, 0)
        size = samples[-1]
        print(f'{time.monotonic() - begun:6.0f} s  {figures.megabytes(size.resident)} MB  {size.files} files  {size.threads} threads', flush=True)
    return samples


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--minutes', type=float, default=20)
    parser.add_argument('--rate', type=float, help='requests per second, instead of half load')
    parser.add_argument('--binary', default=str(ROOT / 'target/dist/homerealm'))
    options = parser.parse_args()
    machine.prepare()
    with machine.Run('soak') as run:
        proxy, port, headers = site(run, options.binary)
        requests, seconds = mixture(headers), options.minutes * 60
        rate = options.rate or half(proxy, port, requests)
        print(f'{rate:.0f} requests/s for {options.minutes:g} minutes')
        before = machine.cpu(proxy)
        streams = machine.start([sys.executable, STREAMS, 'use', port, *headers, f'Origin: http://localhost:{port}'], stdout=subprocess.PIPE, stderr=None, text=True)
        requests = load.pace(port, requests, rate, seconds)
        run.running += [streams, requests]
        samples = watch(proxy, time.monotonic() + seconds, next(run.folder.glob('*homerealm/access.log')))
        asked = json.loads(requests.communicate()[0])
        streams.send_signal(signal.SIGTERM)
        streamed = json.loads(streams.communicate()[0])
        busy = (machine.cpu(proxy) - before) / 1e6 / seconds
        if proxy.poll() is not None:
            sys.exit(f'the proxy ended with {proxy.returncode}')
    first = max(sample.resident for sample in samples[:max(1, len(samples) // 4)])
    later = max(sample.resident for sample in samples)
    print(f'{asked["done"]} requests, {asked["errors"]} errors {asked["wrong"]}; µs {asked["percentiles"]}; the proxy used {busy:.0%} of its core')
    print(f'{streamed["streams"]} streams, {streamed["messages"]} messages, errors {streamed["errors"]}')
    print(f'memory: {figures.megabytes(first)} MB in the first quarter, then at most {later / first:.2f} of that')
    if asked['errors'] or streamed['errors'] or not streamed['streams'] or later > GROWTH * first:
        sys.exit(1)


if __name__ == '__main__':
    main()
