#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""docs.py SITE PROGRAM: checks the built documentation site, and the snippets and links in its sources and in the other
texts of the project. PROGRAM is the program sigfire. The last line counts."""
import html
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
SITE, PROGRAM = Path(sys.argv[1]).resolve(), sys.argv[2]
passed = failed = 0


def check(name, faults):
    global passed, failed
    passed, failed = passed + (not faults), failed + bool(faults)
    print(("FAILED " if faults else "ok ") + name)
    for fault in faults:
        print(f"    {fault}")


# --- the site ---

PAGES = {str(p.relative_to(SITE)): p.read_text(errors="replace") for p in sorted(SITE.rglob("*.html"))}
OWN = [p for p in PAGES if not re.match(r"(api|source)/|404", p)]


def tags(text, names, attribute):
    """The values of an attribute of all such elements."""
    for tag in re.finditer(rf"<(?:{names})\b([^>]*)>", text):
        value = re.search(rf'(?:^|\s){attribute}\s*=\s*(?:"([^"]*)"|\'([^\']*)\')', tag[1])
        if value:
            yield html.unescape(value[1] if value[1] is not None else value[2])


def local(page, href):
    """The file in the site and the anchor that a link leads to; None if it leads elsewhere."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//", href):
        return None
    path, _, anchor = href.partition("#")
    path = unquote(path.partition("?")[0])
    target = SITE / page
    if path:
        target = SITE / path.lstrip("/") if path.startswith("/") else target.parent / path
    target = target.resolve()
    if target.is_dir():
        target /= "index.html"
    return target, unquote(anchor)


anchors = {}


def has_anchor(page, anchor):
    if page not in anchors:
        anchors[page] = set(tags(PAGES[page], r"\w+", "id")) | set(tags(PAGES[page], "a", "name"))
    return anchor in anchors[page]


def links(pages):
    faults = []
    for page in pages:
        for attribute in ("href", "src"):
            for href in tags(PAGES[page], r"\w+", attribute):
                found = local(page, href)
                if found is None:
                    continue
                target, anchor = found
                if SITE not in target.parents or not target.is_file():
                    faults.append(f"{page}: {href} is dead")
                elif anchor and target.suffix == ".html" and not has_anchor(str(target.relative_to(SITE)), anchor):
                    faults.append(f"{page}: {href} has no such anchor")
    return sorted(set(faults))


def foreign():
    """Scripts, styles, fonts and pictures of other hosts."""
    faults = []
    for page, text in PAGES.items():
        for names, attribute in (("script|img|iframe|source|video|audio|embed", "src"), ("link", "href")):
            faults += [f"{page}: {url}" for url in tags(text, names, attribute) if re.match(r"(?:https?:)?//", url)]
    for style in SITE.rglob("*.css"):
        found = re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)\"' ]*", style.read_text(errors="replace"))
        faults += [f"{style.relative_to(SITE)}: {url}" for url in found]
    return faults


def far():
    """Pages that are not two clicks from the start."""
    def neighbours(page):
        found = (local(page, href) for href in tags(PAGES[page], "a", "href"))
        return {str(f[0].relative_to(SITE)) for f in found if f and SITE in f[0].parents}

    near = {"index.html"}
    for _ in range(2):
        near |= {n for page in near if page in OWN for n in neighbours(page)}
    return [f"{page} is more than two clicks away" for page in [*OWN, "api/index.html"] if page not in near]


def listed():
    """Pages of the sidebar and pages of docs/ are the same."""
    config = (ROOT / "docs/.vitepress/config.js").read_text()
    wanted = {"index.html", "changelog.html"}
    for folder, body in re.findall(r"section\('(\w+)', '\w+', \[(.*?)\]\)", config, re.S):
        wanted |= {f"{folder}/{name}.html" for name in re.findall(r"'([\w-]+)'", body)}
    return [f"{page} is {'no page' if page in wanted else 'not in the sidebar'}" for page in sorted(wanted ^ set(OWN))]


def options():
    """Options of the help that are not in the table."""
    shown = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    wanted = set(re.findall(r"^ +(?:-\w,)?(--[a-z0-9-]+)", shown, re.M))
    told = set(re.findall(r"--[a-z0-9-]+", " ".join(re.findall(r"<code>([^<]*)</code>",
                                                               PAGES.get("reference/program-options.html", "")))))
    return [f"{option} is not on the page" for option in sorted(wanted - told)] + ([] if wanted else ["no options"])


