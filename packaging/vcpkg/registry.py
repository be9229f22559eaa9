#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""Writes a git registry for vcpkg as a branch of this repository, and leaves the work tree alone.

registry.py URL [COMMIT]: adds COMMIT (default: HEAD) to the branch vcpkg-registry as the newest version of the port sigfire;
vcpkg fetches that commit from URL. Prints the entry for the `registries` of a consumer's vcpkg-configuration.json.
Then push the branch."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BRANCH = "refs/heads/vcpkg-registry"
PORT = "packaging/vcpkg/ports/sigfire"
SOURCE = 'get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../.." ABSOLUTE)\n'
COMMENT = "# An overlay port: it installs the source tree around it. registry.py replaces the line that says so.\n"


def git(*arguments, text="", index=None):
    environment = {**os.environ, "GIT_INDEX_FILE": index} if index else None
    done = subprocess.run(["git", "-C", HERE, *arguments], input=text, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"registry.py: git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


def content(revision):
    done = subprocess.run(["git", "-C", HERE, "show", revision], capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def tree(files):
    """The id of a tree of `files`: contents by path."""
    with tempfile.TemporaryDirectory() as folder:
        index = os.path.join(folder, "index")
        for path, text in files.items():
            blob = git("hash-object", "-w", "--stdin", text=text)
            git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}", index=index)
        return git("write-tree", index=index)


def pretty(value):
    return json.dumps(value, indent=2) + "\n"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    url, commit = sys.argv[1], git("rev-parse", "--verify", (sys.argv[2:] or ["HEAD"])[0] + "^{commit}")
    port = {name: content(f"{commit}:{PORT}/{name}") for name in ("portfile.cmake", "usage", "vcpkg.json")}
    for text in (SOURCE, COMMENT):
        if text not in (port["portfile.cmake"] or ""):
            sys.exit(f"registry.py: the portfile of {commit} does not say {text}")
    fetched = f'vcpkg_from_git(OUT_SOURCE_PATH SOURCE_PATH\n    URL "{url}"\n    REF {commit})\n'
    port["portfile.cmake"] = port["portfile.cmake"].replace(SOURCE, fetched).replace(COMMENT, "")
    manifest = json.loads(port["vcpkg.json"])
    version = manifest["version"]

    tip = content(BRANCH) and git("rev-parse", BRANCH)
    versions = json.loads(content(f"{BRANCH}:versions/s-/sigfire.json") or '{"versions": []}')["versions"]
    same = [v for v in versions if v["version"] == version]
    if same and content(f"{same[0]['git-tree']}:portfile.cmake") == port["portfile.cmake"]:
        port["vcpkg.json"] = content(f"{same[0]['git-tree']}:vcpkg.json")
        added = same[0]
    else: # the same version once more counts the ports
        number = max((v.get("port-version", 0) for v in same), default=-1) + 1
        if number:
            manifest["port-version"] = number
        port["vcpkg.json"] = pretty(manifest)
        added = {"version": version, "port-version": number, "git-tree": tree(port)}
        versions.insert(0, added)
    files = {f"ports/sigfire/{name}": text for name, text in port.items()}
    files["LICENSE"] = content(f"{commit}:LICENSE")
    files["versions/s-/sigfire.json"] = pretty({"versions": versions})
    files["versions/baseline.json"] = pretty(
        {"default": {"sigfire": {"baseline": added["version"], "port-version": added["port-version"]}}})
    root = tree(files)
    if not tip or git("rev-parse", f"{tip}^{{tree}}") != root:
        parents = ["-p", tip] if tip else []
        tip = git("commit-tree", root, *parents, "-m", f"Add sigfire {version}, port version {added['port-version']}")
        git("update-ref", BRANCH, tip)
    sys.stdout.write(pretty({"kind": "git", "repository": url, "reference": BRANCH.removeprefix("refs/heads/"),
                             "baseline": tip, "packages": ["sigfire"]}))


main()
