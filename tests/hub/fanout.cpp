// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/fanout.hpp>

#include <sigfire/hub/channel.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace {

using namespace sigfire;

// Counts how often it encodes. Peers of an equal `kind` are talked to alike, those of kind -1 each on its
// own.
struct counting_codec {
    struct state {
        int kind = 0;
        std::string name = {};
    };
    static constexpr bool checks_utf8 = false;

    mutable int encoded = 0;

    errc open(const request&, state&, admission&) { return errc::ok; }
    template <class Handler>
    errc decode(message, state&, Handler&&) {
        return errc::ok;
    }
    // A bound that is not met, and none where there is no word for it.
    template <class E>
    std::size_t bound(const E&, const state& s) const {
        return s.kind == 9 ? 0 : 100;
    }
    template <class E>
    std::size_t encode(const E& e, const state& s, char* p) const {
        ++encoded;
        std::string text = " for " + (s.kind < 0 ? s.name : std::to_string(s.kind));
        if constexpr (requires { e.id; }) text.insert(0, e.id);
        std::memcpy(p, text.data(), text.size());
        return text.size();
    }
    template <class E>
    message_type type(const E&, const state& s) const {
        return s.kind == 2 ? message_type::binary : message_type::text;
    }
    int share_key(const state& s) const { return s.kind; }
    ending end(errc, const state&) const { return {}; }
};
static_assert(Codec<counting_codec>);

struct line {
    connection_state<counting_codec> its_state;
    std::string buffer;
    std::vector<std::string> sent;
    std::size_t asked = 0; // bytes of the last reservation
    message_type type{};
    bool full = false, marked = false;

    char* reserve(message_type t, std::size_t n) {
        asked = n;
        type = t;
        if (full) {
            marked = true;
            return nullptr;
        }
        buffer.assign(n, '#');
        return buffer.data();
    }
    void commit(std::size_t n) { sent.push_back(buffer.substr(0, n)); }
    bool room(std::size_t) { return !full; }
    void accept(std::string_view) {}
    void refuse(ending) {}
    void hold() {}
    void release() {}
    bool ping() { return false; }
    void close(ending, errc) {}
    connection_state<counting_codec>& state() { return its_state; }
};

using way = channel<line, counting_codec>;

struct crowd {
    counting_codec codec, other;
    std::deque<line> lines;
    event::publish e;

    crowd() { e.id = "m1"; }
    line& add(int kind) {
        auto& l = lines.emplace_back();
        l.its_state.codec = {kind, "p" + std::to_string(lines.size())};
        return l;
    }
};

BOOST_AUTO_TEST_SUITE(fanout_)

BOOST_AUTO_TEST_CASE(a_text_is_kept_by_codec_and_key) {
    fanout f;
    int a = 0, b = 0;
    BOOST_TEST(f.size() == 0u);
    BOOST_TEST((f.find(&a, 0).data() == nullptr));
    const auto write = [](std::string_view text) {
        return [text](char* p) {
            std::memcpy(p, text.data(), text.size());
            return text.size();
        };
    };
    const auto first = f.add(&a, 0, 10, write("one"));
    BOOST_TEST(first == "one");
    for (int i = 1; i < 100; ++i) f.add(&a, i, 3, write("abc")); // an entry once found stays where it is
    f.add(&b, 0, 3, write("two"));
    BOOST_TEST((f.find(&a, 0).data() == first.data()));
    BOOST_TEST(f.find(&a, 0) == "one");
    BOOST_TEST(f.find(&a, 99) == "abc");
    BOOST_TEST(f.find(&b, 0) == "two");
    BOOST_TEST((f.find(&b, 1).data() == nullptr));
    BOOST_TEST(f.size() == 101u);
    // One that is empty is none that is not there.
    f.add(&b, 1, 1, [](char*) { return std::size_t{0}; });
    BOOST_TEST((f.find(&b, 1).data() != nullptr));
    BOOST_TEST(f.find(&b, 1).empty());
}

