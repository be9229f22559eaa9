// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// A server that once gets no memory, at any place: that costs no more than the connections in hand.
#include "allocations.hpp"
#include "calm_memory.hpp"

#include "support/hub_bench.hpp"

#include <sigfire/admission/bearer.hpp>
#include <sigfire/codec/any_of.hpp>
#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using hub_world::token_in;
using strings = std::vector<std::string>;

struct peer : memory::basic_peer<framing::websocket<framing::role::client>> {
    peer(boost::asio::io_context& io, bool msgpack) : basic_peer{io}, packed{msgpack} {}
    bool packed;
    bool upgraded = false;
    bool ended = false; // the server has said goodbye
};

// Lets some messages pass in the next turn.
struct late {
    errc on_message(message_context& context, event::send& e) {
        if (e.command != "session-cancel") return errc::ok;
        context.defer().pass();
        return errc::deferred;
    }
};

auto both_formats() {
    return any_of{when{binary{}, by_subprotocol{std::string{codec::binary_subprotocol}}},
                  when{codec::transcoded{json{}}}};
}

using server_type = server<calm_memory::websocket, decltype(both_formats()), hooks<requested_id, late>,
                           topics, presence, requests, sessions, records<>, resume, mailbox<>>;

// A server with all features, and peers by name of both formats. What they say and hear is JSON here.
struct world {
    world() {
        io.emplace();
        net = &boost::asio::use_service<memory::net>(*io);
        srv = std::make_unique<server_type>(calm_memory::websocket{*io, {.limits = {.outbox = 1u << 20}}},
                                            both_formats(), hooks{requested_id{}, late{}}, topics{},
                                            presence{{.delay = 0ms}}, requests{}, sessions{}, records<>{},
                                            resume{{.window = 10s}}, mailbox<>{direct_router{}, 5s});
        srv->post([](auto& hub) {
            try {
                hub.attach("echo", [](call& c) { c.reply(std::string{c.data.bytes}); });
            } catch (const std::bad_alloc&) {}
        });
        run();
    }

    std::optional<boost::asio::io_context> io;
    memory::net* net;
    std::unique_ptr<server_type> srv;
    unsigned escaped = 0; // exceptions out of the io_context
    std::map<std::string, peer> peers;
    std::map<std::string, strings> heard;
    std::map<std::string, std::set<unsigned>> asked;
    unsigned last = 0;

    void run() {
        escaped += calm_memory::run(*io);
        for (auto& [name, p] : peers) listen(name, p);
    }
    void advance(std::chrono::milliseconds time, std::chrono::milliseconds step = 250ms) {
        escaped += calm_memory::advance(*io, time, step);
        run();
    }

    void listen(const std::string& name, peer& p) {
        if (!p.upgraded) {
            if (p.at->to_peer.find("\r\n\r\n") == std::string::npos) return;
            p.upgraded = p.read_header().starts_with("HTTP/1.1 101 ");
            if (!p.upgraded) return;
        }
        for (auto& e : p.events()) {
            const auto colon = e.find(':');
            const auto kind = e.substr(0, colon), rest = e.substr(colon + 1);
            p.ended = p.ended || kind == "close";
            if (kind == "binary")
                heard[name].push_back(codec::json_from_msgpack(rest).value());
            else
                heard[name].push_back(kind == "text" ? rest : e);
        }
    }

