#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""Measures the servers side by side and prints Markdown tables.

The servers run on CPU 0, the load on CPU 1; rounds are interleaved, and ratios are taken within a round, so that
other work of the machine hits all alike. A wrong answer or message ends the run."""
import argparse
import contextlib
import functools
import json
import os
import re
import resource
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = ["cpu", "transports", "wires", "instr", "idle", "handshake", "latency", "stalled", "bursts", "compile"]
TRANSPORTS = {"": "ws", "_unix": "unix", "_wss": "wss"}  # what stands behind the name of a server
OTHERS = [f"{name}{end}" for end in TRANSPORTS if end for name in ("floor", "sigfire")]
SERVERS = ["floor", "sigfire", "every_part", "metrics", "beast", "ws", "signal-fire", *OTHERS]
NATIVE = ["floor", "sigfire", "every_part", "metrics", "beast", *OTHERS]
RATIOS = [("sigfire", "floor"), ("every_part", "sigfire"), ("beast", "sigfire"), ("ws", "sigfire"), ("signal-fire", "sigfire")]
WIRES = {"peerjs": "`peer`", "socket-signal": "`socket-signal-websocket`", "y-webrtc": "`y-webrtc`"}
KEYS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}
CELLS = [(120, 1), (120, 16), (4096, 1), (4096, 16)]


def fail(why):
    sys.exit(f"run.py: {why}")


class Server:
    """One server as a process of its own, ready when the constructor returns; `stop` ends it."""

    def __init__(self, name, wrapper=(), wire=None, keys="ec"):
        self.name, self.wire = name, wire
        self.folder = tempfile.TemporaryDirectory()
        if name.endswith("_unix"):
            address = f"{self.folder.name}/socket"
            self.reached_by = {"unix": address}
        else:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                address = str(probe.getsockname()[1])
            self.reached_by = {"port": address, "tls": int(name.endswith("_wss"))}
        arguments = [address, certificate(keys).name] if name.endswith("_wss") else [address]
        command = [str(binary("dialects")), wire] if wire and name in NATIVE else \
            [str(binary(name))] if name in NATIVE else ["node", str(HERE / "rivals" / f"{wire or name}.mjs")]
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(["taskset", "-c", "0", *wrapper, *command, *arguments],
                                        stdout=subprocess.PIPE, stderr=self.errors, text=True)
        try:
            if not read_line(self.process.stdout, 30).startswith("listening on"):
                fail(f"{name} does not listen: {self.said()}")
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self):
        return self.process.pid  # taskset and valgrind replace themselves

    def said(self):
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def resident(self):
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def heap(self):
        if self.name not in NATIVE:
            return None
        before = len(re.findall(r"^heap \d+$", self.said(), re.M))
        os.kill(self.pid, signal.SIGUSR1)
        limit = time.monotonic() + 10
        while time.monotonic() < limit:
            reports = re.findall(r"^heap (\d+)$", self.said(), re.M)
            if len(reports) > before:
                return int(reports[-1])
            time.sleep(0.01)
        fail(f"{self.name} does not report its heap")


@contextlib.contextmanager
def running(names, wrapper=(), wire=None, keys="ec"):
    with contextlib.ExitStack() as stack:
        servers = {}
        for name in names:
            servers[name] = Server(name, wrapper, wire, keys)
            stack.callback(servers[name].stop)
        yield servers


@functools.cache
def certificate(keys):
    """A PEM file, there until the end, with a certificate that nobody vouches for and its key, of a kind in KEYS."""
    file = tempfile.NamedTemporaryFile(suffix=".pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", *KEYS[keys], "-nodes", "-subj", "/CN=127.0.0.1",
                    "-keyout", file.name, "-out", file.name], check=True, capture_output=True)
    return file


def binary(name):
    return options.build / "bin" / f"bench_{name}"


def read_line(stream, seconds):
    if not select.select([stream], [], [], seconds)[0]:
        fail("a process does not get ready")
    return stream.readline()


def load_command(mode, server, **settings):
    # The published Signal-Fire server draws ids asynchronously and so lets messages of a burst overtake each other.
    settings = {**server.reached_by, "pid": server.pid, "ordered": int(server.name != "signal-fire"), **settings}
    if server.wire:
        settings["wire"] = server.wire
    words = [w for key, value in settings.items() for w in (f"--{key.replace('_', '-')}", str(value))]
    return ["taskset", "-c", "1", str(binary("load")), mode, *words]


def load(mode, server, **settings):
    done = subprocess.run(load_command(mode, server, **settings), capture_output=True, text=True, timeout=900)
    if done.returncode:
        fail(f"{server.name}, {mode} {settings}: {done.stderr}{server.said()[-2000:]}")
    return json.loads(done.stdout)


def rounds(names, measure, wire=None, count=None):
    """measure(server) of each server in turn, options.rounds times, after a round that does not count."""
    results = {name: [] for name in names}
    count = count or options.rounds
    with running(names, wire=wire) as servers:
        for n in range(count + 1):
            order = names if n % 2 else names[::-1]
            for name in order:
                value = measure(servers[name])
                if n:
                    results[name].append(value)
            progress(f"round {n} of {count}")
    return results


def progress(text):
    print(f"  {text}", file=sys.stderr, flush=True)


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def broadcast(values, digits=2):
    if not values:
        return "-"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def ratio_pairs(names):
    return [(a, b) for a, b in RATIOS if a in names and b in names] or [(n, names[0]) for n in names[1:]]


def compared(head, results_by_row, names, digits=2):
    """A row per label: each server's values, then the ratios of each round."""
    pairs = ratio_pairs(names)
    rows = []
    for label, results in results_by_row:
        ratios = [[x / y for x, y in zip(results[a], results[b])] for a, b in pairs]
        rows.append([label, *(broadcast(results[n], digits) for n in names), *map(broadcast, ratios)])
    table([head, *names, *(f"{a} / {b}" for a, b in pairs)], rows)


