"""What the programs here have in common: nginx, the parts of a configuration, the development provider, a sign-in."""
import http.cookiejar, subprocess, urllib.parse, urllib.request


def nginx(home, server, before=()):
    """Starts nginx with one worker in a folder of its own; `before` is what its command starts with."""
    (home / 'logs').mkdir(parents=True)
    (home / 'nginx.conf').write_text(f'''
worker_processes 1; daemon off; pid {home}/pid; error_log {home}/error.log;
events {{ worker_connections 4096; }}
http {{ access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  keepalive_requests 10000000; {server} }}''')
    return subprocess.Popen([*before, 'nginx', '-p', str(home), '-c', str(home / 'nginx.conf')], stderr=subprocess.DEVNULL)


def provider(binary, port, environment):
    """Starts the development provider; the client's secret is in BENCH_SECRET."""
    command = [binary, 'dev-idp', '--port', str(port), '--client-secret-env', 'BENCH_SECRET']
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


def configuration(proxy, provider, upstream, secret, session='', routes=99, accounts='work'):
    """A configuration with this many routes and a last one, which takes these accounts."""
    route = lambda name, path, accounts: f'[[routes]]\nname = "{name}"\nmatch = {{ path = "{path}" }}\naccounts = "{accounts}"\nupstream = "http://127.0.0.1:{upstream}"\n'
    return f'''
version = 1
listen = "127.0.0.1:{proxy}"
public_url = "http://localhost:{proxy}"
[client]
id = "homerealm"
{secret}
[authorities.work]
issuer = "http://127.0.0.1:{provider}/organizations/v2.0"
[dev]
allow = true
[sign_in]
page = "auto"
{session}
''' + ''.join(route(f'r{n}', f'/app-{n}/**', 'work') for n in range(routes)) + route('last', '/last/**', accounts)


def sign_in(proxy, provider):
    """Signs Ada in through the development identity provider and returns her Cookie header."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.addheaders = [('Accept', 'text/html'), ('Sec-Fetch-Mode', 'navigate'), ('Sec-Fetch-Dest', 'document')]
    page = opener.open(f'http://localhost:{proxy}/last/')
    assert str(provider) in page.url, page.url
    opener.open(page.url, data=urllib.parse.urlencode({'person': 'ada', 'break': 'nothing'}).encode())
    cookies = '; '.join(f'{c.name}={c.value}' for c in jar if c.name.startswith('homerealm-s-'))
    assert cookies, [c.name for c in jar]
    return cookies
