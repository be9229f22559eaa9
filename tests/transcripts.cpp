// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Conversations recorded from servers with wires that sigfire speaks, replayed without a socket through codec
// and hub. Where sigfire means to differ, `amend` says so.
#include "support/recording.hpp"

#include <sigfire/codec/json.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace {

namespace js = boost::json;
using transcripts::field, transcripts::fields_of, transcripts::from_base64, transcripts::names,
    transcripts::transcript;
using namespace sigfire;
using namespace std::chrono_literals;

// Something the server did on a connection.
struct output {
    std::string kind, text; // open: the sub-protocol; text: the message; close: the reason
    int code = 0;           // open: HTTP status; close: close code
};

// Lets the n-th demand for room on any connection fail; 0 = none.
struct fault {
    enum kind { no_room, cut } how = no_room;
    unsigned at = 0, count = 0;

    bool strikes() { return ++count == at; }
};

struct memory_connection {
    connection_state<codec::json> its_state;
    std::deque<output> out;
    std::vector<char> buffer;
    fault* faults = nullptr;
    errc ending_for = errc::ok; // marked: why it ends
    bool open = false, pinged = false, held = false;

    bool usable() const { return open && ending_for == errc::ok; }

    // One answer for `room` and `reserve`, as the law has it.
    char* reserve(message_type type, std::size_t n) {
        BOOST_TEST((type == message_type::text));
        if (!usable()) return nullptr;
        if (faults != nullptr && faults->strikes()) {
            ending_for = faults->how == fault::no_room ? errc::slow_consumer : errc::lost;
            return nullptr;
        }
        buffer.assign(n, '#');
        return buffer.data();
    }
    void commit(std::size_t n) {
        BOOST_TEST_REQUIRE(n <= buffer.size());
        out.push_back({"text", std::string(buffer.data(), n), 0});
    }
    bool room(std::size_t) {
        if (!usable()) return false;
        if (faults != nullptr && faults->strikes()) {
            ending_for = faults->how == fault::no_room ? errc::slow_consumer : errc::lost;
            return false;
        }
        return true;
    }
    void accept(std::string_view subprotocol) {
        open = true;
        out.push_back({"open", std::string(subprotocol), 101});
    }
    void refuse(ending e) { out.push_back({"open", std::string(e.text), static_cast<int>(e.http_status)}); }
    void hold() { held = true; }
    void release() { held = false; }
    bool ping() { return pinged = usable(); }
    void close(ending e, errc why) {
        if (!usable()) return;
        out.push_back({"close", std::string(e.text), e.close_code});
        ending_for = why;
    }
    connection_state<codec::json>& state() { return its_state; }
};

// What the recorded server was told to do beyond relaying.
struct mode_hook {
    const std::string* mode;

    errc on_admit(const request& r, admission& a) {
        if (mode->starts_with("customid")) a.id = r.query("id");
        a.permanent = *mode == "customid-keep";
        if (*mode != "preauth") return errc::ok;
        const auto token = r.query("token");
        if (token.empty()) a.refused_as = refusal{401, 4401, "Missing token"};
        // a fault inside is nobody's business
        if (token == "boom") a.refused_as = refusal{500, 4500, "Internal Server Error"};
        return a.refused_as ? errc::denied : errc::ok;
    }

    template <class E>
    errc on_message(message_context& context, E& e) {
        if (*mode != "hooks") return errc::ok;
        if (e.command == "exists") return context.reply(R"({"exists":true})"), errc::ok;
        if constexpr (requires { e.whole; }) return fail(context, e.whole.view());
        return errc::ok;
    }

    // A part that is not relayed stands in the message only.
    errc fail(message_context& context, std::string_view message) {
        const auto said = js::parse(message);
        const auto& text = said.at("data").at("message").as_string();
        return context.fail(text == "forbidden" ? "Forbidden" : "Internal Server Error");
    }
};

// A listener and its transport, as small as they get.
class server {
public:
    using way = channel<memory_connection, codec::json>;

    fault faults;
    std::string mode;
    std::map<std::string, memory_connection> connections;
    hub<local_registry, direct_router, way, no_log, hooks<mode_hook>, features<records<>>> h{
        {}, {}, {}, {}, hooks{mode_hook{&mode}}};

    server() { h.tick(time_point{1h}); }

