// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/accept_gate.hpp>

#include <sigfire/net/engine/gate_book.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using strings = std::vector<std::string>;

BOOST_AUTO_TEST_SUITE(accept_gate_)

BOOST_AUTO_TEST_CASE(each_ok_is_followed_by_one_leave) {
    strings told;
    detail::gate_book book{{[&](std::string_view r) {
                                told.push_back("enter " + std::string{r});
                                return r == "bad" ? errc::denied : errc::ok;
                            },
                            [&](std::string_view r) { told.push_back("leave " + std::string{r}); }}};
    const int a = 0, b = 0;
    BOOST_TEST(static_cast<bool>(book));
    BOOST_TEST((book.pass(&a, "one") == errc::ok));
    BOOST_TEST((book.pass(&a, "one") == errc::ok), "asked once about one address");
    BOOST_TEST((book.pass(&a, "two") == errc::ok), "and again when it changes");
    BOOST_TEST((book.pass(&b, "bad") == errc::denied));
    book.leave(&a);
    book.leave(&a);
    book.leave(&b);
    BOOST_TEST(told == (strings{"enter one", "enter two", "leave one", "enter bad", "leave two"}));
}

BOOST_AUTO_TEST_CASE(a_gate_that_throws_refuses) {
    const detail::gate_book book{{[](std::string_view) -> errc { throw 7; }, {}}};
    BOOST_TEST((book.ask("x") == errc::internal_error));
}

BOOST_AUTO_TEST_CASE(no_gate_lets_everybody_in) {
    detail::gate_book book{{}};
    const int a = 0;
    BOOST_TEST(!book);
    BOOST_TEST((book.pass(&a, "x") == errc::ok));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
