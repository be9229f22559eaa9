// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/channel.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace sigfire;

// Speaks `id|command` of messages, with a mark that its state chooses; has no word for welcomes, and none at
// all for publications. Its bound is generous.
struct toy_codec {
    struct state {
        char mark = '?';
    };
    static constexpr bool checks_utf8 = false;

    errc open(const request&, state&, admission&) { return errc::ok; }
    template <class Handler>
    errc decode(message, state&, Handler&&) {
        return errc::ok;
    }
    std::size_t bound(const event::welcome&, const state&) const { return 0; }
    std::size_t bound(const event::reply&, const state&) const { return 1; }
    std::size_t bound(const event::send& e, const state&) const {
        return e.command == "sing" || e.command == "hum" ? 0 : e.id.size() + e.command.size() + 100;
    }
    std::size_t encode(const event::welcome&, const state&, char*) const { return 0; }
    std::size_t encode(const event::reply&, const state&, char* p) const {
        *p = 'r';
        return 1;
    }
    std::size_t encode(const event::send& e, const state& s, char* p) const {
        const std::string text = s.mark + std::string(e.id) + '|' + std::string(e.command);
        std::memcpy(p, text.data(), text.size());
        return text.size();
    }
    template <class E>
    message_type type(const E&, const state& s) const {
        return s.mark == 'b' ? message_type::binary : message_type::text;
    }
    int share_key(const state& s) const { return s.mark == 'c' ? -1 : s.mark; }
    ending end(errc why, const state& s) const {
        return {400, static_cast<std::uint16_t>(s.mark == 'b' ? 4001 : 4000), to_string(why)};
    }
    errc objection(const event::send& e, const state&) const {
        return e.command == "sing" ? errc::rejected : errc::ok;
    }
};
static_assert(Codec<toy_codec>);

struct toy_connection {
    connection_state<toy_codec> its_state;
    std::vector<char> buffer;
    std::vector<std::string> sent;
    std::string marked, calls;
    std::size_t capacity = 1000;
    message_type type{};
    bool can_ping = true;

    char* reserve(message_type t, std::size_t n) {
        type = t;
        if (!room(n)) {
            marked = "slow";
            return nullptr;
        }
        buffer.assign(n, '#');
        return buffer.data();
    }
    void commit(std::size_t n) { sent.emplace_back(buffer.data(), n); }
    bool room(std::size_t n) { return marked.empty() && n <= capacity; }
    void accept(std::string_view) {}
    void refuse(ending) {}
    void hold() { calls += "hold "; }
    void release() { calls += "release "; }
    bool ping() {
        calls += "ping ";
        return can_ping;
    }
    void close(ending e, errc why) {
        calls += "close " + std::to_string(e.close_code) + " " + std::string(e.text) + "/" +
                 std::string(to_string(why));
    }
    connection_state<toy_codec>& state() { return its_state; }
};

using toy_channel = channel<toy_connection, toy_codec>;
static_assert(Channel<toy_channel>);
static_assert(sizeof(toy_channel) == 2 * sizeof(void*));

struct fixture {
    toy_codec codec;
    toy_connection connection;
    toy_channel out{connection, codec};
    event::send e;
    event::welcome welcome;
    event::publish publication;
    std::size_t bound = 77;

    fixture() {
        e.id = "7";
        e.command = "offer";
    }
};

BOOST_AUTO_TEST_SUITE(channels)

BOOST_FIXTURE_TEST_CASE(it_writes_as_the_state_of_its_connection_asks, fixture) {
    connection.its_state.codec.mark = 'b';
    BOOST_TEST((out.ready(e, bound) == errc::ok));
    BOOST_TEST(bound == 106u);
    BOOST_TEST(connection.sent.empty());
    out.deliver(e, bound); // with what it was told
    connection.its_state.codec.mark = 't';
    out.deliver(e);
    BOOST_TEST((connection.sent == std::vector<std::string>{"b7|offer", "t7|offer"}));
    BOOST_TEST((connection.type == message_type::text));
}

BOOST_FIXTURE_TEST_CASE(a_wire_without_a_word_for_it_says_so_and_sends_nothing, fixture) {
    connection.marked = "closing";
    BOOST_TEST((out.ready(welcome, bound) == errc::unknown_command));
    out.deliver(welcome);
    BOOST_TEST((out.ready(publication, bound) == errc::unknown_command));
    BOOST_TEST((any_channel{out}.ready(publication, bound) == errc::unknown_command));
    out.deliver(publication);
    fanout shared;
    out.deliver(publication, shared);
    any_channel{out}.deliver(publication, shared);
    any_channel{out}.deliver(publication);
    BOOST_TEST(shared.size() == 0u);
    BOOST_TEST(out.has_room(publication));
    BOOST_TEST(connection.sent.empty());
    BOOST_TEST(connection.marked == "closing");
}