check(f"{len(OWN)} pages, as in the sidebar", listed())
check("links and anchors of the pages", links([p for p in PAGES if not p.startswith("api/")]))
check("links and anchors of the C++ API", links([p for p in PAGES if p.startswith("api/")]))
check("no script, style, font or picture of another host", foreign())
check("each page is two clicks from the start", far())
check("each option of the program is in the table", options())

# --- the texts ---

TEXTS = sorted({*ROOT.glob("*.md"), *(ROOT / "examples").glob("*.md"),
                *(p for p in (ROOT / "docs").rglob("*.md") if "node_modules" not in p.parts)})


def slugs(text):
    """The anchors of the headings, as forges make them."""
    found, seen = set(), {}
    for heading in re.findall(r"^#+ (.+?)\s*$", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        own = re.search(r"\{#([\w-]+)\}$", heading)
        slug = own[1] if own else re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = seen[slug] = seen.get(slug, -1) + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found | set(re.findall(r"<a id=\"([^\"]+)\"", text))


def text_links():
    faults = []
    for path in TEXTS:
        inside = ROOT / "docs" in path.parents
        text = re.sub(r"^(```+).*?^\1", "", path.read_text(), flags=re.S | re.M)
        text = re.sub(r"`[^`\n]*`", lambda m: m[0] if "](" in m[0] else "``", text)
        for href in re.findall(r"\]\(\s*<?([^)>\s]+)", text):
            if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:|/", href):
                continue
            name, _, anchor = href.partition("#")
            target = (path.parent / unquote(name)).resolve() if name else path
            if inside and not target.suffix and target.with_suffix(".md").is_file():
                target = target.with_suffix(".md")
            where = f"{path.relative_to(ROOT)}: {href}"
            if ROOT not in target.parents or not target.exists():
                faults.append(f"{where} is dead")
            elif anchor and target.suffix == ".md" and not (ROOT / "docs" in target.parents and inside):
                if anchor not in slugs(target.read_text()): # anchors within docs/ are those of the site, checked above
                    faults.append(f"{where} has no such anchor")
    return faults


def blocks(*languages):
    """Fenced blocks in these languages: where they begin, and their text without the indent of the fence."""
    for path in TEXTS:
        for block in re.finditer(r"^( *)(```+)(\w+)[^\n]*\n(.*?)^ *\2 *$", path.read_text(), re.S | re.M):
            if block[3] in languages:
                line = path.read_text()[:block.start()].count("\n") + 1
                yield f"{path.relative_to(ROOT)}:{line}", re.sub(rf"^{block[1]}", "", block[4], flags=re.M)


def run(command, **how):
    done = subprocess.run(command, capture_output=True, text=True, **how)
    return None if done.returncode == 0 else (done.stderr or done.stdout).strip()


def json_blocks():
    found = list(blocks("json"))
    faults = []
    for where, text in found:
        try:
            json.loads(text)
        except ValueError as error:
            faults.append(f"{where}: {error}")
    return len(found), faults


def shell_blocks():
    found = list(blocks("sh", "bash", "shell"))
    told = [(where, run(["bash", "-n"], input=text)) for where, text in found]
    return len(found), [f"{where}: {error}" for where, error in told if error]


def script_blocks():
    found = list(blocks("js", "javascript", "mjs"))
    for where, text in blocks("html"):
        found += [(where, script) for script in re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", text, re.S)]
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for where, text in found:
            file = Path(folder) / "snippet.mjs"
            file.write_text(text)
            error = run(["node", "--check", str(file)])
            if error:
                faults.append(f"{where}: {error}")
    return len(found), faults


def commands():
    """Options in command lines of the program that it does not have."""
    shown = subprocess.run([PROGRAM, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    known = set(re.findall(r"^ +(?:-\w,)?(--[a-z0-9-]+)", shown, re.M))
    count, faults = 0, []
    for path in TEXTS:
        for line in re.findall(r"\bsigfire serve\b[^`\n]*", path.read_text().replace("\\\n", " ")):
            count += 1
            for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", line):
                if option not in known:
                    faults.append(f"{path.relative_to(ROOT)}: sigfire serve has no {option}")
    return count, faults


check(f"links of {len(TEXTS)} texts", text_links())
for what, (count, faults) in {"JSON": json_blocks(), "shell": shell_blocks(), "JavaScript": script_blocks()}.items():
    check(f"{count} blocks of {what}", faults)
count, faults = commands()
check(f"{count} command lines of the program", faults)

print(f"{passed} passed, {failed} failed")
sys.exit(bool(failed))
