// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/finding.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <string>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace {

BOOST_AUTO_TEST_SUITE(program_finding)

BOOST_AUTO_TEST_CASE(a_secret_file_is_for_its_owner) {
    std::string path = "/tmp/sigfire-secret-XXXXXX";
    const int fd = ::mkstemp(path.data());
    BOOST_REQUIRE(fd >= 0);
    for (const auto& [mode, how] : {std::pair{0600, grade::ok},
                                    {0640, grade::ok},
                                    {0644, grade::warning},
                                    {0602, grade::warning},
                                    {0601, grade::warning}}) {
        ::fchmod(fd, static_cast<mode_t>(mode));
        const auto found = check_secret_file(path);
        BOOST_REQUIRE(found.size() == 1u);
        BOOST_TEST((found[0].how == how), mode);
        BOOST_TEST(found[0].subject == "secret file " + path);
    }
    ::close(fd);
    ::unlink(path.c_str());
    BOOST_TEST((check_secret_file(path)[0].how == grade::error));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