# ---- parts


def all_cells(server, cells=CELLS, **settings):
    return [load("throughput", server, size=size, window=window, clients=options.clients,
                 **{"seconds": options.seconds, **settings})["cpu_us"] for size, window in cells]


def cell_rows(results):
    return [(f"{size} B, W={window}", {n: [r[i] for r in results[n]] for n in results})
            for i, (size, window) in enumerate(CELLS)]


def measure_cpu(names):
    print(f"### Server CPU µs per message, with acknowledgements (n={options.clients}, {options.rounds} rounds: "
          "median (min..max))\n")
    compared("cell", cell_rows(rounds(names, all_cells)), names)


def measure_wires(_):
    count = 1 if options.quick else options.rounds
    times = {"seconds": 0.2, "warmup": 0.1} if options.quick else {}
    print(f"### Server CPU µs per message on foreign wires, by the bytes of what peers tell each other "
          f"(n={options.clients}, {count} rounds: median (min..max))\n")
    for wire, original in WIRES.items():
        progress(wire)
        names = ["sigfire", original]
        compared(wire, cell_rows(rounds(names, lambda server: all_cells(server, **times), wire, count)), names)


def measure_transports(_):
    cells, count = (CELLS[::3], 1) if options.quick else (CELLS, options.rounds)
    print("### Server CPU µs per message over other transports, each against a floor of its kind "
          f"(n={options.clients}, {count} rounds: median (min..max))\n")

    names = ["floor", "sigfire"]
    results = rounds([*names, *OTHERS], lambda server: all_cells(server, cells), count=count)
    compared("cell", [(f"{size} B, W={window}, {transport}", {n: [r[i] for r in results[n + end]] for n in names})
                      for i, (size, window) in enumerate(cells) for end, transport in TRANSPORTS.items()], names)


def measure_instr(names):
    if not options.servers:
        names = ["floor", "sigfire"] if options.quick else ["floor", "sigfire", "every_part", "metrics", "beast"]
    names = [n for n in names if n in NATIVE and binary(n).exists()]
    print("### User instructions per message (callgrind, n=100, W=1, with acknowledgements)\n")

    def instructions(name, size, messages):
        with running([name], ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]) as servers:
            sent = load("throughput", servers[name], size=size, clients=100, window=1, messages=messages)["messages"]
        return int(re.search(r"Collected : (\d+)", servers[name].said())[1]), sent

    rows = []
    for size in (120,) if options.quick else (120, 4096):
        counts = {}
        for name in names:
            (i1, m1), (i2, m2) = (instructions(name, size, m) for m in (5_000, 20_000))
            counts[name] = [(i2 - i1) / (m2 - m1)]
            progress(f"{name}, {size} B: {counts[name][0]:.0f}")
        rows.append((f"{size} B", counts))
    pairs = ratio_pairs(names)
    table(["size", *names, *(f"{a} / {b}" for a, b in pairs)],
          [[label, *(f"{c[n][0]:,.0f}" for n in names), *(f"{c[a][0] / c[b][0]:.2f}" for a, b in pairs)]
           for label, c in rows])


