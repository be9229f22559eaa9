// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/event.hpp>

#include <boost/test/unit_test.hpp>

#include <type_traits>

namespace {

using namespace sigfire;

// Views are handed on by value, and thrown away without a thought.
template <class... Es>
constexpr bool are_plain(event_list<Es...>) {
    return (std::is_trivially_copyable_v<Es> && ...) && (std::is_trivially_destructible_v<Es> && ...);
}
static_assert(are_plain(incoming_events{}) && are_plain(outgoing_events{}));

template <class... Es>
constexpr bool are_requests(event_list<Es...>) {
    return (std::is_base_of_v<event::incoming, Es> && ...);
}
static_assert(are_requests(incoming_events{}));

BOOST_AUTO_TEST_SUITE(event)

BOOST_AUTO_TEST_CASE(the_format_of_a_wire_is_its_low_byte) {
    BOOST_TEST((format_of(wire_id::json) == wire_id::json));
    BOOST_TEST((format_of(wire_id::msgpack) == wire_id::msgpack));
    for (const auto w :
         {wire_id::peerjs, wire_id::signal_fire_2016, wire_id::socket_signal, wire_id::y_webrtc})
        BOOST_TEST((format_of(w) == wire_id::json && w != wire_id::json));
    constexpr wire_id cbor{0x0080}, cbor_of_mine{0x8080};
    BOOST_TEST((format_of(cbor_of_mine) == cbor));
}

BOOST_AUTO_TEST_CASE(an_event_says_nothing_until_it_is_told_to) {
    const sigfire::event::send e;
    BOOST_TEST((e.token.empty() && e.data.empty() && e.to.empty() && e.from.empty()));
    BOOST_TEST((e.fault == errc::ok && e.role == politeness::none && e.signal.kind == signal_kind::none));
    BOOST_TEST(!payload{"x"}.empty());
    BOOST_TEST(!request_token{"x"}.empty());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
