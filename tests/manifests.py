#!/usr/bin/env python3
# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""manifests.py BOOST_PREFIX: runs the files of package managers against stand-ins of these, and compares versions.

Neither package manager is here: the stand-ins do what the documented functions do, as far as these files use them."""
import json
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
    file(COPY ${files} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT})
    file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH})
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_install_copyright)
    cmake_parse_arguments(arg "" "" "FILE_LIST" ${ARGN})
    file(COPY_FILE ${arg_FILE_LIST} ${CURRENT_PACKAGES_DIR}/share/${PORT}/copyright)
endfunction()
include(@root@/packaging/vcpkg/ports/sigfire/portfile.cmake)
"""


def vcpkg(work):
    port = ROOT / "packaging/vcpkg/ports/sigfire"
    manifest = json.loads((port / "vcpkg.json").read_text())
    check(manifest["version"] == VERSION, f"the port's version {manifest['version']}")
    for features in ("", "tls"):
        here = work / f"vcpkg-{features}"
        here.mkdir()
        script = here / "run.cmake"
        text = VCPKG
        for name, value in {"work": here, "boost": BOOST, "root": ROOT}.items():
            text = text.replace(f"@{name}@", str(value))
        script.write_text(text)
        done = subprocess.run(["cmake", f"-DFEATURES={features}", "-P", script], capture_output=True, text=True)
        check(done.returncode == 0, done.stdout + done.stderr)
        for file in ("include/sigfire/sigfire.hpp", "share/sigfire/sigfireConfig.cmake", "share/sigfire/copyright",
                     "share/sigfire/usage"):
            check((here / "packages" / file).is_file(), f"the port installs no {file}")
        found = "OPENSSL_INCLUDE_DIR" in (here / "build/CMakeCache.txt").read_text()
        check(found == (features == "tls"), f"OpenSSL with the features '{features}'")


with tempfile.TemporaryDirectory() as folder:
    conan(Path(folder))
    vcpkg(Path(folder))
print("manifests: OK")