    void open(const std::string& name, const request& rq) {
        auto& c = connections[name];
        c.faults = &faults;
        admission wish;
        BOOST_TEST_REQUIRE((codec_.open(rq, c.its_state.codec, wish) == errc::ok));
        std::size_t first = 0;
        if (h.admit(rq, wish, first) != errc::ok) return c.refuse(wish.refused_as.value());
        c.accept(wish.subprotocol);
        const auto who = h.opened({c, codec_}, wish);
        if (who)
            c.its_state.who = *who;
        else
            way{c, codec_}.close(static_cast<errc>(who.error().value()));
        end_turn();
    }

    void open(const std::string& name) {
        const header fields[] = {{"Sec-WebSocket-Protocol", "Signal-Fire@3"}};
        open(name, {"GET", "/?id=" + name, fields, {}});
    }

    void receive(const std::string& name, std::string text, message_type type = message_type::text) {
        auto& c = connections[name];
        if (!c.usable() || c.held) return;
        const errc why =
            codec_.decode({text, type}, c.its_state.codec, [&](auto& e) { h.received(c.its_state.who, e); });
        if (why != errc::ok) h.close(c.its_state.who, why);
        end_turn();
    }

    // The client closes, or answers a close.
    void receive_close(const std::string& name, int code, const std::string& reason) {
        auto& c = connections[name];
        if (!c.open) return;
        if (c.usable()) c.out.push_back({"close", reason, code});
        if (c.ending_for == errc::ok) c.ending_for = errc::closed;
        end(c);
        end_turn();
    }

    void end_all() {
        for (auto& [name, c] : connections)
            if (c.open) end(c);
    }

private:
    // Marked connections without a close handshake are reported, pings are answered by living clients.
    void end_turn() {
        for (auto& [name, c] : connections) {
            if (c.open && (c.ending_for == errc::slow_consumer || c.ending_for == errc::lost)) end(c);
            if (std::exchange(c.pinged, false) && c.usable()) h.alive(c.its_state.who);
        }
    }

    void end(memory_connection& c) {
        c.open = false;
        h.closed(c.its_state.who, c.ending_for);
    }

    codec::json codec_;
};

std::string str(const js::value& v) {
    return std::string(v.as_string());
}

js::object message_of(const js::object& line) {
    return js::parse(str(line.at("data"))).as_object();
}

// What sigfire does differently, on purpose.
void amend(transcript& t) {
    const auto expect = [&](std::string_view text) {
        t.lines.push_back({{"dir", "s2c"}, {"conn", "A"}, {"kind", "text"}, {"data", text}});
    };
    // Commands nobody knows are answered, if they can be.
    if (t.name == "err-unknown-command" || t.name == "err-no-command")
        expect(R"({"id":"req-1","ok":false,"data":{"message":"Unknown Command"}})");

    for (std::size_t i = 0; i < t.lines.size(); ++i) {
        auto& line = t.lines[i];
        if (field(line, "dir") != "s2c") continue;
        if (field(line, "kind") == "text") {
            auto m = message_of(line);
            const auto command = m.contains("cmd") ? str(m.at("cmd")) : "";
            // The reason reaches the other side.
            if (command == "session-reject" || command == "session-cancel")
                for (std::size_t k = 0; k < i; ++k)
                    if (field(t.lines[k], "dir") == "c2s" && field(t.lines[k], "kind") == "text" &&
                        message_of(t.lines[k]).at("cmd").as_string() == command)
                        m["data"] = message_of(t.lines[k]).at("data");
            // The published client looks for answers in `offer`.
            if (command == "answer") {
                auto& data = m.at("data").as_object();
                data["offer"] = js::value(data.at("answer"));
            }
            line["data"] = js::serialize(m);
        }
        // A sub-protocol that is known is preferred to the first one.
        if (t.name == "connect-other-subprotocols" && field(line, "kind") == "open")
            line.at("http").at("headers").at("sec-websocket-protocol") = "Signal-Fire@3";
    }

    // The holder of an id that was claimed in vain stays reachable.
    if (t.name == "duplicate-id")
        for (std::size_t i = 0; i < t.lines.size(); ++i)
            if (field(t.lines[i], "kind") == "text" && message_of(t.lines[i]).contains("ok")) {
                t.lines[i]["data"] = R"({"id":"req-1","ok":true})";
                t.lines.insert(
                    t.lines.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                    {{"dir", "s2c"},
                     {"conn", "A"},
                     {"kind", "text"},
                     {"data", R"({"id":"{{srvMsg3}}","cmd":"session-start","origin":"{{idC}}"})"}});
                break;
            }
}

transcript load(const std::string& name) {
    auto t = transcripts::load("signal-fire-2021", name);
    amend(t);
    return t;
}

