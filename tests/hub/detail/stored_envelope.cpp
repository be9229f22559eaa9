// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/hub/detail/stored_envelope.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <string>
#include <utility>

namespace {

using namespace sigfire;
using detail::stored_envelope;

// The text of an envelope whose originals are gone.
struct original {
    std::string id = "r1", command = "offer", from = "ann", to = "bob", topic = "t",
                data = R"({"offer":"sdp"})", whole;
    envelope e;

    original() { view(); }
    void view() {
        e.id = id;
        e.command = command;
        e.from = from;
        e.to = to;
        e.topic = topic;
        e.data.bytes = data;
        e.data.signal = std::string_view{data}.substr(9, 5);
    }
    void destroy() {
        for (auto* s : {&id, &command, &from, &to, &topic, &data, &whole})
            std::fill(s->begin(), s->end(), '#');
    }
};

bool lies_in(std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

BOOST_AUTO_TEST_SUITE(stored_envelopes)

BOOST_AUTO_TEST_CASE(it_owns_what_it_shows) {
    original o;
    o.e.what = verb::send;
    o.e.status = errc::missing_offer;
    o.e.number = 7;
    o.e.role = politeness::polite;
    o.e.echo = o.e.droppable = o.e.data.has_offer = true;
    o.e.data.kind = signal_kind::offer;
    o.e.data.format = payload_format::binary;
    const stored_envelope kept{o.e};
    o.destroy();
    const auto& e = kept.get();
    BOOST_TEST(e.id == "r1");
    BOOST_TEST(e.command == "offer");
    BOOST_TEST(e.from == "ann");
    BOOST_TEST(e.to == "bob");
    BOOST_TEST(e.topic == "t");
    BOOST_TEST(e.data.bytes == R"({"offer":"sdp"})");
    BOOST_TEST(e.data.signal == R"("sdp")");
    BOOST_TEST(lies_in(e.data.signal, e.data.bytes));
    BOOST_TEST((e.what == verb::send && e.status == errc::missing_offer && e.number == 7));
    BOOST_TEST((e.role == politeness::polite && e.echo && e.droppable && e.data.has_offer));
    BOOST_TEST((e.data.kind == signal_kind::offer && e.data.format == payload_format::binary));
    BOOST_TEST(e.whole.view().empty());
    BOOST_TEST(kept.size() == 2u + 5 + 3 + 3 + 1 + 15);
}

BOOST_AUTO_TEST_CASE(what_lies_in_the_whole_message_is_kept_once_and_stays_there) {
    original o;
    o.whole = R"({"id":"r2","cmd":"ice","target":"eve","data":{"candidate":1}})";
    const auto part = [&](std::string_view text) {
        return std::string_view{o.whole}.substr(o.whole.find(text), text.size());
    };
    o.e.whole = {o.whole, message_type::binary};
    o.e.id = part(R"("r2")");
    o.e.command = part("ice");
    o.e.to = part("eve");
    o.e.data.bytes = part(R"({"candidate":1})");
    o.e.data.signal = part("1}").substr(0, 1);
    o.e.topic = {};
    const stored_envelope kept{o.e};
    const auto size = o.whole.size();
    const std::string text = o.whole;
    o.destroy();
    const auto& e = kept.get();
    BOOST_TEST(e.whole.view() == text);
    BOOST_TEST((e.whole.type == message_type::binary));
    for (const auto v : {e.id, e.command, e.to, e.data.bytes, e.data.signal})
        BOOST_TEST(lies_in(v, e.whole.view()));
    BOOST_TEST(e.id == R"("r2")");
    BOOST_TEST(e.command == "ice");
    BOOST_TEST(e.to == "eve");
    BOOST_TEST(e.data.bytes == R"({"candidate":1})");
    BOOST_TEST(e.data.signal == "1");
    BOOST_TEST(e.from == "ann"); // from elsewhere
    BOOST_TEST(e.topic == "");
    BOOST_TEST(kept.size() == size + 3);
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_no_part_of_the_payload_is_let_go) {
    original o;
    const std::string elsewhere = "sdp";
    o.e.data.signal = elsewhere;
    BOOST_TEST(stored_envelope{o.e}.get().data.signal.empty());
    o.e.data.bytes = {};
    BOOST_TEST(stored_envelope{o.e}.get().data.signal.empty());
    o.e.data.signal = {};
    BOOST_TEST(stored_envelope{o.e}.get().data.signal.empty());
}

BOOST_AUTO_TEST_CASE(nothing_is_kept_as_nothing) {
    const stored_envelope kept{envelope{}};
    BOOST_TEST(kept.size() == 0u);
    BOOST_TEST((kept.get().id.empty() && kept.get().data.bytes.empty() && kept.get().whole.view().empty()));
}

BOOST_AUTO_TEST_CASE(it_can_be_moved_changed_and_stored_again) {
    original o;
    std::deque<stored_envelope> line;
    line.emplace_back(o.e);
    o.destroy();
    auto taken = std::move(line.front());
    line.pop_front();
    taken.get().to = "somebody else";
    const stored_envelope again{taken.get()};
    taken = stored_envelope{envelope{}};
    BOOST_TEST(again.get().to == "somebody else");
    BOOST_TEST(again.get().id == "r1");
    BOOST_TEST(again.get().data.signal == R"("sdp")");
    BOOST_TEST(taken.size() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