BOOST_AUTO_TEST_CASE(it_is_encoded_once_for_each_codec_and_kind_of_peer) {
    crowd c;
    for (int i = 0; i < 30; ++i) c.add(i % 3);
    fanout shared;
    for (auto& l : c.lines) way{l, c.codec}.deliver(c.e, shared);
    BOOST_TEST(c.codec.encoded == 3);
    BOOST_TEST(shared.size() == 3u);
    for (auto& l : c.lines) {
        const auto kind = l.its_state.codec.kind;
        BOOST_TEST((l.sent == std::vector<std::string>{"m1 for " + std::to_string(kind)}));
        BOOST_TEST((l.type == (kind == 2 ? message_type::binary : message_type::text)));
        BOOST_TEST(l.asked == 8u); // the size it has, not the size it might have had
    }
    // Another listener's codec has its own say.
    auto& there = c.add(0);
    way{there, c.other}.deliver(c.e, shared);
    BOOST_TEST(c.other.encoded == 1);
    BOOST_TEST(c.codec.encoded == 3);
    BOOST_TEST(there.sent.back() == "m1 for 0");
}

BOOST_AUTO_TEST_CASE(another_event_is_another_fanout) {
    crowd c;
    auto& l = c.add(1);
    for (const auto* id : {"a", "b"}) {
        fanout shared;
        c.e.id = id;
        way{l, c.codec}.deliver(c.e, shared);
    }
    BOOST_TEST((l.sent == std::vector<std::string>{"a for 1", "b for 1"}));
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_talked_to_alone_shares_nothing) {
    crowd c;
    for (int i = 0; i < 3; ++i) c.add(-1);
    fanout shared;
    for (auto& l : c.lines) way{l, c.codec}.deliver(c.e, shared);
    BOOST_TEST(c.codec.encoded == 3);
    BOOST_TEST(shared.size() == 0u);
    BOOST_TEST(c.lines[0].sent.back() == "m1 for p1");
    BOOST_TEST(c.lines[2].sent.back() == "m1 for p3");
}

BOOST_AUTO_TEST_CASE(a_wire_without_a_word_for_it_is_sent_nothing) {
    crowd c;
    auto &mute = c.add(9), &also = c.add(9), &other = c.add(1);
    fanout shared;
    for (auto* l : {&mute, &also, &other}) way{*l, c.codec}.deliver(c.e, shared);
    BOOST_TEST(c.codec.encoded == 1);
    BOOST_TEST((mute.sent.empty() && also.sent.empty()));
    BOOST_TEST((mute.asked == 0 && also.asked == 0));
    BOOST_TEST(other.sent.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_connection_without_room_is_marked_and_the_others_get_it) {
    crowd c;
    auto &first = c.add(1), &full = c.add(1), &last = c.add(1);
    full.full = true;
    fanout shared;
    for (auto* l : {&full, &first, &last}) way{*l, c.codec}.deliver(c.e, shared);
    BOOST_TEST(full.marked);
    BOOST_TEST((full.type == message_type::text));
    BOOST_TEST(full.sent.empty());
    BOOST_TEST((first.sent.size() == 1u && last.sent.size() == 1u));
    BOOST_TEST(c.codec.encoded == 1);
}

BOOST_AUTO_TEST_CASE(channels_of_any_type_share_too) {
    crowd c;
    for (int i = 0; i < 4; ++i) c.add(i % 2);
    fanout shared;
    for (auto& l : c.lines) any_channel{way{l, c.codec}}.deliver(c.e, shared);
    way{c.lines[0], c.codec}.deliver(c.e, shared);
    BOOST_TEST(c.codec.encoded == 2);
    BOOST_TEST((c.lines[0].sent == std::vector<std::string>{"m1 for 0", "m1 for 0"}));
    BOOST_TEST(c.lines[3].sent.back() == "m1 for 1");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
