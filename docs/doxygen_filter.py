#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""doxygen_filter.py HEADER: prints the header without what Doxygen 1.9.4 misreads. All lines keep their numbers."""
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()


def lines(match):
    return "\n" * match[0].count("\n")


# The class around a raw string with a brace or a quote would end there.
text = re.sub(r'R"\((.*?)\)"', lambda m: '""' + lines(m), text, flags=re.S)
# Doxygen knows no namespace boost to put the specialization in.
text = re.sub(r"template <>\nstruct boost::[^;]*;", lines, text)
# `local =` would begin something of IDL.
text = text.replace("bool local = true;", "bool local{true};")
# A digit separator would begin a character, which ends at the next apostrophe of a comment.
text = re.sub(r"(?<=\d)'(?=\d{3})", "", text)
sys.stdout.write(text)
