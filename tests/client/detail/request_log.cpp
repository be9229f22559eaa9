// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/detail/request_log.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

namespace {

struct world {
    sigfire::detail::request_log log;

    void keep(std::uint64_t from, std::uint64_t to) {
        for (; from <= to; ++from) BOOST_TEST(log.keep(from, std::to_string(from), 1000));
    }
    std::string flush(std::size_t most = 1000) {
        std::string sent;
        log.flush([&](const std::string& text) {
            if (most-- == 0) return false;
            sent += text + ' ';
            return true;
        });
        return sent;
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(request_log)

BOOST_AUTO_TEST_CASE(sends_each_once_and_in_order) {
    world w;
    BOOST_TEST(!w.log.unsent(3));
    w.keep(3, 6);
    BOOST_TEST(w.log.unsent(3));
    BOOST_TEST(w.flush(2) == "3 4 ");
    BOOST_TEST((!w.log.unsent(4) && w.log.unsent(5)));
    w.log.withdraw(4); // too late
    w.log.withdraw(5);
    w.keep(7, 7);
    BOOST_TEST(w.flush() == "6 7 ");
    BOOST_TEST(w.flush() == "");
    BOOST_TEST(!w.log.unsent(7));
}

BOOST_AUTO_TEST_CASE(is_bounded_in_bytes) {
    world w;
    BOOST_TEST(w.log.keep(1, std::string(100, 'x'), 10)); // one message of any size
    BOOST_TEST(!w.log.keep(2, "x", 10));
    w.flush();
    BOOST_TEST(w.log.keep(3, "12345", 10));
    BOOST_TEST(w.log.keep(4, "12345", 10));
    BOOST_TEST(!w.log.keep(5, "1", 10));
    w.log.withdraw(3);
    BOOST_TEST(w.log.keep(6, "12345", 10));
    BOOST_TEST(!w.log.keep(7, "1", 10));
    w.log.restart(true);
    w.flush();
    BOOST_TEST(!w.log.keep(8, "1", 10)); // sent, but not confirmed
    w.log.answered(4);
    BOOST_TEST(w.log.keep(9, "12345", 10));
}

BOOST_AUTO_TEST_CASE(unconfirmed_requests_are_sent_again) {
    world w;
    w.log.restart(true);
    w.keep(1, 5);
    w.flush(4);
    w.log.answered(2); // and so 1
    BOOST_TEST(!w.log.go_back_to(1));
    BOOST_TEST(!w.log.go_back_to(5)); // 5 was never sent
    BOOST_TEST(w.log.go_back_to(3));
    BOOST_TEST(w.flush() == "4 5 ");
    BOOST_TEST(w.log.go_back_to(5));
    BOOST_TEST(w.flush() == "");
    w.keep(6, 7);
    BOOST_TEST(w.log.go_back_to(5));
    w.log.answered(7); // was not even sent
    BOOST_TEST(w.flush() == "6 7 ");
    w.log.answered(1);
    BOOST_TEST(w.log.go_back_to(5));
    BOOST_TEST(w.flush() == "6 7 ");
}

BOOST_AUTO_TEST_CASE(some_go_first) {
    world w;
    w.log.restart(true);
    w.keep(1, 2);
    w.flush(1);
    w.log.keep_first(7, "7");
    w.log.keep_first(8, "8");
    BOOST_TEST(w.flush() == "8 7 2 ");
    w.log.answered(7); // tells nothing about 2
    BOOST_TEST(!w.log.go_back_to(2));
    BOOST_TEST(w.log.go_back_to(3));
    BOOST_TEST(w.flush() == "2 ");
}

BOOST_AUTO_TEST_CASE(a_new_start_forgets_sent_requests) {
    world w;
    w.log.restart(true);
    w.keep(1, 3);
    w.flush(2);
    w.log.restart(true);
    BOOST_TEST(w.flush() == "3 ");
    BOOST_TEST(w.log.go_back_to(0));
    BOOST_TEST(w.flush() == "3 ");
    w.log.restart(false);
    w.keep(4, 4);
    w.flush();
    BOOST_TEST(!w.log.go_back_to(0)); // nothing is kept without counting
    BOOST_TEST(w.flush() == "");
}

BOOST_AUTO_TEST_SUITE_END()
