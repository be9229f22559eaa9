// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Exceptions of the host program's code in a whole server, and in a client: its codec, posted functions and
// handlers. Those of hooks, policies, routers, logs, functions and features stand in hub/detail/hub_core.cpp.
#include "support/memory_loop.hpp"
#include "support/print_errc.hpp"

#include <sigfire/client.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using strings = std::vector<std::string>;

// Which member throws, at which of its calls, and how often each was called.
struct plan {
    std::string place{};
    unsigned call = 0;
    std::map<std::string, unsigned, std::less<>> calls{};

    void at(std::string_view where) {
        if (++calls[std::string{where}] == call && where == place) throw std::runtime_error{"no"};
    }
};

// A codec that throws as planned.
struct fragile : codec::json {
    plan* p;
    explicit fragile(plan& its) : p{&its} {}

    errc open(const request& r, state& st, admission& a) { return p->at("open"), json::open(r, st, a); }
    template <class Handler>
    errc decode(message m, state& st, Handler&& handler) {
        p->at("decode");
        const auto e = json::decode(m, st, handler);
        return p->at("decode, behind its event"), e;
    }
    template <class E>
        requires detail::has_word<codec::json, E>
    std::size_t bound(const E& e, const state& st) const {
        return p->at("bound"), json::bound(e, st);
    }
    template <class E>
        requires detail::has_word<codec::json, E>
    std::size_t encode(const E& e, const state& st, char* out) const {
        return p->at("encode"), json::encode(e, st, out);
    }
    template <class E>
        requires detail::has_word<codec::json, E>
    message_type type(const E& e, const state& st) const {
        return p->at("type"), json::type(e, st);
    }
    int share_key(const state& st) const { return p->at("share_key"), json::share_key(st); }
    ending end(errc why, const state& st) const { return p->at("end"), json::end(why, st); }
    bool http(const request& r, response& out, const auto&) const {
        p->at("http");
        if (r.path() != "/page") return false;
        out.body = "page";
        return true;
    }
};

struct peer : memory::basic_peer<framing::websocket<framing::role::client>> {
    using basic_peer::basic_peer;
    bool upgraded = false;
    strings heard{};

    void listen() {
        if (!upgraded && at->to_peer.find("\r\n\r\n") == std::string::npos) return;
        if (!upgraded) upgraded = read_header().starts_with("HTTP/1.1 101 ");
        for (auto& e : events()) heard.push_back(std::move(e));
    }
    bool is_open() const {
        return upgraded && !at->server_shut && (heard.empty() || !heard.back().starts_with("close:"));
    }
};

struct world {
    plan p{};
    boost::asio::io_context io{};
    unsigned escaped = 0;
    std::map<std::string, peer> peers{};
    strings failures{};
    std::map<std::string, std::vector<unsigned>> asked{};
    unsigned last = 0;

    struct log {
        world* w;
        void operator()(log_level level, std::string_view event, std::span<const log_field> fields) const {
            if (level == log_level::error)
                w->failures.push_back(std::string{event} + " " + std::string{fields[0].value});
        }
    };
    server<memory::websocket, fragile, topics, requests, log> srv{memory::websocket{io}, fragile{p}, topics{},
                                                                  requests{}, log{this}};

