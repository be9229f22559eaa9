// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/message_context.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;

constexpr peer_handle ann{3, 7};

BOOST_AUTO_TEST_SUITE(message_contexts)

BOOST_AUTO_TEST_CASE(it_tells_the_sender_and_the_time) {
    const message_context c{ann, "ann", time_point{5s}, nullptr, 2};
    BOOST_TEST((c.from() == ann && c.id() == "ann" && c.now() == time_point{5s} && c.judged() == 2u));
    BOOST_TEST((!c.answered() && c.deferred_as() == 0u && c.data().empty() && c.text().empty()));
    static_assert(!std::is_copy_constructible_v<message_context>); // events view what it keeps
}

BOOST_AUTO_TEST_CASE(a_kept_text_stays_where_it_is) {
    message_context c{ann, "ann", {}};
    const auto first = c.keep(std::string(100, 'a'));
    const auto* const at = first.data();
    for (int i = 0; i < 100; ++i) c.keep(std::to_string(i));
    BOOST_TEST((first.data() == at && first == std::string(100, 'a')));
}

BOOST_AUTO_TEST_CASE(a_reply_has_its_data_and_their_wire) {
    message_context c{ann, "ann", {}};
    c.reply(R"({"n":1})");
    BOOST_TEST((c.answered() && c.data().bytes == R"({"n":1})" && c.data().wire == default_wire));
    c.reply("\x81", wire_id::msgpack);
    BOOST_TEST((c.data().bytes == "\x81" && c.data().wire == wire_id::msgpack));
    c.reply();
    BOOST_TEST((c.answered() && c.data().empty()));
}

BOOST_AUTO_TEST_CASE(a_failure_has_words_of_its_own) {
    message_context c{ann, "ann", {}};
    BOOST_TEST((c.fail("Not today") == errc::denied && c.text() == "Not today"));
    BOOST_TEST((c.fail("Too often", errc::rate) == errc::rate && c.text() == "Too often"));
    BOOST_TEST(!c.answered());
}

BOOST_AUTO_TEST_CASE(a_verdict_that_is_put_off_goes_where_the_hub_looks) {
    const auto box = std::make_shared<detail::late_box>();
    message_context c{ann, "ann", {}, box};
    auto ticket = c.defer();
    const auto key = c.deferred_as();
    BOOST_TEST(key != 0u);
    BOOST_TEST(box->take().empty());
    ticket.refuse(errc::rate, "Later");
    const auto verdicts = box->take();
    BOOST_TEST_REQUIRE(verdicts.size() == 1u);
    BOOST_TEST((verdicts[0].key == key && verdicts[0].cause == errc::rate && verdicts[0].text == "Later"));
    BOOST_TEST((static_cast<void>(c.defer()), c.deferred_as()) != key);
}

// As in a test of a hook, where there is no hub.
BOOST_AUTO_TEST_CASE(without_a_hub_there_is_a_ticket_too) {
    message_context c{ann, "ann", {}};
    auto ticket = c.defer();
    BOOST_TEST(c.deferred_as() != 0u);
    ticket.pass();
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
