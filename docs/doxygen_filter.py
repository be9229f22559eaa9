#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""doxygen_filter.py HEADER: prints the header without the code that Doxygen 1.9.4 misreads. All lines keep their
numbers."""
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()


def lines(match):
    return "\n" * match[0].count("\n")


# Doxygen would end the class at a raw string with a brace or a quote.
text = re.sub(r'R"\((.*?)\)"', lambda m: '""' + lines(m), text, flags=re.S)
# Doxygen would warn that it has not seen namespace boost.
text = re.sub(r"template <>\nstruct boost::[^;]*;", lines, text)
# Doxygen would read `local` as a keyword of IDL.
text = text.replace("bool local = true;", "bool local{true};")
# Doxygen would read a digit separator as the start of a character, up to the next apostrophe in a comment.
text = re.sub(r"(?<=\d)'(?=\d{3})", "", text)
# The inline namespace of the version is no part of the names that users write.
text = re.sub(r"::inline v\d+_\d+", "", text)
sys.stdout.write(text)
