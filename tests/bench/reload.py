#!/usr/bin/env python3
"""What requests notice of reloads: nothing, or this says how much.

    cargo build --release && tests/bench/reload.py [target/release/homerealm] [--reloads 50] [--by signal|file]

A signed-in session is asked for by wrk, while the configuration is written anew again and again, every second time with a
mistake in it; each reload is waited for in the log. Good ones change routes and session keys. Needs nginx and wrk
from the distribution, nothing else.
"""
import argparse, http.cookiejar, os, re, shutil, signal, subprocess, sys, tempfile, time, urllib.parse, urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UPSTREAM, PROXY, PROVIDER = 21910, 21911, 21912
HOST = f'localhost:{PROXY}'
APPLIED, REFUSED = 'was read again and is in force', 'cannot be used, the one from before stays in force'


def upstream(folder):
    home = folder / 'upstream'
    (home / 'logs').mkdir(parents=True)
    (home / 'nginx.conf').write_text(f'''
worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  keepalive_requests 10000000; server {{ listen 127.0.0.1:{UPSTREAM}; location / {{ return 200 "{'x' * 512}"; }} }} }}''')
    return subprocess.Popen(['nginx', '-p', str(home), '-c', str(home / 'nginx.conf')], stderr=subprocess.DEVNULL)


def configure(folder, number):
    """The configuration of this number, put into its place whole. Odd ones are bad."""
    accounts = 'works' if number % 2 else 'work'
    routes = ''.join(f'[[routes]]\nname = "r{n}"\nmatch = {{ path = "/app-{n}/**" }}\naccounts = "work"\nupstream = "http://127.0.0.1:{UPSTREAM}"\n' for n in range(99 + number % 7))
    keys = ['"key-0"', '"key-1", "key-0"'][number // 2 % 2]
    (folder / 'homerealm.new').write_text(f'''# {number}
version = 1
listen = "127.0.0.1:{PROXY}"
public_url = "http://{HOST}"
[client]
id = "homerealm"
secret_file = "secret"
[authorities.work]
issuer = "http://127.0.0.1:{PROVIDER}/organizations/v2.0"
[dev]
allow = true
[sign_in]
page = "auto"
[session]
key_files = [{keys}]
{routes}
[[routes]]
name = "last"
match = {{ path = "/last/**" }}
accounts = "{accounts}"
upstream = "http://127.0.0.1:{UPSTREAM}"
''')
    os.replace(folder / 'homerealm.new', folder / 'homerealm.toml')


def sign_in():
    """Signs Ada in through the development identity provider and returns her Cookie header."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.addheaders = [('Accept', 'text/html'), ('Sec-Fetch-Mode', 'navigate'), ('Sec-Fetch-Dest', 'document')]
    page = opener.open(f'http://{HOST}/last/')
    assert str(PROVIDER) in page.url, page.url
    opener.open(page.url, data=urllib.parse.urlencode({'person': 'ada', 'break': 'nothing'}).encode())
    cookies = '; '.join(f'{c.name}={c.value}' for c in jar if c.name.startswith('homerealm-s-'))
    assert cookies, [c.name for c in jar]
    return cookies


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
    folder = Path(tempfile.mkdtemp(prefix='homerealm-reload-'))
    folder.chmod(0o755)  # nginx's workers are somebody else
    environment = {**os.environ, 'BENCH_SECRET': 'a-secret-for-this-run-only', 'NO_COLOR': '1'}
    running = []
    try:
        (folder / 'secret').write_text(environment['BENCH_SECRET'])
        for key in range(2):
            (folder / f'key-{key}').write_bytes(os.urandom(32).hex().encode())
        configure(folder, 0)
        running.append(upstream(folder))
        running.append(subprocess.Popen([options.binary, 'dev-idp', '--port', str(PROVIDER), '--client-secret-env', 'BENCH_SECRET'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment))
        log = folder / 'homerealm.log'
        proxy = subprocess.Popen([options.binary, 'run', '-c', str(folder / 'homerealm.toml')], stdout=open(folder / 'access.log', 'w'), stderr=open(log, 'w'), env=environment)
        running.append(proxy)
        cookies = until('sign-in', lambda: attempt(sign_in))
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
        errors, p50, p99 = figure(r'Socket errors: (.*)', 'none'), figure(r'50%\s+(\S+)'), figure(r'99%\s+(\S+)')
        resident = re.search(r'VmRSS:\s+(\d+)', Path(f'/proc/{proxy.pid}/status').read_text())[1]
        told = log.read_text()
        print(f'{options.reloads} reloads by {options.by}: {told.count(APPLIED)} applied, {told.count(REFUSED)} refused; each took {min(took):.0f} to {max(took):.0f} ms, median {sorted(took)[len(took) // 2]:.0f} ms')
        print(f'{requests} requests, {failed} not 2xx, socket errors: {errors}; p50 {p50}, p99 {p99}; {resident} KiB resident at the end')
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


main()
