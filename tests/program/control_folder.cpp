// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/control_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

namespace {

BOOST_AUTO_TEST_SUITE(program_control_folder)

struct scratch_folder {
    scratch_folder() { BOOST_REQUIRE(::mkdtemp(path.data()) != nullptr); }
    ~scratch_folder() { std::filesystem::remove_all(path); }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;

    std::string path = "/tmp/sigfire-folder-XXXXXX";
};

BOOST_AUTO_TEST_CASE(the_folder_is_that_of_the_user) {
    ::setenv("XDG_RUNTIME_DIR", "/run/x", 1);
    BOOST_TEST(control_folder{}.path() == "/run/x/sigfire");
    ::setenv("XDG_RUNTIME_DIR", "relative", 1);
    const auto own = "/tmp/sigfire-" + std::to_string(::getuid());
    BOOST_TEST(control_folder{}.path() == own);
    ::unsetenv("XDG_RUNTIME_DIR");
    BOOST_TEST(control_folder{}.path() == own);
    BOOST_TEST(control_folder{"/a"}.path() == "/a");
    BOOST_TEST(control_folder{"/a"}.socket_of(12) == "/a/12.sock");
}

BOOST_AUTO_TEST_CASE(the_folder_is_for_its_owner_only) {
    const scratch_folder s;
    const control_folder f{s.path + "/made"};
    BOOST_TEST(f.processes().empty());
    f.make();
    f.make();
    struct stat facts{};
    BOOST_TEST(::stat(f.path().c_str(), &facts) == 0);
    BOOST_TEST((facts.st_mode & 0777) == 0700u);
    for (const mode_t mode : {0770u, 0707u, 0755u}) {
        ::chmod(f.path().c_str(), mode);
        BOOST_CHECK_THROW(f.make(), std::runtime_error);
        BOOST_CHECK_THROW(static_cast<void>(f.processes()), std::runtime_error);
    }
    ::chmod(f.path().c_str(), 0700);
    const auto link = s.path + "/link";
    BOOST_TEST(::symlink(f.path().c_str(), link.c_str()) == 0);
    BOOST_CHECK_THROW(control_folder{link}.make(), std::runtime_error);
    BOOST_CHECK_THROW(control_folder{s.path + "/none/below"}.make(), std::runtime_error);
    BOOST_CHECK_THROW(control_folder{s.path + '/' + std::string(90, 'x')}.make(), std::runtime_error);
    std::ofstream{s.path + "/file"};
    BOOST_CHECK_THROW(control_folder{s.path + "/file"}.make(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE(sockets_name_their_processes) {
    const scratch_folder s;
    for (const char* name :
         {"12.sock", "7.sock", "0.sock", "-1.sock", "x.sock", "7", "7.sock.old", "08x.sock"})
        std::ofstream{s.path + '/' + name};
    BOOST_TEST((control_folder{s.path}.processes() == std::vector<long>{7, 12}));
    for (const std::string_view odd : {"", "0", "-4", "1 ", " 1", "1x", "all", "99999999999999999999"})
        BOOST_TEST(!control_folder::parse_pid(odd).has_value(), std::string{odd});
    BOOST_TEST((control_folder::parse_pid("4194304") == 4'194'304));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