    void run() {
        auto& n = boost::asio::use_service<memory::net>(io);
        unsigned before = 0;
        do {
            before = escaped;
            n.wake();
            if (io.stopped()) io.restart();
            try {
                io.poll();
            } catch (const std::runtime_error&) {
                ++escaped;
            }
        } while (before != escaped || !n.events().empty());
        for (auto& [name, who] : peers) who.listen();
    }
    void connect(const std::string& name) {
        asked[name].clear();
        auto& who = peers.insert_or_assign(name, peer{io}).first->second;
        who.write(memory::upgrade_request("Sec-WebSocket-Protocol: sigfire.v1.json\r\n"));
        run();
    }
    std::string id_of(const std::string& name) {
        const std::string_view begin = R"("data":{"id":")";
        const auto& all = peers.at(name).heard;
        const auto at = all.empty() ? std::string::npos : all.front().find(begin);
        return at == std::string::npos ? "nobody" : all.front().substr(at + begin.size(), 21);
    }
    void say(const std::string& name, const std::string& rest) {
        auto& who = peers.at(name);
        if (!who.is_open()) return;
        asked[name].push_back(++last);
        who.say(R"({"id":)" + std::to_string(last) + "," + rest + "}");
        run();
    }
    std::ptrdiff_t replies(const std::string& name, unsigned id) {
        const auto begin = R"(text:{"id":)" + std::to_string(id) + R"(,"ok":)";
        const auto& all = peers.at(name).heard;
        return std::count_if(all.begin(), all.end(), [&](const auto& m) { return m.starts_with(begin); });
    }
    std::string page() {
        peer visitor{io};
        visitor.write("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
        run();
        return visitor.read();
    }

    void tell_story() {
        for (const auto* name : {"ann", "bob", "cyd"}) connect(name);
        for (const auto* name : {"ann", "bob", "cyd"}) say(name, R"("cmd":"join","topic":"t")");
        say("ann", R"("cmd":"offer","target":")" + id_of("bob") + R"(","data":{"offer":1})");
        say("bob", R"("cmd":"publish","topic":"t","data":1)");
        say("cyd", R"("cmd":"lookup","topic":"t")");
        srv.post(
            [](auto& hub) { hub.for_each([&](std::string_view id, peer_handle) { hub.send(id, "news"); }); });
        run();
        page();
        if (peers.at("cyd").is_open()) peers.at("cyd").say("no JSON");
        run();
    }
    void check(std::string_view place) {
        for (const auto& [name, ids] : asked)
            for (const auto id : ids) {
                BOOST_TEST(replies(name, id) <= 1);
                if (peers.at(name).is_open()) BOOST_TEST(replies(name, id) == 1, name << " asked " << id);
            }
        // No other connection pays for it; of a message to many, those pay that did not get it.
        std::size_t gone = 0;
        for (const auto* name : {"ann", "bob"}) gone += peers.contains(name) && !peers.at(name).is_open();
        BOOST_TEST(gone <= 1u, place);
        connect("new");
        connect("newer");
        say("new", R"("cmd":"bye","target":")" + id_of("newer") + "\"");
        BOOST_TEST(replies("new", last) == 1);
        BOOST_TEST(peers.at("newer").heard.back().find(R"("cmd":"bye")") != std::string::npos);
        BOOST_TEST(page().ends_with("\r\n\r\npage"));
        for (auto& [name, who] : peers) who.reset();
        run();
        srv.post([](auto& hub) {
            BOOST_TEST(hub.size() == 0u);
            BOOST_TEST(hub.template get<topics>().table().size() == 0u);
        });
        run();
    }
};

BOOST_AUTO_TEST_SUITE(throwing)

BOOST_AUTO_TEST_CASE(a_codec_that_throws_costs_the_connection_in_hand) {
    std::map<std::string, unsigned, std::less<>> all;
    {
        world w;
        w.tell_story();
        all = w.p.calls;
        w.check("nowhere");
    }
    BOOST_TEST(all.size() == 9u);
    for (const auto& [place, calls] : all)
        for (unsigned call = 1; call <= calls; ++call) BOOST_TEST_CONTEXT(place << " number " << call) {
                world w;
                w.p.place = place;
                w.p.call = call;
                w.tell_story();
                w.p.call = 0;
                w.check(place);
                BOOST_TEST(w.escaped <= 1u); // out of the posted function
                BOOST_TEST(w.failures.size() + w.escaped >= 1u);
            }
}

BOOST_AUTO_TEST_CASE(an_exception_of_a_posted_function_comes_out_of_the_io_context) {
    world w;
    w.connect("ann");
    w.srv.post([](auto& hub) {
        hub.for_each([&](std::string_view id, peer_handle) { hub.send(id, "before"); });
        throw std::runtime_error{"no"};
    });
    w.run();
    BOOST_TEST(w.escaped == 1u);
    BOOST_TEST(w.peers.at("ann").heard.back().find("before") != std::string::npos);
    w.check("posted");
}

// --- handlers of a client ---