    void connect(const std::string& name, const std::string& target, bool msgpack) {
        auto& p = peers.insert_or_assign(name, peer{*io, msgpack}).first->second;
        asked[name].clear();
        heard[name].clear();
        const std::string_view format = msgpack ? "msgpack" : "json";
        p.write(memory::upgrade_request("Sec-WebSocket-Protocol: sigfire.v1." + std::string{format} + "\r\n",
                                        target));
        run();
    }
    bool is_open(const std::string& name) {
        const auto at = peers.find(name);
        return at != peers.end() && at->second.upgraded && !at->second.ended &&
               !at->second.at->server_closed && !at->second.at->server_shut;
    }
    std::string packed(const peer& p, const std::string& text) {
        return p.packed ? codec::msgpack_from_json(text).value() : text;
    }
    void say(const std::string& name, const std::string& rest) {
        if (!is_open(name)) return;
        auto& p = peers.at(name);
        asked[name].insert(++last);
        const auto text = packed(p, R"({"id":)" + std::to_string(last) + "," + rest + "}");
        const auto frame = p.sealed(text, p.packed ? message_type::binary : message_type::text);
        const auto half = last % 4 == 0 ? frame.size() / 2 : 0; // the first half has to be kept
        if (half != 0) {
            p.write(frame.substr(0, half));
            run();
        }
        p.write(frame.substr(half));
        run();
    }
    std::string last_heard(const std::string& name, std::string_view part) {
        const auto& all = heard[name];
        for (auto i = all.rbegin(); i != all.rend(); ++i)
            if (i->find(part) != i->npos) return *i;
        return {};
    }
    std::string number_in(const std::string& text) {
        const std::string_view begin = R"("request":)";
        const auto at = text.find(begin);
        return at == text.npos
                   ? "0"
                   : text.substr(at + begin.size(), text.find_first_of(",}", at) - at - begin.size());
    }

    static std::string in_topic(const std::string& command) {
        return R"("cmd":")" + command + R"(","topic":"robots that drive about in the garden")";
    }

    void tell_story() {
        connect("ann", "/?id=ann-with-an-id-of-more-than-23-bytes&resume", false);
        connect("bob", "/?id=bob-with-an-id-of-more-than-23-bytes", true);
        const std::string ann = R"("target":"ann-with-an-id-of-more-than-23-bytes")",
                          bob = R"("target":"bob-with-an-id-of-more-than-23-bytes")";
        const auto token = token_in(last_heard("ann", R"("welcome")"));
        say("ann", R"("cmd":"offer",)" + bob + R"(,"data":{"offer":{"sdp":"v=0"}})");
        for (const auto* name : {"ann", "bob"}) {
            say(name, in_topic("watch"));
            say(name, in_topic("join") + R"(,"data":{"metadata":{"n":"a text of more than fifteen bytes"}})");
        }
        say("ann", in_topic("set") + R"(,"data":{"key":"a key of more than 15 bytes","value":[1,2,3]})");
        say("bob", in_topic("publish") + R"(,"data":{"x":0.5})");
        say("bob", in_topic("lookup"));
        say("ann", R"("cmd":"update","data":{"metadata":{"name":"a text of more than fifteen bytes"}})");
        say("bob", R"("cmd":"info",)" + ann);
        say("bob", R"("cmd":"info","target":"nobody with an id of more than 15 bytes")");
        say("bob", R"("cmd":"update","data":{"metadata":{"name":"a text of more than fifteen bytes"}})");
        say("bob", R"("cmd":"delete")");
        say("bob", R"("cmd":"request",)" + ann + R"(,"data":{"question":"how far is it, all in all?"})");
        say("ann", R"("cmd":"respond","request":)" + number_in(last_heard("ann", R"("cmd":"request")")) +
                       R"(,"data":{"answer":"three hundred metres"})");
        say("bob", R"("cmd":"watch",)" + ann);
        say("ann", R"("cmd":"request",)" + bob + R"(,"data":{"question":"how far is it?"})");
        say("bob", R"("cmd":"respond","request":)" + number_in(last_heard("bob", R"("cmd":"request")")) +
                       R"(,"data":{"answer":"two hundred metres"})");
        say("bob", R"("cmd":"session-start",)" + ann);
        say("ann", R"("cmd":"session-accept",)" + bob);
        if (is_open("ann")) {
            peers.at("ann").reset();
            run();
        }
        say("bob", R"("cmd":"ice",)" + ann +
                       R"(,"data":{"candidate":{"candidate":"a text of more than fifteen bytes"}})");
        say("bob", R"("cmd":"bye","target":"carol-with-an-id-of-more-than-23-bytes")");
        if (!token.empty()) connect("ann", "/?received=1&resume=" + token, true);
        connect("carol", "/?id=carol-with-an-id-of-more-than-23-bytes", false);
        say("carol", R"("cmd":"session-cancel",)" + ann);
        say("carol", R"("cmd":"request","target":"echo","data":"a text of more than fifteen bytes")");
        say("ann", in_topic("leave"));
        say("carol", R"("cmd":"offer","target":"nobody","data":{"offer":1})");
        connect("stranger", "/", true);
        connect("rival", "/?id=carol-with-an-id-of-more-than-23-bytes", true);
        advance(3s, 1s); // carol answers no ping
        say("rival", R"("cmd":"offer",)" + bob + R"(,"data":{"offer":2})");
        peer page{*io, false};
        page.write("GET /healthz HTTP/1.1\r\nHost: example.org\r\n\r\n");
        run();
        page.reset();
        advance(12s, 3s); // requests that are still open expire
        if (is_open("bob")) {
            auto& p = peers.at("bob");
            p.write(p.sealed_control(control::close, 1000));
            run();
        }
    }