def measure_idle(names):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    clients = min(2_000 if options.quick else 10_000, limit - 400)
    print(f"### Idle connections ({clients}, Chromium's header block), bytes per connection\n")
    rows = []
    for name in names:
        with running([name]) as servers:
            server = servers[name]
            with subprocess.Popen(load_command("idle", server, clients=clients), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True) as opener:
                try:
                    seen = []
                    for word in ("base", "full"):
                        if read_line(opener.stdout, 120).strip() != word:
                            fail(f"{name}: not all connections came up: {server.said()}")
                        seen.append((server.heap(), server.resident()))
                        opener.stdin.write("\n")
                        opener.stdin.flush()
                    if opener.wait(60):
                        fail(f"{name}: idle connections did not stay open")
                finally:
                    if opener.poll() is None:
                        opener.kill()
            heap, resident = (None if b is None else (b - a) / clients for a, b in zip(*seen))
            rows.append([name, "-" if heap is None else f"{heap:.0f}", f"{resident:.0f}"])
            progress(f"{name}: {rows[-1][1:]}")
    table(["server", "heap", "RSS"], rows)


def measure_handshake(names):
    print("### Server CPU µs per handshake (connect, upgrade, welcome, reset)\n")
    results = rounds(names, lambda s: load("handshake", s, count=500 if options.quick else 2000)["cpu_us"])
    compared("", [("handshake", results)], names, 1)


def measure_latency(names):
    print(f"### Latency µs of paced messages (n={options.clients}, 120 B, from when a message was due)\n")
    cost = rounds_of_one(names)
    common = min(500_000 / c for c in cost.values())
    for title, rate_of in (("each server at half of its own W=1 rate", lambda n: 500_000 / cost[n]),
                           ("all at half of the slowest server's rate", lambda n: common)):
        def one(server):
            return load("paced", server, rate=int(rate_of(server.name)), clients=options.clients, seconds=options.seconds)
        results = rounds(names, one)
        print(f"{title}:\n")
        table(["server", "messages/s", "reached", "p50", "p99", "CPU µs"],
              [[n, int(rate_of(n)), f"{statistics.median(r['reached'] for r in results[n]):.0f}",
                *(broadcast([r[key] for r in results[n]], 1) for key in ("p50_us", "p99_us", "cpu_us"))] for n in names])


def rounds_of_one(names):
    """CPU µs per message at 120 B, W=1, of one run each behind one that warms up."""
    with running(names) as servers:
        return {n: [load("throughput", s, clients=options.clients, seconds=options.seconds)["cpu_us"]
                    for _ in range(2)][-1] for n, s in servers.items()}


def measure_stalled(names):
    seconds = 2 if options.quick else 5
    print(f"### A reader that stalls, fed 1,000 messages of 16 KB a second for {seconds} s (98 others at 2,000 messages/s)\n")
    rows = []
    for name in names:
        with running([name]) as servers:
            r = load("stalled", servers[name], rate=2000, clients=98, seconds=seconds)
        growth = [(kb * 1024 - r["rss_before"]) / 2**20 for kb in r["rss_kb"]]
        rows.append([name, r["reader"], f"{(r['rss_most'] - r['rss_before']) / 2**20:.1f}",
                     " ".join(f"{g:.1f}" for g in growth), f"{r['p99_without_us']:.0f}", f"{r['p99_us']:.0f}"])
        progress(f"{name}: {rows[-1][1:]}")
    table(["server", "reader at the end", "most RSS growth MB", "RSS growth each 0.5 s", "others' p99 µs without", "with"], rows)


