#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""reference.py PROGRAM ERRORS XML OUT: writes the tables of the reference pages to the folder OUT.

PROGRAM is the program sigfire: its help gives program-options.md. XML is Doxygen's output: its public option structs
give library-options.md. ERRORS is the program built from errors.cpp: its lines and the XML give errors.md. The script
fails if an option has no text, or if an option without a default follows one with a default."""
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAM, ERRORS, XML, OUT = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
faults = []


def fault(where, what):
    faults.append(f"{where}: {what}")


# --- Markdown ---

def escape(text):
    """Plain text for a cell of a table: neither Markdown, HTML nor a template of Vue."""
    text = re.sub(r"([\\`*_|\[\]])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("{", "&#123;").replace("}", "&#125;")


def code(text):
    return "`" + text.replace("|", "\\|") + "`"


def anchor(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# --- options of the program ---

GROUPS = (
    ("Addresses", "port listen"),
    ("Configuration and log", "config rtc-config log-level log-rate log-buffer"),
    ("End of the server", "drain-delay drain drain-to"),
    ("HTTP, proxies and silence", "origins proxies forwarded-by max-header ping"),
    ("TLS", "tls-certificate tls-key tls-ca"),
    ("Tokens", "jwt-key jwt-jwks jwt-issuer jwt-audience jwt-leeway jwt-single-use jwt-refuse-after-upgrade"),
    ("Limits", "max-connections connections-per-address connect-rate ban-after ban-time messages-per-second "
     "message-burst bytes-per-second"),
    ("TURN", "turn-url turn-secret-file turn-ttl"),
    ("Webhook", "webhook-url webhook-secret-file webhook-fail webhook-timeout webhook-headers webhook-token"),
    ("Features", "resume-window mailbox request-timeout sessions topics topics-per-peer members-per-topic"),
    ("Clients of other systems", "signal-fire-2016 signal-fire-2016-number-ids signal-fire-2016-peer-id "
     "signal-fire-2016-check-sender socket-signal socket-signal-strict-ids y-webrtc"),
    ("PeerJS clients", "peerjs peerjs-key peerjs-expire peerjs-cleanup peerjs-alive peerjs-limit peerjs-discovery "
     "peerjs-cors"),
    ("Help", "help version explain"),
)


def argument(kind):
    """The argument as the help of CLI11 names it: TEXT, FLOAT, UINT:INT in [1024 - 1048576], TEXT ..."""
    repeated = kind.endswith("...")
    kind = kind.removesuffix("...").strip()
    limits = re.search(r" in \[(\S+) - (\S+)\]", kind)
    names = {"TEXT": "text", "FLOAT": "number", "UINT": "whole number"}
    name = names[kind.split(":")[0].split(" ")[0]]
    if limits:
        name += f" from {int(limits[1]):,} to {int(limits[2]):,}"
    return name + (", repeatable" if repeated else "")


def program_options():
    shown = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    options, last = {}, None
    for line in shown.splitlines():
        option = re.match(r"^ +((?:-\w,)?--([a-z0-9-]+))((?: \S+)*?)(?:  +(\S.*))?$", line)
        if option:
            last = option[2]
            options[last] = [option[1].replace(",", ", "), option[3].strip(), option[4] or ""]
        elif last and line.startswith("   ") and line.strip():
            options[last][2] = (options[last][2] + " " + line.strip()).strip()
    wanted = set(re.findall(r"^ +(?:-\w,)?--([a-z0-9-]+)", shown, re.M))
    if set(options) != wanted:
        fault("sigfire serve --help", f"not read: {sorted(wanted ^ set(options))}")
    grouped = [name for _, names in GROUPS for name in names.split()]
    for name in sorted(set(options) ^ set(grouped)):
        fault(PROGRAM, f"--{name}: the groups of docs/reference.py and the help disagree")
    pages = []
    for title, names in GROUPS:
        rows = []
        for name in names.split():
            if name not in options:
                continue
            spelled, kind, text = options[name]
            if not text:
                fault(PROGRAM, f"--{name} has no text")
            default = re.search(r"[(,] ?default:? ((?:[^()]|\([^()]*\))*)\)", text)
            text = re.sub(r" ?\(default:? (?:[^()]|\([^()]*\))*\)", "", text)
            key = code(name.replace("-", "_")) if name not in ("help", "version", "config", "explain") else "none"
            if name == "rtc-config":
                key += " (file) or `rtc_configuration` (object)"
            shown_default = code(default[1]) if default and re.fullmatch(r"[\w./:-]+", default[1]) else \
                escape(default[1]) if default else "off" if not kind else "none"
            rows.append([f'<a id="{name}"></a>{code(spelled)}' + (f"<br>{argument(kind)}" if kind else ""),
                         shown_default if name not in ("help", "version") else "none", key, escape(text)])
        pages.append(f"## {title}\n\n" + table(["option", "default", "key in the file", "effect"], rows))
    return "\n".join(pages)


# --- Doxygen's XML ---

def words(node):
    """The text of an element, in Markdown for a cell."""
    out = escape(node.text or "")
    for child in node:
        if child.tag in ("computeroutput", "verbatim"):
            out += code("".join(child.itertext()))
        elif child.tag == "listitem":
            out += " • " + words(child)
        elif child.tag == "parameterlist":
            for item in child.iter("parameteritem"):
                names = ", ".join(code("".join(n.itertext())) for n in item.iter("parametername"))
                out += f" {child.get('kind')} {names}: {words(item.find('parameterdescription'))}"
        else:
            out += words(child)
        out += escape(child.tail or "")
    return out


def description(node):
    parts = [words(node.find(tag)) for tag in ("briefdescription", "detaileddescription")]
    return re.sub(r"\s+", " ", " ".join(parts)).strip().removesuffix(".")


def plain(node):
    text = re.sub(r"\s+", " ", "".join(node.itertext())).strip() if node is not None else ""
    return text.replace("< ", "<").replace(" >", ">")


def public_header(path):
    """The public headers that give the contents of the header at `path`."""
    if not private(path):
        return [path]
    found = []
    for header in sorted((ROOT / "include").rglob("*.hpp")):
        name = str(header.relative_to(ROOT / "include"))
        if f"#include <{path}>" in header.read_text() and public_header(name) == [name]:
            found.append(name)
    return found


def number(value):
    text = f"{value:,}"
    for size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= 1024 and value % size == 0:
            return f"{text} ({value // size} {unit})"
    return text


UNITS = {"milliseconds": "ms", "seconds": "s", "minutes": "min", "hours": "h"}


def default_of(kind, initializer, structs):
    value = initializer.removeprefix("=").strip()
    unit = re.fullmatch(r"(?:std::chrono::)?(milliseconds|seconds|minutes|hours)", kind)
    whole = re.sub(r"std::(?:size_t|u?int\d+_t)\{([^{}]*)\}", r"(\1)", value)
    inner = re.fullmatch(r"(?:std::chrono::\w+)?\{(.*)\}", whole)
    sum_ = (inner[1] if inner else whole).replace("'", "")
    sum_ = re.sub(r"(?<=\d)[uUlLzZ]+", "", sum_)
    if re.fullmatch(r"[\d\s()<+*-]+", sum_) and sum_.strip():
        result = eval(sum_, {"__builtins__": {}})
        return f"{result:,} {UNITS[unit[1]]}" if unit else number(result) if "<<" in sum_ else f"{result:,}"
    if value.startswith("["):
        return "a function"
    limit = re.fullmatch(r"std::numeric_limits<\s*([\w:]+)\s*>::max\(\)", value)
    if limit:
        return "the largest " + code(limit[1])
    if value in ("{}", ""):
        if unit:
            return "0"
        if "string" in kind and "vector" not in kind and "<" not in kind:
            return "empty"
        for begin, text in (("std::vector", "empty"), ("std::optional", "none"), ("std::function", "none"),
                            ("std::shared_ptr", "none"), ("bool", "`false`")):
            if kind.startswith(begin):
                return text
        name = kind.split("::")[-1]
        return "those of its type" if name in structs else "none"
    return code(value if not inner or unit is None else inner[1])


def type_of(kind, structs):
    text = code(kind.replace("std::chrono::", ""))
    for name in structs:
        if "function<" not in kind and re.search(rf"\b{name}\b", kind):
            return f"[{text}](#{anchor(name)})"
    return text


def private(header):
    return re.search(r"/detail/|/net/(engine|http|proxy|tls)/", header)


def complete(index):
    """Each type that a public header defines is in the XML and has a text. Doxygen misreads some code in silence."""
    described = {}
    for compound in index.iter("compound"):
        tree = ET.parse(XML / f"{compound.get('refid')}.xml").getroot().find("compounddef")
        described[compound.findtext("name")] = description(tree)
        if compound.get("kind") == "namespace":
            described.update({f"{compound.findtext('name')}::{m.findtext('name')}": description(m)
                              for m in tree.iter("memberdef") if m.get("kind") == "enum"})
    for header in sorted((ROOT / "include").rglob("*.hpp")):
        if private(str(header)):
            continue
        spaces = []
        for at, line in enumerate(header.read_text().splitlines(), 1):
            opened = re.match(r"namespace ([\w:]+) \{(\})?", re.sub(r"::inline v\d+_\d+", "", line))
            if opened and not opened[2]:
                spaces.append(opened[1])
            elif line.startswith("} // namespace"):
                spaces.pop()
            defined = re.match(r"(?:class|struct|enum class|concept) (?:\[\[nodiscard\]\] )?(\w+)(?: final)?(?: [:{=]|$)", line)
            space = "::".join(spaces)
            if not defined or not space.startswith("sigfire") or re.search(r"\b(detail|archetype)\b", space):
                continue
            text = described.get(f"{space}::{defined[1]}")
            if not text:
                fault(f"{header.relative_to(ROOT)}:{at}",
                      f"{space}::{defined[1]} has no text" if text == "" else f"Doxygen has not read {defined[1]}")


def structs_of(index):
    """Name and element of each public struct, by name without namespaces."""
    found = {}
    for compound in index.iter("compound"):
        if compound.get("kind") not in ("struct", "class"):
            continue
        tree = ET.parse(XML / f"{compound.get('refid')}.xml").getroot().find("compounddef")
        name = compound.findtext("name")
        if tree.get("prot") != "public" or not name.startswith("sigfire::") or "::test::" in name:
            continue
        found[name.removeprefix("sigfire::")] = tree
    return found


def library_options(index):
    every = structs_of(index)
    short = {name.split("::")[-1]: name for name in every}
    chosen = [n for n in every if re.search(r"_(options|limits)$", n) and "::" not in n.removeprefix("codec::")
              .removeprefix("dialect::").removeprefix("transport::")]
    if len(chosen) < 20:
        fault(XML, f"{len(chosen)} option structs: Doxygen has not read them all")

    def members(tree):
        found = [m for m in tree.iter("memberdef") if m.get("kind") == "variable" and m.get("prot") == "public"
                 and m.get("static") == "no"]
        return sorted(found, key=lambda m: [int(m.find("location").get(of)) for of in ("line", "column")])

    # The structs in options are options too; the parameters of functions are not.
    for name in chosen:
        for member in members(every[name]):
            for word in re.findall(r"\w+", re.sub("function<.*", "", plain(member.find("type")))):
                other = short.get(word)
                if other and other not in chosen and every[other].get("kind") == "struct" and members(every[other]):
                    chosen.append(other)
    names = {n.split("::")[-1]: description(every[n]) for n in chosen}
    pages = []
    for name in sorted(chosen, key=lambda n: n.split("::")[-1]):
        tree = every[name]
        text = description(tree)
        path = tree.find("location").get("file")
        headers = public_header(path)
        if not text:
            fault(f"include/{path}", f"{name} has no text")
        text += "" if text.endswith(":") else "."
        if not headers:
            fault(f"include/{path}", f"no public header gives {name}")
        rows, defaults = [], False
        lines = {m.find("location").get("line"): description(m) for m in members(tree) if description(m)}
        for member in members(tree):
            location = member.find("location")
            where = f"include/{location.get('file')}:{location.get('line')}"
            kind, about = plain(member.find("type")), description(member)
            # One text may be for all declarators of a line; a struct of options has a text of its own.
            about = about or lines.get(location.get("line")) or names.get(kind.split("::")[-1], "")
            initializer = member.find("initializer")
            if not about:
                fault(where, f"{name}::{plain(member.find('name'))} has no text")
            if initializer is None and defaults:
                fault(where, f"{name}::{plain(member.find('name'))} has no default")
            defaults = defaults or initializer is not None
            rows.append([code(plain(member.find("name"))), type_of(kind, names),
                         "required" if initializer is None else default_of(kind, plain(initializer), names),
                         about])
        if not rows:
            fault(f"include/{path}", f"{name} has no members")
        includes = " or ".join(f"`<{h}>`" for h in headers)
        pages.append(f"## {code(name.split('::')[-1])} {{#{anchor(name.split('::')[-1])}}}\n\n{text}\n\n"
                     f"`sigfire::{name}`, header {includes}\n\n"
                     + table(["member", "type", "default", "meaning"], rows))
    return "\n".join(pages)


# --- errors ---

CONDITIONS = {1: "fix_request", 2: "try_later", 3: "reconnect", 4: "do_not_reconnect"}


def enumeration(index, name):
    for compound in index.iter("compound"):
        if compound.get("kind") == "namespace" and compound.findtext("name") == "sigfire":
            tree = ET.parse(XML / f"{compound.get('refid')}.xml").getroot()
            for member in tree.iter("memberdef"):
                if member.get("kind") == "enum" and member.findtext("name") == name:
                    return [(plain(v.find("name")), description(v)) for v in member.iter("enumvalue")]
    return []


def errors(index):
    rows = [json.loads(line) for line in
            subprocess.run([ERRORS], capture_output=True, text=True, check=True).stdout.splitlines()]
    causes, conditions = enumeration(index, "errc"), dict(enumeration(index, "condition"))
    if len(causes) != len(rows):
        fault(ERRORS, f"{len(rows)} causes have a text, the header has {len(causes)}")
    if set(conditions) != set(CONDITIONS.values()):
        fault(ERRORS, f"conditions: {sorted(conditions)}")
    # The comments between the enumerators divide them into groups.
    source = (ROOT / "include/sigfire/core/error.hpp").read_text()
    body = re.search(r"enum class errc [^{]*\{(.*?)\n\};", source, re.S)[1]
    groups, title = {}, "Verdicts"
    for line in body.splitlines():
        heading, name = re.fullmatch(r"\s*// (.+)", line), re.match(r"\s*(\w+),", line)
        if heading:
            title = heading[1][:1].upper() + heading[1][1:]
        elif name:
            groups.setdefault(title, []).append(name[1])
    if sorted(n for g in groups.values() for n in g) != sorted(n for n, _ in causes):
        fault("include/sigfire/core/error.hpp", "the enumerators of errc are not each in a line")
    texts, row_of = dict(causes), dict(zip((n for n, _ in causes), rows))
    out = "## Remedies\n\n" + table(["condition", "meaning"], [
        [code(f"condition::{n}"), text] for n, text in conditions.items()])
    for title, names in groups.items():
        ends = "closed" in names
        head = ["errc", "text", "meaning"]
        if title != "Verdicts":
            head.insert(2, "remedy")
        if ends:
            head.insert(3, "close code")
        lines = []
        for name in names:
            row = row_of[name]
            if not texts[name]:
                fault("include/sigfire/core/error.hpp", f"errc::{name} has no text")
            spelled = f'<a id="{name}"></a>{code(name)}'
            if row["name"] != name:
                spelled += f" (on the wire {code(row['name'])})"
            line = [spelled, escape(row["text"]), texts[name]]
            if title != "Verdicts":
                line.insert(2, code(CONDITIONS[row["remedy"]]))
            if ends:
                line.insert(3, str(row["close_code"] or "none"))
            lines.append(line)
        out += f"\n## {title}\n\n" + table(head, lines)
    return out


index_tree = ET.parse(XML / "index.xml").getroot()
complete(index_tree)
OUT.mkdir(parents=True, exist_ok=True)
for page, text in {"program-options": program_options(), "library-options": library_options(index_tree),
                   "errors": errors(index_tree)}.items():
    (OUT / f"{page}.md").write_text(text)
for line in faults:
    print(f"reference.py: {line}", file=sys.stderr)
sys.exit(bool(faults))
