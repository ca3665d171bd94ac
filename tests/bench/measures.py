"""What is measured of proxies that run. Every function takes peers in their order, goes round by round through all of them, and
returns for each peer's name the list of its rounds; judging and printing are compare.py's."""
import os, re, signal, subprocess, time
from statistics import median

import load, machine
from peers import PATH


def interleaved(started, rounds, measure):
    """One measurement of each in every round, every second round from the last to the first."""
    figures = {one.peer.name: [] for one in started}
    for number in range(rounds):
        for one in started[:: -1 if number % 2 else 1]:
            figures[one.peer.name].append(measure(one))
    return figures


def cpu(started, rounds, seconds, script=None, arguments=lambda one: ()):
    """CPU time per request (µs), requests per second, the share of its core that the proxy used, p50 and p99 (µs), at saturation."""
    ask = lambda one, seconds: load.saturate(one.port, PATH, one.headers, seconds, script, arguments(one))

    def measure(one):
        before = machine.cpu(one.process)
        answers = ask(one, seconds)
        spent = machine.cpu(one.process) - before
        return {'cpu': spent / answers.count, 'rate': answers.rate, 'core': spent / answers.seconds / 1e6, 'p50': answers.p50, 'p99': answers.p99}
    for one in started:
        ask(one, 1)
    return interleaved(started, rounds, measure)


def instructions(started, seconds):
    """Instructions per request, all and in user space; nothing where this machine's processors count none for us."""
    return {one.peer.name: counted for one in started if (counted := counted_instructions(one, seconds))}


def counted_instructions(one, seconds):
    pids = ','.join(map(str, machine.tree(one.process.pid)))
    try:
        perf = machine.start(['perf', 'stat', '-x,', '-e', 'instructions,instructions:u', '-p', pids], stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        return None
    time.sleep(0.3)
    answers = load.saturate(one.port, PATH, one.headers, seconds)
    perf.send_signal(signal.SIGINT)
    told = re.findall(r'^(\d+),[^,]*,(instructions(?::u)?),', perf.communicate()[1], re.M)
    counts = {event: int(count) / answers.count for count, event in told}
    return {'all': counts['instructions'], 'user': counts['instructions:u']} if len(counts) == 2 else None


def half_rates(started, known, seconds):
    """Half of the rate at which each was saturated: in the rounds before, or else in one of its own now."""
    rates = {}
    for one in started:
        rounds = known.get(one.peer.name) or [{'rate': load.saturate(one.port, PATH, one.headers, seconds).rate}]
        rates[one.peer.name] = median(each['rate'] for each in rounds) / 2
    return rates


def latency(started, rates, upstream, rounds, seconds):
    """p50 and p99 (µs) at about this rate, and what of them is added to asking the upstream itself at the same rate."""
    def measure(one):
        rate = rates[one.peer.name]
        direct = load.thinking(upstream, PATH, one.headers, rate, seconds)
        through = load.thinking(one.port, PATH, one.headers, rate, seconds)
        return {'rate': through.rate, 'p50': through.p50, 'p99': through.p99, 'added_p50': through.p50 - direct.p50, 'added_p99': through.p99 - direct.p99}
    return interleaved(started, rounds, measure)


def memory(peers, site, counts):
    """Resident bytes with so many idle connections, each time of a process that was started with room for as many."""
    figures = {peer.name: {} for peer in peers}
    for peer in peers:
        for count in counts:
            started = peer.start(site, room=max(1024, count + 1024))
            with load.idle(started.port, PATH, started.headers, count):
                figures[peer.name][count] = machine.size(started.process).resident
            machine.stop(started.process)
    return figures


def start_up(peers, site, times):
    """Milliseconds from before the process is made until somebody connects to it."""
    figures = {peer.name: [] for peer in peers}
    for _ in range(times):
        for peer in peers:
            started = peer.start(site, ready=False)
            machine.wait_for(started.port, started.process)
            figures[peer.name].append((time.perf_counter() - started.begun) * 1e3)
            machine.stop(started.process)
    return figures


def binary_size(peer):
    """Bytes of the program itself, without the libraries and modules that it loads."""
    return os.stat(os.path.realpath(peer.program())).st_size
