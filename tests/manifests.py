#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""manifests.py BOOST_PREFIX: runs the files of package managers against stand-ins of these, and compares versions.

Neither package manager is here: the stand-ins do what the documented functions do, as far as these files use them."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOST = sys.argv[1]
VERSION = re.search(r'version\[\] = "([^"]+)"', (ROOT / "include/sigfire/version.hpp").read_text())[1]


def check(right, what):
    if not right:
        sys.exit(f"manifests.py: {what}")


class Recorder:
    """Takes any attribute, and remembers properties and components."""

    def __init__(self):
        self.properties, self.components = {}, {}

    def set_property(self, name, value):
        self.properties[name] = value


class Components(dict):
    def __missing__(self, name):
        return self.setdefault(name, Recorder())


def conan(work):
    modules = {name: types.ModuleType(name) for name in (
        "conan", "conan.tools", "conan.tools.build", "conan.tools.files", "conan.tools.layout", "conan.tools.cmake")}
    sys.modules.update(modules)
    required = []

    class ConanFile:
        def requires(self, reference, **traits):
            required.append((reference, traits))

    def copy(_, pattern, source, target):
        found = [p for p in Path(source).rglob(pattern) if p.is_file()]
        for p in found:
            to = Path(target) / p.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(p, to)
        check(found, f"the recipe copies {pattern} from {source}: there is none")

    modules["conan"].ConanFile = ConanFile
    modules["conan.tools.build"].check_min_cppstd = lambda _, least: check(least == 20, "the recipe asks for C++20")
    modules["conan.tools.build"].can_run = lambda _: True
    modules["conan.tools.files"].copy = copy
    modules["conan.tools.files"].load = lambda _, path: Path(path).read_text()
    modules["conan.tools.layout"].basic_layout = lambda _: None
    modules["conan.tools.cmake"].CMake = modules["conan.tools.cmake"].cmake_layout = None
    names = {}
    exec(compile((ROOT / "packaging/conan/test_package/conanfile.py").read_text(), "test_package", "exec"), names)
    exec(compile((ROOT / "conanfile.py").read_text(), "conanfile.py", "exec"), names)
    recipe = names["SigfireConan"]
    check((ROOT / recipe.test_package_folder / "conanfile.py").is_file(), "the recipe's test package")
    for tls in recipe.options["tls"]:
        r = recipe()
        required.clear()
        r.recipe_folder = r.source_folder = str(ROOT)
        r.package_folder = str(work / f"conan-{tls}")
        r.options = types.SimpleNamespace(tls=tls)
        r.settings = types.SimpleNamespace(os="Linux")
        r.cpp_info = Recorder()
        r.cpp_info.components = Components()
        r.set_version()
        check(r.version == VERSION, f"the recipe's version {r.version}")
        r.layout()
        r.validate()
        r.requirements()
        check([n.split("/")[0] for n, _ in required] == ["boost", "openssl"][:2 if tls else 1], f"{required}")
        r.package()
        r.package_info()
        for file in ("include/sigfire/sigfire.hpp", "include/sigfire/net/tls.hpp", "licenses/LICENSE"):
            check((Path(r.package_folder) / file).is_file(), f"the recipe's package has no {file}")
        targets = {c.properties["cmake_target_name"] for c in r.cpp_info.components.values()}
        check(targets == ({"sigfire::sigfire", "sigfire::tls"} if tls else {"sigfire::sigfire"}), f"{targets}")