void replace_all(std::string& s, std::string_view what, std::string_view by) {
    for (auto i = s.find(what); i != s.npos; i = s.find(what, i + by.size())) s.replace(i, what.size(), by);
}

// The id in a welcome that came through, or empty.
std::string welcomed_as(const memory_connection& c) {
    for (const auto& o : c.out)
        if (o.kind == "text" && js::parse(o.text).as_object().contains("cmd"))
            return str(js::parse(o.text).at("data").at("id"));
    return {};
}

// Plays a transcript's client side to a server and, if asked, compares what the server does.
class player {
public:
    player(server& s, const transcript& t) : s_(s), t_(t) { s_.mode = field(t.meta, "mode"); }

    void step(const js::object& line, bool compare) {
        const auto name = field(line, "conn"), kind = field(line, "kind"), data = field(line, "data");
        if (field(line, "dir") == "s2c") {
            if (compare && kind != "fin") expect(name, kind, line);
        } else if (kind == "open") {
            const auto& http = line.at("http");
            std::deque<std::string> texts;
            const auto fields = fields_of(http, texts);
            const auto target = fill(str(http.at("target")));
            s_.open(name, {"GET", target, fields, "127.0.0.1"});
        } else if (kind == "text") {
            s_.receive(name, fill(data));
        } else if (kind == "binary") {
            auto bytes = from_base64(data);
            for (const auto& [placeholder, value] : bound_) replace_all(bytes, recorded(placeholder), value);
            s_.receive(name, bytes, message_type::binary);
        } else if (kind == "close") {
            s_.receive_close(name, static_cast<int>(line.at("code").as_int64()), field(line, "reason"));
        }
    }

    // Takes note of ids without comparing, so that clients can go on naming each other.
    void listen() {
        for (auto& [name, c] : s_.connections)
            if (const auto id = welcomed_as(c); !id.empty()) bound_["{{id" + name + "}}"] = id;
    }

    void nothing_else_was_said() {
        for (auto& [name, c] : s_.connections)
            for (const auto& o : c.out)
                BOOST_ERROR(name << " was sent what nobody expected: " << o.kind << " " << o.text);
    }

private:
    std::string recorded(const std::string& placeholder) const {
        return str(t_.meta.at("placeholders").at(placeholder));
    }

    // Placeholders nobody has named yet are what the client itself chose.
    std::string fill(std::string text) {
        for (const auto& p : t_.meta.at("placeholders").as_object()) {
            const std::string placeholder{p.key()};
            if (text.find(placeholder) == text.npos) continue;
            replace_all(text, placeholder, bound_.emplace(placeholder, recorded(placeholder)).first->second);
        }
        return text;
    }

    void expect(const std::string& name, const std::string& kind, const js::object& line) {
        auto& out = s_.connections[name].out;
        BOOST_TEST_REQUIRE(!out.empty(), name << " was sent nothing, expected " << js::serialize(line));
        const auto got = std::move(out.front());
        out.pop_front();
        BOOST_TEST(got.kind == kind);
        if (kind == "open") {
            const auto& http = line.at("http");
            BOOST_TEST(got.code == http.at("status").as_int64());
            const auto chosen = http.at("headers").as_object().if_contains("sec-websocket-protocol");
            const auto body = http.as_object().if_contains("body");
            BOOST_TEST(got.text == (chosen != nullptr ? str(*chosen) : body != nullptr ? str(*body) : ""));
        } else if (kind == "close") {
            BOOST_TEST(got.code == line.at("code").as_int64());
            BOOST_TEST(got.text == field(line, "reason"));
        } else {
            BOOST_TEST(matches(js::parse(field(line, "data")), js::parse(got.text)),
                       name << " was sent " << got.text << ", expected " << field(line, "data"));
        }
    }

    // Equal, members in the same order; a placeholder equals what it was first seen as.
    bool matches(const js::value& expected, const js::value& got) {
        if (expected.kind() != got.kind()) return false;
        if (expected.is_string() && expected.as_string().starts_with("{{"))
            return is_bound(str(expected), str(got));
        if (const auto o = expected.if_object())
            return std::equal(o->begin(), o->end(), got.as_object().begin(), got.as_object().end(),
                              [this](const auto& a, const auto& b) {
                                  return a.key() == b.key() && matches(a.value(), b.value());
                              });
        if (const auto a = expected.if_array())
            return std::equal(a->begin(), a->end(), got.as_array().begin(), got.as_array().end(),
                              [this](const auto& x, const auto& y) { return matches(x, y); });
        return expected == got;
    }

