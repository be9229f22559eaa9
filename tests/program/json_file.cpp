// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "../../examples/server/json_file.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <map>
#include <string>

namespace {

BOOST_AUTO_TEST_SUITE(program_json_file)

using lines = std::map<std::string, std::size_t>;

BOOST_AUTO_TEST_CASE(each_member_has_the_line_of_its_name) {
    BOOST_TEST((member_lines(R"({})") == lines{}));
    BOOST_TEST((member_lines(R"({"a":1,"b":2})") == lines{{"a", 1}, {"b", 1}}));
    BOOST_TEST((member_lines("\n{\n\"a\"\n:\n1,\n\n \"b\": [\n\"c\",\n{\"d\": \"e\"}],\n\"f\": \"g\"\n}") ==
                lines{{"a", 3}, {"b", 7}, {"f", 10}}));
}

BOOST_AUTO_TEST_CASE(text_within_values_is_no_member) {
    BOOST_TEST((member_lines("{\"a\": \"{\\\"x\\\": 1,\\n\",\n\"b\": {\"c\": {\"d\": 1}, \"e\": 2},\n\"f\": "
                             "[[\"g\", \"h\"]]}") == lines{{"a", 1}, {"b", 2}, {"f", 3}}));
    BOOST_TEST((member_lines("{\"a\": \"x, \\\\\",\n\"b\": \"c\"}") == lines{{"a", 1}, {"b", 2}}));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