BOOST_FIXTURE_TEST_CASE(a_codec_may_say_why_it_has_no_word, fixture) {
    e.command = "sing";
    BOOST_TEST((out.ready(e, bound) == errc::rejected));
    BOOST_TEST((any_channel{out}.ready(e, bound) == errc::rejected));
    e.command = "hum"; // or leave it to the channel
    BOOST_TEST((out.ready(e, bound) == errc::unknown_command));
}

BOOST_FIXTURE_TEST_CASE(a_full_one_is_marked_by_the_question, fixture) {
    connection.capacity = 10;
    connection.its_state.codec.mark = 'b';
    BOOST_TEST((out.ready(e, bound) == errc::full));
    BOOST_TEST(connection.marked == "slow");
    BOOST_TEST((connection.type == message_type::binary));
    BOOST_TEST(connection.sent.empty());
}

BOOST_FIXTURE_TEST_CASE(a_delivery_that_does_not_fit_is_dropped_with_its_connection, fixture) {
    connection.capacity = 10;
    out.deliver(e);
    BOOST_TEST(connection.marked == "slow");
    BOOST_TEST(connection.sent.empty());
}

BOOST_FIXTURE_TEST_CASE(asking_for_room_changes_nothing, fixture) {
    connection.capacity = 105;
    BOOST_TEST(!out.has_room(e));
    BOOST_TEST(!any_channel{out}.has_room(e));
    BOOST_TEST(connection.marked == "");
    connection.marked = "closing"; // no word for it: always room
    BOOST_TEST(out.has_room(welcome));
    BOOST_TEST(any_channel{out}.has_room(welcome));
    BOOST_TEST((out.ready(welcome, bound) == errc::unknown_command));
    BOOST_TEST((any_channel{out}.ready(welcome, bound) == errc::unknown_command));
    BOOST_TEST(connection.marked == "closing");
    connection.marked = "";
    e.id = {};
    connection.capacity = 105;
    BOOST_TEST(out.has_room(e));
    BOOST_TEST(any_channel{out}.has_room(e));
    BOOST_TEST((out.ready(e, bound) == errc::ok));
    connection.marked = "closing";
    BOOST_TEST(!out.has_room(e));
    BOOST_TEST(connection.marked == "closing");
    BOOST_TEST(connection.sent.empty());
}

BOOST_FIXTURE_TEST_CASE(a_shared_delivery_says_the_same, fixture) {
    toy_connection other;
    fanout shared;
    for (auto* c : {&connection, &other}) c->its_state.codec.mark = 'b';
    out.deliver(e, shared);
    any_channel{toy_channel{other, codec}}.deliver(e, shared);
    out.deliver(e);
    BOOST_TEST((connection.sent == std::vector<std::string>{"b7|offer", "b7|offer"}));
    BOOST_TEST((other.sent == std::vector<std::string>{"b7|offer"}));
    BOOST_TEST((other.type == message_type::binary));
    BOOST_TEST(shared.size() == 1u);
    fanout second;
    out.deliver(welcome, second);
    BOOST_TEST(connection.sent.size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(the_rest_is_passed_on, fixture) {
    BOOST_TEST(out.ping());
    connection.can_ping = false;
    BOOST_TEST(!out.ping());
    out.hold();
    out.release();
    connection.its_state.codec.mark = 'b';
    out.close(errc::denied);
    BOOST_TEST(connection.calls == "ping ping hold release close 4001 Denied/Denied");
}

BOOST_FIXTURE_TEST_CASE(any_channel_does_the_same, fixture) {
    const any_channel any{out};
    BOOST_TEST((any.ready(e, bound) == errc::ok));
    any.deliver(e);
    any.deliver(e, bound);
    any.deliver(event::reply{});
    BOOST_TEST((connection.sent == std::vector<std::string>{"?7|offer", "?7|offer", "r"}));
    BOOST_TEST(any.ping());
    any.hold();
    any.release();
    any.close(errc::denied);
    BOOST_TEST(connection.calls == "ping hold release close 4000 Denied/Denied");
    connection.capacity = 10;
    BOOST_TEST((any.ready(e, bound) == errc::full));
    BOOST_TEST(connection.marked == "slow");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