    bool is_bound(const std::string& placeholder, const std::string& value) {
        const auto known = bound_.find(placeholder);
        if (known != bound_.end()) return known->second == value;
        for (const auto& [other, its_value] : bound_) {
            if (its_value == value) return false;
            if (recorded_or_empty(other) == value) return false;
        }
        bound_[placeholder] = value;
        return value.size() == 21;
    }

    std::string recorded_or_empty(const std::string& placeholder) const {
        const auto v = t_.meta.at("placeholders").as_object().if_contains(placeholder);
        return v != nullptr ? str(*v) : "";
    }

    server& s_;
    const transcript& t_;
    std::map<std::string, std::string> bound_;
};

BOOST_AUTO_TEST_SUITE(transcripts)

// Not here are recordings of what a client says to a mock server, of a frame with a length that is refused
// before it is a message, and of the published server's inability to answer anything.
BOOST_AUTO_TEST_CASE(they_are_all_here) {
    BOOST_TEST(names("signal-fire-2021").size() == 32u);
}

BOOST_DATA_TEST_CASE(signal_fire_2021, boost::unit_test::data::make(names("signal-fire-2021")), name) {
    const auto t = load(name);
    server s;
    player p{s, t};
    for (const auto& line : t.lines) p.step(line, true);
    p.nothing_else_was_said();
    s.end_all();
    BOOST_TEST(s.h.size() == 0u);
}

// Replies that were sent to a connection, by token.
std::map<std::string, int> replies(const memory_connection& c) {
    std::map<std::string, int> n;
    for (const auto& o : c.out)
        if (o.kind == "text" && js::parse(o.text).as_object().contains("ok"))
            ++n[js::serialize(js::parse(o.text).at("id"))];
    return n;
}

// One run of the happy path in which something breaks; true if it did. Two bystanders see nothing of it.
bool survives(const transcript& t, fault f, std::size_t cut_before_line) {
    server s;
    player p{s, t};
    s.open("x");
    s.open("y");
    const auto x = welcomed_as(s.connections["x"]), y = welcomed_as(s.connections["y"]);
    s.faults = f;
    std::map<std::string, std::set<std::string>> asked;
    for (std::size_t i = 0; i < t.lines.size(); ++i) {
        const auto name = field(t.lines[i], "conn");
        if (i == cut_before_line) {
            auto& c = s.connections[name];
            c.ending_for = errc::lost;
            s.receive_close(name, 1006, "");
        }
        if (field(t.lines[i], "dir") == "c2s" && field(t.lines[i], "kind") == "text" &&
            s.connections[name].usable())
            asked[name].insert(js::serialize(message_of(t.lines[i]).at("id")));
        p.step(t.lines[i], false);
        p.listen();
    }
    const bool struck = s.faults.at == 0 || s.faults.count >= s.faults.at;
    s.faults = {};
    for (auto& [name, c] : s.connections) {
        if (c.ending_for != errc::ok) {
            BOOST_TEST(!s.h.find(welcomed_as(c)));
            continue;
        }
        const auto answered = replies(c);
        BOOST_TEST(answered.size() == asked[name].size());
        for (const auto& token : asked[name])
            BOOST_TEST((answered.contains(token) && answered.at(token) == 1));
    }
    BOOST_TEST(s.connections["x"].usable());
    BOOST_TEST(s.connections["y"].usable());
    s.receive("x", R"({"cmd":"session-start","target":")" + y + R"(","id":1})");
    BOOST_TEST(s.connections["x"].out.back().text == R"({"id":1,"ok":true})");
    BOOST_TEST(str(js::parse(s.connections["y"].out.back().text).at("origin")) == x);
    s.end_all();
    BOOST_TEST(s.h.size() == 0u);
    return struck;
}

BOOST_AUTO_TEST_CASE(the_happy_path_fails_at_every_step_without_harm) {
    const auto t = load("session-start-accept-offer-answer-ice");
    for (const auto how : {fault::no_room, fault::cut}) {
        unsigned n = 1;
        for (;; ++n) {
            BOOST_TEST_CONTEXT("demand for room " << n) {
                if (!survives(t, {how, n}, t.lines.size())) break;
            }
        }
        // Two welcomes, a reply each, and for each delivery the question and the writing.
        BOOST_TEST(n > 20u);
    }
    for (std::size_t i = 0; i < t.lines.size(); ++i) {
        BOOST_TEST_CONTEXT("cut before line " << i) {
            survives(t, {}, i);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
