"""Processes on this machine: started on one core, read from /proc, stopped by their ids. Knows nothing of proxies."""
import contextlib, os, random, resource, shutil, socket, subprocess, tempfile, time
from dataclasses import dataclass
from pathlib import Path

PROXY_CORE, LOAD_CORE = 0, 1
TICK = os.sysconf('SC_CLK_TCK')
PAGE = os.sysconf('SC_PAGE_SIZE')


def prepare(core=LOAD_CORE):
    """This program moves out of the proxies' way, and may hold many connections; what it starts may, too."""
    if os.cpu_count() < 2:
        raise SystemExit('one core for the proxy and one for the load: this machine has but one')
    os.sched_setaffinity(0, {core})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (65536, max(hard, 65536)))
    except (OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Run:
    """A folder for this run and what was started in it; all of it is gone at the end."""

    def __init__(self, name):
        self.folder = Path(tempfile.mkdtemp(prefix=f'homerealm-{name}-'))
        self.folder.chmod(0o755)  # workers of some servers are somebody else
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, command, core=LOAD_CORE, **options):
        """Starts something that lives until the end of the run or until it is stopped by hand."""
        process = start(command, core, **options)
        self.running.append(process)
        return process

    def place(self, name):
        """A new folder below that of the run."""
        number = sum(1 for _ in self.folder.iterdir())
        folder = self.folder / f'{number}-{name}'
        folder.mkdir()
        folder.chmod(0o777)
        return folder


def start(command, core=LOAD_CORE, **options):
    """Starts a program on one core, without a helper in between; `core=None` leaves it to the system."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count()) if core is None else {core})
    try:
        options = {'stdin': subprocess.DEVNULL, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL, **options}
        return subprocess.Popen([str(word) for word in command], **options)
    finally:
        os.sched_setaffinity(0, mine)


def stop(process, seconds=10):
    """Ends a process as an operator would, and if it does not end, as the system would."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_ports(count):
    """Ports that nobody listens on, below those that the system gives to clients: thousands of connections take many of these."""
    lowest = int(Path('/proc/sys/net/ipv4/ip_local_port_range').read_text().split()[0])
    found = []
    for port in random.sample(range(lowest // 2, lowest), lowest // 2):
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(('127.0.0.1', port))
            found.append(port)
        if len(found) == count:
            return found
    raise SystemExit('no free ports')


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(('127.0.0.1', port)) == 0


def wait_for(port, process, seconds=20):
    """Waits in a tight loop until somebody listens; how long that took, in seconds, as seen from here."""
    begin = time.perf_counter()
    while not listens(port):
        if process.poll() is not None:
            raise RuntimeError(f'{process.args[0]} ended with {process.returncode} before it listened')
        if time.perf_counter() - begin > seconds:
            raise RuntimeError(f'{process.args[0]} does not listen within {seconds} s')
        time.sleep(0.0001)
    return time.perf_counter() - begin


def _stat(pid):
    """The fields of /proc/PID/stat from the third on, or None of a process that has ended."""
    try:
        return Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    except OSError:
        return None


def tree(pid):
    """A process and everything below it that still runs."""
    children = {}
    for entry in os.listdir('/proc'):
        fields = _stat(entry) if entry.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(entry))
    found = [pid]
    for one in found:
        found.extend(children.get(one, []))
    return found


def cpu(process):
    """User and system time of a process and all below it, also of those that have ended, in µs."""
    stats = filter(None, map(_stat, tree(process.pid)))
    return sum(sum(map(int, fields[11:15])) for fields in stats) * 1e6 / TICK


@dataclass
class Size:
    """What a process and all below it take: resident bytes, open files, threads."""
    resident: int
    files: int
    threads: int


def size(process):
    """Pages that several processes share are counted in each of them."""
    total = Size(0, 0, 0)
    for pid in tree(process.pid):
        try:
            total.resident += int(Path(f'/proc/{pid}/statm').read_text().split()[1]) * PAGE
            total.files += len(os.listdir(f'/proc/{pid}/fd'))
            total.threads += len(os.listdir(f'/proc/{pid}/task'))
        except OSError:
            continue
    return total
