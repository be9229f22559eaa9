# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
"""Recipe for Conan 2: `conan create . --build=missing -s compiler.cppstd=20`."""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"


class SigfireConan(ConanFile):
    name = "sigfire"
    description = "Header-only C++20 signaling toolkit"
    license = "MIT"
    topics = ("signaling", "webrtc", "websocket", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"tls": [True, False]}
    default_options = {"tls": True}
    exports = "include/sigfire/version.hpp"
    exports_sources = "include/*", "LICENSE"
    no_copy_source = True
    test_package_folder = "packaging/conan/test_package"

    def set_version(self):
        text = load(self, os.path.join(self.recipe_folder, "include", "sigfire", "version.hpp"))
        self.version = re.search(r'version\[\] = "([^"]+)"', text)[1]

    def layout(self):
        basic_layout(self)

    def requirements(self):
        self.requires("boost/[>=1.81 <2]", transitive_headers=True)
        if self.options.tls:
            self.requires("openssl/[>=3 <4]", transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "sigfire")
        core = self.cpp_info.components["sigfire"]
        core.set_property("cmake_target_name", "sigfire::sigfire")
        core.set_property("pkg_config_name", "sigfire")
        core.bindirs = core.libdirs = []
        core.requires = ["boost::headers"]
        if self.settings.os in ("Linux", "FreeBSD"):
            core.system_libs = ["pthread"]
        if self.options.tls:
            tls = self.cpp_info.components["tls"]
            tls.set_property("cmake_target_name", "sigfire::tls")
            tls.set_property("pkg_config_name", "sigfire-tls")
            tls.bindirs = tls.libdirs = tls.includedirs = []
            tls.requires = ["sigfire", "openssl::openssl"]