# What a port may call, as vcpkg documents it.
VCPKG = """cmake_minimum_required(VERSION 3.25)
set(CURRENT_PACKAGES_DIR "@work@/packages")
set(PORT sigfire)
function(vcpkg_check_features)
    cmake_parse_arguments(arg "" "OUT_FEATURE_OPTIONS" "FEATURES;INVERTED_FEATURES" ${ARGN})
    set(options "")
    foreach(kind IN ITEMS FEATURES INVERTED_FEATURES)
        while(arg_${kind})
            list(POP_FRONT arg_${kind} feature variable)
            set(given OFF)
            if(feature IN_LIST FEATURES)
                set(given ON)
            endif()
            if(kind STREQUAL INVERTED_FEATURES)
                if(given)
                    set(given OFF)
                else()
                    set(given ON)
                endif()
            endif()
            list(APPEND options -D${variable}=${given})
        endwhile()
    endforeach()
    set(${arg_OUT_FEATURE_OPTIONS} ${options} PARENT_SCOPE)
endfunction()
function(vcpkg_cmake_configure)
    cmake_parse_arguments(arg "" "SOURCE_PATH" "OPTIONS" ${ARGN})
    execute_process(COMMAND ${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B @work@/build -DCMAKE_PREFIX_PATH=@boost@
        -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} ${arg_OPTIONS} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_install)
    execute_process(COMMAND ${CMAKE_COMMAND} --build @work@/build --target install COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_config_fixup)
    cmake_parse_arguments(arg "" "CONFIG_PATH" "" ${ARGN})
    file(GLOB files ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/*.cmake)
    set(up "get_filename_component(_IMPORT_PREFIX \\"\\${_IMPORT_PREFIX}\\" PATH)\\n")
    foreach(file IN LISTS files) # the new folder has one parent less
        cmake_path(GET file FILENAME name)
        file(READ ${file} text)
        string(REPLACE "${up}${up}${up}" "${up}${up}" text "${text}")
        file(WRITE ${CURRENT_PACKAGES_DIR}/share/${PORT}/${name} "${text}")
    endforeach()
    file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH})
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_install_copyright)
    cmake_parse_arguments(arg "" "" "FILE_LIST" ${ARGN})
    file(COPY_FILE ${arg_FILE_LIST} ${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright)
endfunction()
function(vcpkg_from_git)
    cmake_parse_arguments(arg "" "OUT_SOURCE_PATH;URL;REF" "" ${ARGN})
    execute_process(COMMAND git clone -q ${arg_URL} @work@/fetched COMMAND_ERROR_IS_FATAL ANY)
    execute_process(COMMAND git -C @work@/fetched checkout -q ${arg_REF} COMMAND_ERROR_IS_FATAL ANY)
    set(${arg_OUT_SOURCE_PATH} @work@/fetched PARENT_SCOPE)
endfunction()
include(@port@/portfile.cmake)
"""


