#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""Writes sigfire as one header.

amalgamate.py [-o FILE] [HEADER...]: HEADER is a path as programs include it; without any, sigfire/sigfire.hpp. Others add
what that header leaves out: sigfire/net/tls.hpp, sigfire/client/tls.hpp, sigfire/rpc/rpc.hpp, sigfire/dialect/peerjs.hpp."""
import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r"\s*#\s*include\s*(<[^>]+>)\s*(//.*)?$")
OPENS, CLOSES = re.compile(r"\s*#\s*if"), re.compile(r"\s*#\s*endif")
# What a header without code may hold: it stands in front, as its errors are to come before those of a missing header.
CHECKS = re.compile(r"\s*(#\s*(if|elif|else|endif|error|include)\b.*|//.*)?$")


def blocks(lines):
    """Lists of lines: each conditional is one, and each line outside."""
    block, depth = [], 0
    for line in lines:
        block.append(line)
        depth += bool(OPENS.match(line)) - bool(CLOSES.match(line))
        if depth == 0:
            yield block
            block = []


class Amalgamation:
    def __init__(self, folder):
        self.folder = folder
        self.seen, self.conditional = set(), set()
        self.front, self.system, self.body = [], set(), []

    def lines(self, name):
        try:
            text = (self.folder / name).read_text()
        except OSError as e:
            sys.exit(f"amalgamate.py: {name}: {e.strerror}")
        return [line for line in text.splitlines()
                if not line.startswith("// Copyright") and not re.match(r"\s*#\s*pragma\s+once", line)]

    def add(self, name):
        if name in self.conditional:
            sys.exit(f"amalgamate.py: {name} is included under a condition and without one")
        if name in self.seen:
            return
        self.seen.add(name)
        lines = self.lines(name)
        if all(CHECKS.match(line) for line in lines) and any("#error" in line for line in lines):
            self.front += lines
            return
        kept = []
        for block in blocks(lines):
            if len(block) > 1 and all(CHECKS.match(line) and "include <" not in line for line in block):
                self.front += block
                continue
            for line in block:
                found = INCLUDE.match(line)
                if not found:
                    kept.append(line)
                elif not found[1].startswith("<sigfire/"):
                    if len(block) == 1:
                        self.system.add(found[1])
                    else:
                        kept.append(line)
                elif len(block) == 1:
                    self.add(found[1][1:-1])
                else:
                    kept += self.under_condition(found[1][1:-1])
        self.body += [f"// --- {name}", *kept]

    def under_condition(self, name):
        """The lines of a header that only some systems include; headers that it needs come before, for all systems."""
        if name in self.seen:
            return []
        self.seen.add(name)
        self.conditional.add(name)
        kept = [f"// --- {name}"]
        for line in self.lines(name):
            found = INCLUDE.match(line)
            if found and found[1].startswith("<sigfire/"):
                self.add(found[1][1:-1])
            else:
                kept.append(line)
        return kept

    def text(self, names):
        for name in names:
            self.add(name)
        licence = [f"// {line}".rstrip() for line in (ROOT / "LICENSE").read_text().splitlines()]
        boost = {name for name in self.system if name.startswith("<boost/")}
        lines = [*licence, "//", "// Made by packaging/amalgamate.py of " + ", ".join(names), "#pragma once", "",
                 *self.front, "", *(f"#include {name}" for name in (*sorted(boost), *sorted(self.system - boost))), "",
                 *self.body]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument("headers", metavar="HEADER", nargs="*", default=["sigfire/sigfire.hpp"])
    arguments = parser.parse_args()
    text = Amalgamation(ROOT / "include").text(arguments.headers)
    if arguments.o:
        Path(arguments.o).write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