def measure_bursts(_):
    quick = options.quick
    # A member is a descriptor in the server and one in the load.
    many = min(500 if quick else 20_000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
    seconds = 0.2 if quick else 3
    few = {"members": 200, "batch": 400} if quick else {"members": 5000, "batch": 4000}
    asked = {"members": 1000, "connections": 20 if quick else 200, "batch": 8}
    calls = 20 if quick else 100
    bursts = [
        ("publishes", "every_part", few, f"{few['batch']:,} publishes in one write to {few['members']:,} members"),
        ("lookups", "every_part", asked, f"{asked['connections']} connections, 8 look-ups of 1,000 members each under way"),
        ("large", "every_part", {"members": many, "times": 5, "bytes": 100_000},
         f"5 times 100 kB to {many:,} members, one at a time"),
        ("tls", "sigfire_wss", {"connections": calls}, f"{calls} at a time connect by TLS (RSA-2048), again and again"),
    ]
    print("### A pair at 250 messages/s, from when a message was due, beside a burst of others (goal: p99 below 20 ms)\n")
    rows = []
    for kind, name, size, what in bursts:
        if not binary(name).exists():
            fail(f"{binary(name)} is not built")
        with running([name], keys="rsa") as servers:
            r = load("bursts", servers[name], kind=kind, seconds=seconds, **size)
        rows.append([what, f"{r['done']:,}", f"{r['seconds']:.1f}", f"{r['cpu_seconds']:.1f}",
                     *(f"{r[key] / 1000:.1f}" for key in ("p99_without_us", "p50_us", "p99_us", "max_us")),
                     f"{(r['rss_most'] - r['rss_before']) / 1024:,.0f}"])
        progress(f"{kind}: {rows[-1][1:]}")
    table(["burst", "deliveries, look-ups, connections", "s", "server CPU s", "p99 ms without", "p50 ms", "p99 ms",
           "most ms", "most RSS growth kB"], rows)


def measure_compile(_):
    # the first program of the README, or the one that was asked for
    hello = Path(options.hello).read_text() if options.hello else re.search(
        r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    scratch = tempfile.TemporaryDirectory()
    source = Path(scratch.name) / "hello.cpp"
    source.write_text(hello)
    boost = ROOT / ".deps/boost/include"
    command = [options.compiler, "-std=c++20", f"-I{ROOT / 'include'}", "-c", str(source), "-o", "/dev/null",
               *(["-isystem", str(boost)] if boost.is_dir() else [])]
    print(f"### Compiling {options.hello or 'the first program of the README'} ({options.compiler})\n")
    rows = []
    for level in ("-O0",) if options.quick else ("-O0", "-O2"):
        seconds, peak = [], 0
        for _ in range(1 if options.quick else 3):
            child = subprocess.Popen([*command, level], stderr=subprocess.PIPE, text=True)
            errors = child.stderr.read()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode:
                rows.append([level, "does not compile", errors.split("\n")[0]])
                break
            seconds.append(used.ru_utime + used.ru_stime)
            peak = max(peak, used.ru_maxrss)
        else:
            rows.append([level, broadcast(seconds), f"{peak / 1024:.0f}"])
    table(["", "CPU s", "peak MB"], rows)


def install_rivals():
    lock, installed = (HERE / "package-lock.json").read_text(), HERE / "node_modules/.installed"
    if not installed.exists() or installed.read_text() != lock:
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, check=True, stdout=sys.stderr)
        installed.write_text(lock)


def main():
    names = []
    for name in options.servers or [n for n in SERVERS if n not in ("every_part", "metrics", *OTHERS)]:
        if name in NATIVE and not binary(name).exists():
            progress(f"{name} left out: {binary(name)} is not built")
        else:
            names.append(name)
    if "wires" in options.only and not binary("dialects").exists():
        fail(f"{binary('dialects')} is not built")
    if "wires" in options.only or any(n not in NATIVE for n in names):
        install_rivals()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for part in PARTS:
        if part in options.only:
            progress(part)
            globals()[f"measure_{part}"](names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commas = lambda allowed: lambda text: [w if w in allowed else parser.error(f"{w} is none of {', '.join(allowed)}")
                                           for w in text.split(",")]
    parser.add_argument("--only", type=commas(PARTS), default=PARTS, help=f"parts, of {','.join(PARTS)}")
    parser.add_argument("--servers", type=commas(SERVERS), help=f"servers, of {','.join(SERVERS)} (all that serve ws://; every_part and metrics for instr only), but for wires")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (7)")
    parser.add_argument("--seconds", type=float, help="of each run (1.5)")
    parser.add_argument("--clients", type=int, help="connections of the load (1000)")
    parser.add_argument("--quick", action="store_true", help="a round of 0.5 s and fewer connections: a smoke test")
    parser.add_argument("--build", type=Path, default=ROOT / "build/release", help="build directory (build/release)")
    parser.add_argument("--hello", help="translation unit whose compilation is measured")
    parser.add_argument("--compiler", default="g++", help="for that (g++)")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 7)
    options.seconds = options.seconds or (0.5 if options.quick else 1.5)
    options.clients = options.clients or (200 if options.quick else 1000)
    options.build = options.build.resolve()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if (options.build / "CMakeCache.txt").exists():
        subprocess.run(["cmake", "--build", str(options.build), "--target", "bench"], check=True, stdout=sys.stderr)
    if not binary("load").exists():
        fail(f"{binary('load')} is not built: configure the release preset with the tests first")
    for tool in ("taskset", "valgrind", "node", "openssl"):
        if not shutil.which(tool):
            fail(f"{tool} is missing")
    main()
