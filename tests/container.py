#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""container.py BUILD_DIR: lints packaging/Containerfile and carries out its steps, without a container engine.

Each stage is this machine's root under a layer of its own, so its base image is the Debian release of this machine.
The step that compiles takes the program of BUILD_DIR and says so; with SIGFIRE_LONG=1, that step compiles."""
import fnmatch
import glob
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "packaging/Containerfile"
LAYERS = Path("/mnt")


def check(right, what):
    if not right:
        sys.exit(f"container.py: {what}")


def instructions():
    text = re.sub(r"^\s*#.*\n", "", FILE.read_text(), flags=re.M)
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            yield line.split(maxsplit=1)


def ignored(name):
    """Whether .dockerignore leaves a path of the context out: the last pattern that fits decides."""
    out = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.lstrip("!")
            parts = [name, *(str(p) for p in Path(name).parents)]
            if any(fnmatch.fnmatchcase(part, pattern) for part in parts if part != "."):
                out = not line.startswith("!")
    return out


class Stage:
    def __init__(self, number, build):
        folder = LAYERS / str(number)
        self.root, self.folder, self.user, self.variables = folder / "root", "/", None, {}
        for name in ("changes", "work", "root"):
            (folder / name).mkdir(parents=True)
        layers = f"lowerdir=/,upperdir={folder}/changes,workdir={folder}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, self.root], check=True)
        subprocess.run(["mount", "-t", "proc", "proc", self.root / "proc"], check=True)
        subprocess.run(["mount", "--rbind", "/dev", self.root / "dev"], check=True)
        if "SIGFIRE_LONG" not in os.environ:
            self.stand_in(build)

    def stand_in(self, build):
        """A cmake that takes a program that is built already."""
        (self.root / "built").mkdir()
        shutil.copy(build / "bin/sigfire", self.root / "built/sigfire")
        path = self.root / "usr/local/bin/cmake"
        path.write_text("#!/bin/sh\nset -e\n[ \"$1\" = --build ] || exec /usr/bin/cmake \"$@\"\n"
                        "echo \"not run: cmake $*: the program of another build is taken\"\n"
                        "cp /built/sigfire \"$2/examples/sigfire\"\n"
                        "/source/packaging/program/man.sh /built/sigfire >\"$2/sigfire.1\"\ngzip -9nk \"$2/sigfire.1\"\n")
        path.chmod(0o755)

    def command(self, arguments):
        user = []
        if self.user:
            name, group = self.user.split(":")
            user = ["setpriv", "--reuid", name, "--regid", group, "--clear-groups", "--no-new-privs"]
        return ["chroot", self.root, "env", "-C", self.folder, *user, *arguments]

    def run(self, text):
        print(f"RUN {text}", flush=True)
        began = time.monotonic()
        done = subprocess.run(self.command(["sh", "-c", text]), capture_output=True, text=True,
                              env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                   "DEBIAN_FRONTEND": "noninteractive", **self.variables})
        check(done.returncode == 0, f"the step ends with {done.returncode}: {done.stdout}{done.stderr}")
        for line in done.stdout.splitlines():
            if line.startswith("not run:"):
                print(f"    {line}")
        print(f"    {time.monotonic() - began:.1f} s")

    def copy(self, sources, target, other):
        to = self.root / os.path.join(self.folder, target).lstrip("/")
        if not other:
            check(sources == ["."], f"COPY {sources}: this script knows the whole context only")
            files = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], check=True,
                                   capture_output=True, text=True).stdout.splitlines() if (ROOT / ".git").exists() else [
                str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file()]
            for name in files:
                if not ignored(name) and (ROOT / name).is_file():
                    (to / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / name, to / name)
            return
        to.mkdir(parents=True, exist_ok=True)
        for source in sources:
            found = glob.glob(str(other.root) + source)
            check(found, f"COPY: there is no {source}")
            for path in found:
                shutil.copy(path, to)


def inside(build):
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    codename = release["VERSION_CODENAME"]
    given = {} if codename == "bookworm" else {"DEBIAN": codename, "BOOST": "libboost-dev"}
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", LAYERS], check=True)
    stages, names, known, last = [], {}, {}, {}
    for word, rest in instructions():
        if word == "ARG":
            name, value = rest.split("=")
            known[name] = given.get(name, value)
            if stages:
                stages[-1].variables[name] = known[name]
            continue
        if word == "FROM":
            image, *alias = rest.split(" AS ")
            image = image.replace("${DEBIAN}", known["DEBIAN"])
            check(image == f"debian:{codename}-slim", f"FROM {image}: this machine is no {image}")
            stages.append(Stage(len(stages), build))
            names.update({name: stages[-1] for name in alias})
            last = {}
            continue
        stage = stages[-1]
        last[word] = rest
        if word == "RUN":
            stage.run(rest)
        elif word == "COPY":
            parts = shlex.split(rest)
            other = names[parts.pop(0).removeprefix("--from=")] if parts[0].startswith("--from=") else None
            stage.copy(parts[:-1], parts[-1], other)
        elif word == "WORKDIR":
            stage.folder = rest
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            stage.user = rest
        else:
            check(word in ("LABEL", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"), f"unknown: {word}")

    version = re.search(r'image\.version="([^"]+)"', last["LABEL"])[1]
    user = stage.user or ""
    check(re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), f"the user is '{user}'")
    health = json.loads(last["HEALTHCHECK"].split(" CMD ", 1)[1])
    check(subprocess.run(stage.command(health), capture_output=True).returncode != 0, "a server is there before its start")
    server = subprocess.Popen(stage.command(json.loads(last["ENTRYPOINT"]) + json.loads(last["CMD"])),
                              stdout=subprocess.PIPE, text=True)
    try:
        said = server.stdout.readline()
        check(said == f"listening on ws://0.0.0.0:{last['EXPOSE']}\n", f"the server says {said}")
        owner = os.stat(f"/proc/{server.pid}").st_uid
        check(owner == int(user.split(":")[0]), f"the server runs as {owner}")
        done = subprocess.run(stage.command(health), capture_output=True, text=True, timeout=10)
        check(done.returncode == 0, f"the health check ends with {done.returncode}: {done.stderr}")
        server.send_signal(signal.Signals[last["STOPSIGNAL"]])
        check(server.wait(timeout=10) == 0, f"the server ends with {server.returncode}")
    finally:
        server.kill()
    print(f"the container file of {version}: OK")


def main():
    build = Path(sys.argv[1]).resolve()
    if os.environ.get("SIGFIRE_CONTAINER") == "inside":
        return inside(build)
    lint = ROOT / "tests/consumer/node_modules/dockerfile-utils/bin/dockerfile-utils"
    done = subprocess.run(["node", lint, "lint", FILE], capture_output=True, text=True)
    check(done.returncode == 0 and not done.stderr, f"the linter: {done.stdout}{done.stderr}")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    os.execvp((sudo or ["env"])[0], [*sudo, "env", "SIGFIRE_CONTAINER=inside",
                                     *(f"{n}={os.environ[n]}" for n in ("SIGFIRE_LONG",) if n in os.environ),
                                     "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                                     sys.executable, __file__, str(build)])


main()
