// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/detail/stored_event.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using detail::stored_event;
using detail::stored_token;

// The text of a message after its originals are gone.
struct original {
    std::string token = "r1", command = "offer", from = "ann", to = "bob", topic = "t",
                data = R"({"offer":"sdp"})", call = "c7", whole;
    event::send e;

    original() {
        e.token.bytes = token;
        e.command = command;
        e.from = from;
        e.to = to;
        e.topic = topic;
        e.data.bytes = data;
        e.signal.body = std::string_view{data}.substr(9, 5);
        e.signal.call = call;
    }
    void destroy() {
        for (auto* s : {&token, &command, &from, &to, &topic, &data, &call, &whole})
            std::fill(s->begin(), s->end(), '#');
    }
};

bool lies_in(std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

// Stores an event made of views of texts that are gone then.
template <class E, class Fill>
stored_event<E> store(Fill fill) {
    std::deque<std::string> texts;
    E e;
    fill(e, [&](std::string_view text) { return std::string_view{texts.emplace_back(text)}; });
    stored_event<E> kept{e};
    for (auto& t : texts) std::fill(t.begin(), t.end(), '#');
    return kept;
}

template <class... Es, class F>
void each_type(event_list<Es...>, F f) {
    (f(Es{}), ...);
}

BOOST_AUTO_TEST_SUITE(stored_events)

BOOST_AUTO_TEST_CASE(it_owns_all_that_it_shows) {
    original o;
    o.e.token.wire = wire_id::peerjs;
    o.e.fault = errc::missing_offer;
    o.e.role = politeness::polite;
    o.e.echo = o.e.ephemeral = true;
    o.e.signal.kind = signal_kind::offer;
    o.e.data.wire = wire_id::msgpack;
    const stored_event kept{o.e};
    o.destroy();
    const auto& e = kept.get();
    BOOST_TEST(e.token.bytes == "r1");
    BOOST_TEST(e.command == "offer");
    BOOST_TEST(e.from == "ann");
    BOOST_TEST(e.to == "bob");
    BOOST_TEST(e.topic == "t");
    BOOST_TEST(e.data.bytes == R"({"offer":"sdp"})");
    BOOST_TEST(e.signal.body == R"("sdp")");
    BOOST_TEST(lies_in(e.signal.body, e.data.bytes));
    BOOST_TEST(e.signal.call == "c7");
    BOOST_TEST((e.token.wire == wire_id::peerjs && e.data.wire == wire_id::msgpack));
    BOOST_TEST((e.fault == errc::missing_offer && e.role == politeness::polite && e.echo && e.ephemeral));
    BOOST_TEST((e.signal.kind == signal_kind::offer));
    BOOST_TEST(e.whole.view().empty());
    BOOST_TEST(kept.size() == 2u + 5 + 3 + 3 + 1 + 15 + 2);
    BOOST_TEST(stored_event<event::send>::size_of(kept.get()) == kept.size());
}

BOOST_AUTO_TEST_CASE(parts_of_the_whole_message_are_kept_once_and_stay_there) {
    original o;
    o.whole = R"({"id":"r2","cmd":"ice","target":"eve","data":{"candidate":1}})";
    const auto part = [&](std::string_view text) {
        return std::string_view{o.whole}.substr(o.whole.find(text), text.size());
    };
    o.e.whole = {o.whole, message_type::binary};
    o.e.token.bytes = part(R"("r2")");
    o.e.command = part("ice");
    o.e.to = part("eve");
    o.e.data.bytes = part(R"({"candidate":1})");
    o.e.signal.body = part("1}").substr(0, 1);
    o.e.signal.call = {};
    o.e.topic = {};
    const stored_event kept{o.e};
    const auto size = o.whole.size();
    const std::string text = o.whole;
    o.destroy();
    const auto& e = kept.get();
    BOOST_TEST(e.whole.view() == text);
    BOOST_TEST((e.whole.type == message_type::binary));
    for (const auto v : {e.token.bytes, e.command, e.to, e.data.bytes, e.signal.body})
        BOOST_TEST(lies_in(v, e.whole.view()));
    BOOST_TEST(e.token.bytes == R"("r2")");
    BOOST_TEST(e.command == "ice");
    BOOST_TEST(e.to == "eve");
    BOOST_TEST(e.data.bytes == R"({"candidate":1})");
    BOOST_TEST(e.signal.body == "1");
    BOOST_TEST(e.from == "ann"); // from elsewhere
    BOOST_TEST(e.topic == "");
    BOOST_TEST(kept.size() == size + 3);
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_no_part_of_the_payload_is_kept_for_itself) {
    std::string elsewhere = "sdp";
    original o;
    o.e.signal.body = elsewhere;
    const stored_event kept{o.e};
    o.e.data.bytes = {};
    const stored_event bare{o.e};
    elsewhere = "###";
    BOOST_TEST(kept.get().signal.body == "sdp");
    BOOST_TEST(bare.get().signal.body == "sdp");
    o.e.signal.body = {};
    BOOST_TEST(stored_event{o.e}.get().signal.body.empty());
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_as_nothing) {
    const stored_event kept{event::send{}};
    BOOST_TEST(kept.size() == 0u);
    BOOST_TEST((kept.get().id.empty() && kept.get().data.bytes.empty() && kept.get().whole.view().empty()));
}

BOOST_AUTO_TEST_CASE(it_can_be_moved_changed_and_stored_again) {
    original o;
    std::deque<stored_event<event::send>> line;
    line.emplace_back(o.e);
    o.destroy();
    auto taken = std::move(line.front());
    line.pop_front();
    taken.get().to = "somebody else";
    const stored_event again{taken.get()};
    taken = stored_event{event::send{}};
    BOOST_TEST(again.get().to == "somebody else");
    BOOST_TEST(again.get().token.bytes == "r1");
    BOOST_TEST(again.get().signal.body == R"("sdp")");
    BOOST_TEST(taken.size() == 0u);
}

// Members that no other event has.
BOOST_AUTO_TEST_CASE(all_texts_of_all_events_are_kept) {
    const auto join = store<event::join>([](auto& e, auto text) {
        e.topic = text("t");
        e.as = text("me");
        e.metadata.bytes = text(R"({"a":1})");
        e.limit = 7;
    });
    BOOST_TEST((join.get().topic == "t" && join.get().as == "me" && join.get().limit == 7u));
    BOOST_TEST(join.get().metadata.bytes == R"({"a":1})");
    const auto set = store<event::set>([](auto& e, auto text) {
        e.key = text("k");
        e.value = {text("v"), wire_id::msgpack};
        e.ttl = 5;
    });
    BOOST_TEST((set.get().key == "k" && set.get().value.bytes == "v" && set.get().ttl == 5u));
    const auto watch = store<event::watch>([](auto& e, auto text) { e.peer = text("ann"); });
    BOOST_TEST(watch.get().peer == "ann");
    const auto info = store<event::info>([](auto& e, auto text) { e.id = text("ann"); });
    BOOST_TEST(info.get().id == "ann");
    const auto resume = store<event::resume>([](auto& e, auto text) { e.proof = text("secret"); });
    BOOST_TEST(resume.get().proof == "secret");
    const auto reply = store<event::reply>([](auto& e, auto text) {
        e.token.bytes = text("r1");
        e.text = text("No more");
        e.data.bytes = text("[1]");
        e.number = 9;
    });
    BOOST_TEST(
        (reply.get().token.bytes == "r1" && reply.get().text == "No more" && reply.get().number == 9u));
    BOOST_TEST(reply.get().data.bytes == "[1]");
    const auto over = store<event::session_ended>([](auto& e, auto text) {
        e.id = text("m1");
        e.from = text("ann");
        e.cause = errc::expired;
    });
    BOOST_TEST((over.get().id == "m1" && over.get().from == "ann" && over.get().cause == errc::expired));
}

BOOST_AUTO_TEST_CASE(lists_are_kept_with_the_texts_of_their_items) {
    std::vector<event::member> shown;
    auto list = store<event::member_list>([&](auto& e, auto text) {
        e.token.bytes = text("r1");
        shown = {{text("ann"), {text(R"({"a":1})")}, false}, {text("bob"), {}, true}};
        e.members = shown;
        e.count = 5;
    });
    shown.assign(2, {"gone", {"gone"}, false});
    auto moved = std::move(list); // the list goes with it
    const auto& e = moved.get();
    BOOST_TEST(e.token.bytes == "r1");
    BOOST_TEST(e.count == 5u);
    BOOST_TEST_REQUIRE(e.members.size() == 2u);
    BOOST_TEST((e.members[0].id == "ann" && e.members[0].metadata.bytes == R"({"a":1})"));
    BOOST_TEST((e.members[1].id == "bob" && e.members[1].away));
    BOOST_TEST(moved.size() == 2u + 3 + 7 + 3);

    std::vector<event::member_change> members;
    std::vector<event::entry_change> entries;
    const auto news = store<event::presence>([&](auto& p, auto text) {
        p.id = text("m1");
        p.topic = text("t");
        p.more = true;
        members = {{text("ann"), event::presence_status::left, {}, errc::lost}};
        entries = {{text("k"), {text("7")}, text("bob")}};
        p.members = members;
        p.entries = entries;
    });
    members.clear();
    entries.clear();
    const auto& p = news.get();
    BOOST_TEST((p.id == "m1" && p.topic == "t" && p.more && !p.snapshot));
    BOOST_TEST_REQUIRE((p.members.size() == 1u && p.entries.size() == 1u));
    BOOST_TEST((p.members[0].id == "ann" && p.members[0].cause == errc::lost));
    BOOST_TEST((p.entries[0].key == "k" && p.entries[0].value.bytes == "7" && p.entries[0].owner == "bob"));
}

BOOST_AUTO_TEST_CASE(any_event_of_a_peer_or_for_one_can_be_stored) {
    static_assert(detail::is_one_of<event::ack, incoming_events> &&
                  !detail::is_one_of<event::welcome, incoming_events>);
    static_assert(!std::is_constructible_v<detail::stored_incoming, event::welcome>);
    each_type(incoming_events{}, [](auto e) {
        using type = decltype(e);
        std::string name = "a name too long to be kept in the string itself";
        e.command = name;
        detail::stored_incoming first{e};
        std::fill(name.begin(), name.end(), '#');
        auto any = std::move(first);
        BOOST_TEST(any.size() == 47u);
        int calls = 0;
        any.visit([&](auto& stored) {
            ++calls;
            if constexpr (std::is_same_v<std::remove_cvref_t<decltype(stored)>, type>)
                BOOST_TEST(stored.command == "a name too long to be kept in the string itself");
            else
                BOOST_TEST(false, "another type");
        });
        BOOST_TEST(calls == 1);
    });
    each_type(outgoing_events{}, [](auto e) {
        using type = decltype(e);
        bool same = false;
        detail::stored_outgoing{e}.visit(
            [&](auto& stored) { same = std::is_same_v<std::remove_cvref_t<decltype(stored)>, type>; });
        BOOST_TEST(same);
    });
}

BOOST_AUTO_TEST_CASE(a_token_outlives_its_message) {
    std::string text = "a token that is too long for a small string";
    const stored_token kept{request_token{text, wire_id::msgpack}};
    std::fill(text.begin(), text.end(), '#');
    const request_token t = kept;
    BOOST_TEST(t.bytes == "a token that is too long for a small string");
    BOOST_TEST((t.wire == wire_id::msgpack));
    BOOST_TEST(
        (!kept.empty() && stored_token{}.empty() && static_cast<request_token>(stored_token{}).empty()));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