def run_port(port, features, here):
    """Installs a port into here/packages, and builds a program with it."""
    here.mkdir()
    script = here / "run.cmake"
    text = VCPKG
    for name, value in {"work": here, "boost": BOOST, "port": port}.items():
        text = text.replace(f"@{name}@", str(value))
    script.write_text(text)
    run("cmake", f"-DFEATURES={features}", "-P", script)
    for file in ("include/sigfire/sigfire.hpp", "share/sigfire/sigfireConfig.cmake", "share/sigfire/copyright",
                 "share/sigfire/usage"):
        check((here / "packages" / file).is_file(), f"the port installs no {file}")
    found = "OPENSSL_INCLUDE_DIR" in (here / "build/CMakeCache.txt").read_text()
    check(found == (features == "tls"), f"OpenSSL with the features '{features}'")
    run("cmake", "-G", "Ninja", "-S", ROOT / "tests/consumer/cmake", "-B", here / "app",
        f"-Dmain={ROOT}/tests/consumer/small.cpp", f"-DCMAKE_PREFIX_PATH={here}/packages;{BOOST}")
    run("cmake", "--build", here / "app")
    said = run(here / "app/app")
    check(said == f"sigfire {VERSION}: OK\n", f"the program says {said}")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    check(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def vcpkg(work):
    port = ROOT / "packaging/vcpkg/ports/sigfire"
    for features in ("", "tls"):
        run_port(port, features, work / f"vcpkg-{features}")

    def boost(folder, but=()):
        found = set()
        for header in (ROOT / "include/sigfire" / folder).rglob("*.hpp"):
            path = header.relative_to(ROOT / "include/sigfire")
            if path.parts[0] not in but and str(path) not in but:
                found |= set(re.findall(r"^ *# *include <boost/(\w+)", header.read_text(), re.M))
        return {"boost-" + ("config" if name == "version" else name) for name in found}

    core = boost(".", but=("rpc", "client/boost_json.hpp"))
    manifest, top = (json.loads((folder / "vcpkg.json").read_text()) for folder in (port, ROOT))
    named = {d["name"] for d in manifest["dependencies"] if d["name"].startswith("boost-")}
    check(named == core, f"the port names {sorted(named)}, and the headers need {sorted(core)}")
    check(set(top["dependencies"]) == core, f"vcpkg.json names {top['dependencies']}, and the headers need {sorted(core)}")
    named = {d["name"] for d in manifest["features"]["json"]["dependencies"]}
    check(named == boost("rpc") - core, f"the feature json names {named}, and rpc needs {boost('rpc') - core}")


def registry(work):
    """The script makes a registry in a clone; what it says of itself is so, and its port installs."""
    clone = work / "clone"
    run("git", "clone", "-q", "--no-local", f"file://{ROOT}", clone)
    url = f"file://{clone}"
    person = {f"GIT_{role}_{what}": "registry@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    script = [clone / "packaging/vcpkg/registry.py", url]
    environment = {**os.environ, **person}

    def git(*arguments):
        return run("git", "-C", clone, *arguments, env=environment).strip()

    entries = [json.loads(run(*script, env=environment)) for _ in range(2)]
    check(entries[0] == entries[1], "a second run adds something")
    git("commit", "-q", "--allow-empty", "-m", "The next commit")
    entries.append(json.loads(run(*script, env=environment)))
    check(git("status", "--porcelain") == "", "the work tree changes")
    for entry, number in zip(entries[1:], (0, 1)):
        check(entry["kind"] == "git" and entry["packages"] == ["sigfire"], f"{entry}")
        check(entry["reference"] == "vcpkg-registry" and entry["repository"] == url, f"{entry}")
        at = entry["baseline"]
        check(set(git("ls-tree", "--name-only", at).split()) == {"LICENSE", "ports", "versions"}, "the registry's root")
        baseline = json.loads(git("show", f"{at}:versions/baseline.json"))["default"]["sigfire"]
        check(baseline == {"baseline": VERSION, "port-version": number}, f"the baseline is {baseline}")
        versions = json.loads(git("show", f"{at}:versions/s-/sigfire.json"))["versions"]
        check([(v["version"], v["port-version"]) for v in versions] == [(VERSION, n) for n in range(number, -1, -1)],
              f"the versions are {versions}")
        check(versions[0]["git-tree"] == git("rev-parse", f"{at}:ports/sigfire"), "the newest tree is not the port's")
        reached = git("rev-list", "--objects", at)
        for version in versions:
            tree = version["git-tree"]
            check(git("cat-file", "-t", tree) == "tree" and tree in reached, f"no tree {tree}")
            check(set(git("ls-tree", "--name-only", tree).split()) == {"portfile.cmake", "usage", "vcpkg.json"}, tree)
            manifest = json.loads(git("show", f"{tree}:vcpkg.json"))
            check((manifest["version"], manifest.get("port-version", 0)) == (VERSION, version["port-version"]), tree)
    check(git("rev-parse", "vcpkg-registry") == entries[2]["baseline"], "the branch is not at the last commit")
    port = work / "port"
    port.mkdir()
    for name in ("portfile.cmake", "usage", "vcpkg.json"):
        (port / name).write_text(run("git", "-C", clone, "show", f"vcpkg-registry:ports/sigfire/{name}"))
    run_port(port, "", work / "registry")
    head = run("git", "-C", work / "registry/fetched", "rev-parse", "HEAD").strip()
    check(head == git("rev-parse", "HEAD"), f"the port fetches {head}")


def versions():
    """All files that name a version name that of version.hpp, and so does a tag of this commit."""
    def first(pattern, file):
        found = re.search(pattern, (ROOT / file).read_text(), re.M)
        check(found, f"{file} has no version")
        return found[1]

    named = {file: json.loads((ROOT / file).read_text())["version"]
             for file in ("vcpkg.json", "packaging/vcpkg/ports/sigfire/vcpkg.json")}
    named["packaging/Containerfile"] = first(r'image\.version="([^"]+)"', "packaging/Containerfile")
    named["packaging/meson/sigfire.wrap"] = first(r"^revision = v(.+)$", "packaging/meson/sigfire.wrap")
    named["README.md"] = first(r"GIT_TAG v(\S+)\)", "README.md")
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    if released:
        named["CHANGELOG.md"] = released[0]
    if (ROOT / ".git").exists():
        tags = run("git", "-C", ROOT, "tag", "--points-at", "HEAD", "v[0-9]*").split()
        named.update({f"the tag {tag}": tag[1:] for tag in tags})
        check(not tags or released, f"CHANGELOG.md has no heading for {tags}")
    for where, version in named.items():
        check(version == VERSION, f"{where} names version {version}, and version.hpp {VERSION}")


def described(work):
    """What the program calls its version: by tags, without any, and outside of git."""
    tree = work / "described"
    tree.mkdir()
    (tree / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(sigfire VERSION 0.1.0 LANGUAGES NONE)\n"
        f"include({ROOT}/.cmake/describe.cmake)\nmessage(STATUS \"described: ${{sigfire_described}}\")\n")

    def git(*arguments, tree=tree):
        return run("git", "-C", tree, "-c", "user.name=test", "-c", "user.email=test@localhost", *arguments).strip()

    def expect(pattern):
        said = re.search("described: (.*)", run("cmake", "-S", tree, "-B", work / "described.build"))[1]
        check(re.fullmatch(pattern, said), f"the version is {said} instead of {pattern}")

    expect(r"0\.1\.0")
    git("init", "-q", tree=work)
    git("commit", "-q", "--allow-empty", "-m", "another project", tree=work)
    expect(r"0\.1\.0") # in the checkout of another project
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    expect(r"0\.1\.0\+g" + git("rev-parse", "--short", "HEAD"))
    git("tag", "other-9.9.9")
    git("tag", "v0.1.0")
    expect(r"0\.1\.0")
    for message in ("two", "three"):
        git("commit", "-q", "--allow-empty", "-m", message)
    expect(r"0\.1\.0\+2\.g" + git("rev-parse", "--short", "HEAD"))


def readme():
    """The lines of the README's section about builds stand in the consumers that are tried."""
    section = (ROOT / "README.md").read_text().split("\n## Use it in your build\n")[1].split("\n## ")[0]
    tried = {}
    for file in sorted((ROOT / "tests").glob("*.sh")) + [f for f in sorted((ROOT / "tests/consumer").rglob("*")) if
                                                        f.is_file() and "node_modules" not in f.parts]:
        tried.update({line.split(" # ")[0].strip(): file for line in file.read_text().splitlines()})
    lines = [line.split(" # ")[0].strip() for block in re.findall(r"^```(?:cmake|meson)\n(.*?)^```", section, re.M | re.S)
             for line in block.splitlines()]
    check(len(lines) > 5, "the README has no lines for builds")
    for line in filter(None, lines):
        check(line in tried, f"no consumer tries this line of the README: {line}")


with tempfile.TemporaryDirectory() as folder:
    versions()
    readme()
    described(Path(folder))
    conan(Path(folder))
    vcpkg(Path(folder))
    registry(Path(folder))
print("manifests: OK")
