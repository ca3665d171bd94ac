"""What our own size costs us: CPU time per request with more routes, and with more sessions in the memory store."""
import functools, http.client, re, time
from statistics import median
from urllib.parse import urlencode

import figures, load, machine, measures, peers

# Asks with the next session's cookie each time; the requests are made before the first of them leaves.
SCRIPT = '''
local requests, number = {}, 0
function init(arguments)
  for cookie in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format('GET', nil, { Host = wrk.headers['Host'], Cookie = cookie })
  end
end
function request()
  number = number % #requests + 1
  return requests[number]
end
'''


def measure(options, site):
    """The wanted scales, one table each; every single figure."""
    told = {}
    if options.routes:
        started = [sized('routes', count, routes=count).start(site) for count in options.routes]
        told['routes'] = measures.cpu(started, options.rounds, options.seconds)
        show(told['routes'], started)
    if options.sessions:
        started = [sized('sessions', count, session='[session]\nstore = "memory"').start(site) for count in options.sessions]
        script = site.run.folder / 'sessions.lua'
        script.write_text(SCRIPT)
        lists = {one.peer.name: cookies(one, site, count) for one, count in zip(started, options.sessions)}
        for one in started:
            one.headers = one.headers[:1]
        told['sessions'] = measures.cpu(started, options.rounds, options.seconds, script, lambda one: [lists[one.peer.name]])
        show(told['sessions'], started)
    return told


def sized(what, count, **settings):
    return peers.Peer(f'{what}-{count}', f'{count:,} {what}', lambda: None, functools.partial(peers.homerealm, **settings), True)


def show(rounds, started):
    """CPU time against the first of them, round by round."""
    first = [each['cpu'] for each in rounds[started[0].peer.name]]
    rows = []
    for one in started:
        own = [each['cpu'] for each in rounds[one.peer.name]]
        rate = median(each['rate'] for each in rounds[one.peer.name])
        rows.append([one.peer.title, f'{rate:,.0f}', figures.micros(median(own)), figures.spread(figures.ratios(own, first)), figures.megabytes(machine.size(one.process).resident)])
    print(figures.table(['homerealm with', 'requests/s', 'CPU µs', f'× {started[0].peer.title}', 'MB resident'], rows))


def cookies(one, site, count):
    """Signs Ada in so often, as fast as it goes over three connections that stay open; a file with a Cookie header per line."""
    proxy, provider = (http.client.HTTPConnection('127.0.0.1', port, timeout=10) for port in (one.port, site.provider))
    browser = {'Accept': 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document', 'Host': f'localhost:{one.port}'}
    file = site.run.place('cookies') / 'cookies'
    begun = time.monotonic()
    with file.open('w') as out:
        for _ in range(count):
            out.write(sign_in(proxy, provider, browser) + '\n')
    print(f'{count:,} sign-ins took {time.monotonic() - begun:.0f} s')
    return file


def sign_in(proxy, provider, browser):
    """One sign-in without looking at pages: the session's cookie."""
    to_provider, attempt = redirect(proxy, 'GET', peers.PATH, browser)
    form = {'Content-Type': 'application/x-www-form-urlencoded'}
    back, _ = redirect(provider, 'POST', local(to_provider), form, urlencode({'person': 'ada', 'break': 'nothing'}))
    _, session = redirect(proxy, 'GET', local(back), {**browser, 'Cookie': '; '.join(attempt)})
    return '; '.join(cookie for cookie in session if cookie.startswith('homerealm-s-'))


def redirect(connection, method, path, headers, body=None):
    """Where an answer leads, and the cookies that it sets."""
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status not in (302, 303, 307):
        raise load.Wrong(f'{method} {path.split("?")[0]}: {answer.status}')
    return answer.headers['Location'], [line.split(';')[0] for line in answer.headers.get_all('Set-Cookie', [])]


def local(url):
    return '/' + re.sub(r'^https?://[^/]*/', '', url).removeprefix('/')