    // Each request of a peer that is still connected has exactly one reply.
    void check_replies() {
        for (const auto& [name, ids] : asked)
            for (const auto id : ids) {
                const auto begin = R"({"id":)" + std::to_string(id) + R"(,"ok":)";
                const auto n = std::count_if(heard[name].begin(), heard[name].end(),
                                             [&](const std::string& m) { return m.starts_with(begin); });
                BOOST_TEST(n <= 1);
                if (is_open(name)) BOOST_TEST(n == 1, name << " asked " << id);
            }
    }

    // Two new peers can talk, and then everybody goes, and nothing stays.
    void check_life() {
        connect("new", "/?id=new", false);
        connect("newer", "/?id=newer", true);
        BOOST_TEST_REQUIRE((is_open("new") && is_open("newer")));
        say("new", R"("cmd":"join","topic":"t")");
        say("new", R"("cmd":"offer","target":"newer","data":{"offer":1})");
        BOOST_TEST(last_heard("new", R"("ok":)") == R"({"id":)" + std::to_string(last) + R"(,"ok":true})");
        BOOST_TEST(last_heard("newer", R"("offer")") != "");
        check_hub();
        for (auto& [name, p] : peers) p.reset();
        advance(1min, 4s); // all windows end
        srv->post([](auto& hub) {
            hub.close("echo", errc::closed);
            BOOST_TEST(hub.size() == 0u);
            BOOST_TEST(hub.template get<topics>().table().size() == 0u);
        });
        run();
        bool done = false;
        srv->stop(0ms, [&] { done = true; });
        advance(1s);
        BOOST_TEST(done);
    }
    void check_hub() {
        srv->post([](auto& hub) {
            std::size_t n = 0;
            hub.for_each([&](std::string_view id, peer_handle who) {
                ++n;
                BOOST_TEST((hub.find(id) == who), id);
            });
            BOOST_TEST(n == hub.size());
        });
        run();
    }
};

// Tells the story with the allocation number `n` refused, `row` in a row; how many there were.
std::size_t tell(std::size_t n, std::size_t row = 1) {
    auto& book = allocations::the_book();
    book.made = 0;
    book.first = n;
    book.row = row;
    world w;
    w.tell_story();
    const auto made = book.made;
    book.first = 0;
    if (n == 0) BOOST_TEST(w.escaped == 0u);
    w.check_replies();
    w.check_life();
    BOOST_TEST(w.escaped == 0u);
    return made;
}

BOOST_AUTO_TEST_SUITE(out_of_memory)

BOOST_AUTO_TEST_CASE(a_refused_allocation_anywhere_costs_no_more_than_the_connections_in_hand) {
    tell(0);
    const auto all = tell(0);
    BOOST_TEST_MESSAGE(all << " allocations");
    BOOST_TEST(all > 300u);
    const auto refuse = [](std::size_t n, std::size_t row) {
        BOOST_TEST_CONTEXT("allocation " << n << " and as many as make " << row) {
            const auto live = allocations::the_book().live;
            tell(n, row);
            BOOST_TEST(allocations::the_book().live == live);
        }
    };
    for (std::size_t n = 1; n <= all; ++n) refuse(n, 1);
    for (std::size_t n = 1; n <= all; n += 8) refuse(n, 12);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
