// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/json/read_members.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using namespace sigfire;
using namespace sigfire::detail;

// It guesses no name: as a client has it.
struct few_members {
    std::string_view id, data;
    struct {
        std::string_view id;
    } inner;
    bool plain = false;

    static known_name guess_top(const char*) noexcept { return {}; }
    static known_name guess_inner(const char*) noexcept { return {}; }
    std::string_view* find_top(std::string_view name) noexcept {
        return name == "id" ? &id : name == "data" ? &data : nullptr;
    }
    std::string_view* find_inner(std::string_view name) noexcept {
        return name == "id" ? &inner.id : nullptr;
    }
};

// With guesses: as a codec has it.
struct guessed_members : few_members {
    int guessed = 0;

    known_name guess_top(const char* p) noexcept {
        if (!begins(p, "id\":")) return {};
        ++guessed;
        return {&id, 4};
    }
};

BOOST_AUTO_TEST_SUITE(text_json_read_members)

template <class M>
void reads_all() {
    const auto read = [](std::string_view text, M& m) {
        json_scanner s{text};
        return s.first() == '{' && read_members(s, m);
    };
    M m;
    BOOST_TEST(read(R"({"id":"a","other":[{"id":1}],"data":{"id":"b","more":{"id":2}}})", m));
    BOOST_TEST(m.id == R"("a")");
    BOOST_TEST(m.data == R"({"id":"b","more":{"id":2}})");
    BOOST_TEST(m.inner.id == R"("b")");

    m = {};
    BOOST_TEST(read(R"({"id":1,"i\u0064":2,"data":{"\u0069d":3}})", m),
               "the last of each name, behind escapes too");
    BOOST_TEST(m.id == "2");
    BOOST_TEST(m.inner.id == "3");

    m = {};
    BOOST_TEST(read(R"({"data":{"id":1},"data":[{"id":2}]})", m));
    BOOST_TEST(m.data == R"([{"id":2}])");
    BOOST_TEST(m.inner.id == "", "nothing is left of data that another one replaces");

    for (const std::string_view wrong : {R"({"id":1)", R"({"id":1} x)", R"({"data":{"id":}})"})
        BOOST_TEST(!read(wrong, m), wrong);
}

BOOST_AUTO_TEST_CASE(members_are_read_without_guesses) {
    reads_all<few_members>();
}

BOOST_AUTO_TEST_CASE(members_are_read_with_guesses) {
    reads_all<guessed_members>();
    // So much that the scanner may look at 16 bytes at once.
    const std::string text = R"({"id":"a","data":")" + std::string(200, 'x') + R"("})";
    json_scanner s{text};
    guessed_members m;
    BOOST_TEST_REQUIRE(s.first() == '{');
    BOOST_TEST(read_members(s, m));
    BOOST_TEST(m.guessed == 1);
    BOOST_TEST(m.id == R"("a")");
    json_scanner escaped{R"({"id":"a","data":"\n"})"};
    m.plain = true;
    BOOST_TEST_REQUIRE(escaped.first() == '{');
    BOOST_TEST(read_members(escaped, m));
    BOOST_TEST(!m.plain);
}

BOOST_AUTO_TEST_CASE(a_message_that_is_not_json_is_malformed_or_not_utf8) {
    std::string bad = "{\xff", good = "{";
    BOOST_TEST((not_json({{bad.data(), bad.size()}, message_type::text}) == errc::bad_utf8));
    BOOST_TEST((not_json({{good.data(), good.size()}, message_type::text}) == errc::malformed));
    BOOST_TEST((not_json({{bad.data(), bad.size()}, message_type::binary}) == errc::malformed));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