using handler = std::function<void()>;
struct operation {
    const char* name;
    void (*start)(client&, session&, handler);
};
auto then(handler f) {
    return [f = std::move(f)](auto&&...) { f(); };
}
const operation operations[] = {
    {"send", [](client& c, session&, handler f) { c.send("nobody", "bye", then(f)); }},
    {"join", [](client& c, session&, handler f) { c.join("t", then(f)); }},
    {"publish", [](client& c, session&, handler f) { c.publish("t", "1", then(f)); }},
    {"lookup", [](client& c, session&, handler f) { c.lookup("t", 10, then(f)); }},
    {"request", [](client& c, session&, handler f) { c.request("nobody", "1", then(f)); }},
    {"receive", [](client& c, session&, handler f) { c.receive(then(f)); }},
    {"watch", [](client& c, session&, handler f) { c.watch("t", then(f)); }},
    {"a session", [](client& c, session& s, handler f) {
         s = c.start("nobody");
         s.accepted(then(f));
     }}};

// A client of a server, both in memory.
struct pair {
    boost::asio::io_context io{};
    loopback net{io};
    server<loopback, topics, requests> srv{net, topics{}, requests{}};
    std::optional<client> c{std::in_place, io};
    session s{};
    unsigned thrown = 0, good = 0;

    void run() {
        for (bool again = true; again;) {
            if (io.stopped()) io.restart();
            try {
                io.poll();
                again = false;
            } catch (const std::runtime_error&) {
                ++thrown;
            }
        }
    }
    auto counts() {
        return [this](error_code ec, auto&&...) { good += ec ? 0u : 1u; };
    }
    void say_to_all(std::string_view command) {
        srv.post([command](auto& hub) {
            hub.for_each([&](std::string_view id, peer_handle) { hub.send(id, command); });
        });
        run();
    }
};

BOOST_AUTO_TEST_CASE(an_exception_of_a_handler_comes_out_of_the_io_context_and_the_client_works_on) {
    const handler breaks = [] { throw std::runtime_error{"no"}; };
    for (const auto& o : operations) BOOST_TEST_CONTEXT(o.name) {
            pair p;
            p.c->connect(p.net, [&](error_code ec, const welcome&) {
                p.good += ec ? 0u : 1u;
                breaks();
            });
            p.run();
            BOOST_TEST(p.thrown == 1u);
            o.start(*p.c, p.s, breaks);
            p.c->join("u", p.counts());
            p.say_to_all("news");
            BOOST_TEST(p.thrown == 2u);
            p.c->receive(p.counts());
            p.say_to_all("more");
            BOOST_TEST(p.good == 3u);
            p.c->close(then(breaks));
            p.run();
            BOOST_TEST(p.thrown == 3u);
            p.srv.post([](auto& hub) { BOOST_TEST(hub.size() == 0u); });
            p.run();
        }
}

// What a handler may do, and whether a client goes on.
struct deed {
    const char* name;
    void (*run)(pair&);
    bool lives = true;
};
const deed deeds[] = {
    {"asks for more",
     [](pair& p) {
         for (const auto& o : operations)
             if (o.name != std::string_view{"a session"}) o.start(*p.c, p.s, [] {});
     }},
    {"closes the client", [](pair& p) { p.c->close([](error_code) {}); }, false},
    {"connects again", [](pair& p) { p.c->connect(p.net, [](error_code, const welcome&) {}); }},
    {"destroys the client", [](pair& p) { p.c.reset(); }, false},
    {"puts another one in its place", [](pair& p) { p.c.emplace(p.io); }, false},
    {"ends the session", [](pair& p) { p.s = {}; }},
    {"stops the server", [](pair& p) { p.srv.stop(std::chrono::milliseconds{0}); }, false},
};

BOOST_AUTO_TEST_CASE(a_handler_may_do_anything_with_its_client) {
    for (const auto& o : operations)
        for (const auto& d : deeds) BOOST_TEST_CONTEXT(o.name << " " << d.name) {
                pair p;
                unsigned ended = 0;
                std::string silent; // a peer that never answers
                client other{p.io};
                other.connect(p.net, [&](error_code, const welcome& w) { silent = w.id; });
                p.c->connect(p.net, p.counts());
                p.run();
                p.c->join("before", [&](error_code, const std::string&) { ++ended; });
                o.start(*p.c, p.s, [&] {
                    ++ended;
                    d.run(p);
                });
                p.c->request(silent, "1", [&](error_code, const std::string&) { ++ended; });
                p.say_to_all("news");
                BOOST_TEST(ended == (d.lives ? 2u : 3u)); // each operation ends once
                BOOST_TEST(p.good == 1u);
                if (d.lives) {
                    p.c->join("behind", p.counts());
                    p.run();
                    BOOST_TEST(p.good == 2u);
                }
            }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
