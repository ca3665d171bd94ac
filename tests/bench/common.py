"""What the programs here have in common: nginx, the development provider, Homerealm's configuration, a sign-in."""
import http.cookiejar, os, shutil, urllib.error, urllib.parse, urllib.request

import machine

SECRET = 'a-secret-for-this-run-only'
ENVIRONMENT = {**os.environ, 'BENCH_SECRET': SECRET, 'RUST_LOG': 'warn', 'NO_COLOR': '1'}


def nginx_command(home, server, room=4096):
    """Writes a configuration for nginx with one worker, which has room for this many connections; what starts it."""
    (home / 'logs').mkdir(parents=True, exist_ok=True)
    (home / 'nginx.conf').write_text(f'''
worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log; worker_rlimit_nofile 65536;
events {{ worker_connections {room}; }}
http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  keepalive_requests 10000000; keepalive_timeout 1h; {server} }}''')
    return [shutil.which('nginx') or '/usr/sbin/nginx', '-p', home, '-c', home / 'nginx.conf']


def nginx(run, name, server, core=machine.LOAD_CORE, room=4096):
    """Starts nginx in a folder of its own."""
    return run.start(nginx_command(run.place(name), server, room), core)


def provider(run, binary, port):
    """Starts the development provider."""
    command = [binary, 'dev-idp', '--port', port, '--client-secret-env', 'BENCH_SECRET']
    process = run.start(command, env=ENVIRONMENT)
    machine.wait_for(port, process)
    return process


def configuration(proxy, provider, upstream, secret='secret_env = "BENCH_SECRET"', session='', routes=99, accounts='work', more='', public=None):
    """A configuration with this many routes and a last one, which takes these accounts."""
    route = lambda name, path, accounts: f'[[routes]]\nname = "{name}"\nmatch = {{ path = "{path}" }}\naccounts = "{accounts}"\nupstream = "http://127.0.0.1:{upstream}"\n'
    return f'''
version = 1
listen = "127.0.0.1:{proxy}"
public_url = "http://localhost:{public or proxy}"
[client]
id = "homerealm"
{secret}
[authorities.work]
issuer = "http://127.0.0.1:{provider}/organizations/v2.0"
[dev]
allow = true
[sign_in]
page = "auto"
[limits]
connections_per_client = 20000
{more}
{session}
''' + ''.join(route(f'r{n}', f'/app-{n}/**', 'work') for n in range(routes)) + route('last', '/last/**', accounts)


def homerealm(run, binary, text, core=machine.PROXY_CORE):
    """Starts the proxy with this configuration; access log and complaints go to files in its folder."""
    folder = run.place('homerealm')
    command, files = homerealm_command(folder, binary, text)
    return run.start(command, core, env=ENVIRONMENT, **files)


def homerealm_command(folder, binary, text):
    """What starts the proxy with this configuration, and the files it writes to."""
    (folder / 'homerealm.toml').write_text(text)
    files = {'stdout': open(folder / 'access.log', 'ab'), 'stderr': open(folder / 'stderr', 'ab')}
    return [binary, 'run', '-c', folder / 'homerealm.toml'], files


def sign_in(proxy, provider, path='/last/x'):
    """Signs Ada in at whatever listens there, through the development provider; her Cookie header afterwards.

    Cookies that are `Secure` are sent all the same: everything here is on the loopback."""
    policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=('http', 'https'))
    jar = http.cookiejar.CookieJar(policy)
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.addheaders = [('Accept', 'text/html'), ('Sec-Fetch-Mode', 'navigate'), ('Sec-Fetch-Dest', 'document'), ('User-Agent', 'Mozilla/5.0')]
    wanted = f'http://localhost:{proxy}{path}'
    try:
        page = opener.open(wanted, timeout=10)
        assert f':{provider}/' in page.url, f'{wanted} led to {page.url}, not to the provider'
        page = opener.open(page.url, data=urllib.parse.urlencode({'person': 'ada', 'break': 'nothing'}).encode(), timeout=10)
    except urllib.error.HTTPError as error:
        raise AssertionError(f'{error.url.split("?")[0]}: {error.code} {error.read()[:500]!r}') from error
    assert page.url == wanted, f'after the sign-in: {page.url}, not {wanted}'
    cookies = '; '.join(f'{c.name}={c.value}' for c in jar if c.domain.startswith('localhost'))
    assert cookies, 'no cookie of the proxy'
    return cookies
