// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/server.hpp>

#include <sigfire/admission/bearer.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/net/websocket.hpp>

#include "support/stream_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;
using memory_peer = memory::basic_peer<framing::websocket<framing::role::client>>;

// Parts that leave a trace.
strings trace;

struct traced_registry {
    bool insert(std::string_view id, peer_handle h) {
        trace.emplace_back("registry");
        return peers.emplace(id, h).second;
    }
    bool erase(std::string_view id) { return peers.erase(std::string{id}) == 1; }
    peer_handle find(std::string_view id) const {
        const auto i = peers.find(std::string{id});
        return i == peers.end() ? peer_handle{} : i->second;
    }
    std::size_t size() const { return peers.size(); }
    void for_each_peer(auto f) const {
        for (const auto& [id, h] : peers) f(std::string_view{id}, h);
    }
    std::map<std::string, peer_handle> peers;
};

struct traced_router {
    errc route(const auto&, peer_handle, const event::send&, auto) const {
        trace.emplace_back("router");
        return errc::denied;
    }
};

struct traced_log {
    void operator()(log_level, std::string_view event, std::span<const log_field>) const {
        trace.emplace_back(event);
    }
};

struct traced_policy {
    errc permit(const act&, const auto&) const {
        trace.emplace_back("policy");
        return errc::ok;
    }
};

struct traced_page {
    bool operator()(const request& r, response& out) const {
        out.body = "page";
        return r.path() == "/page";
    }
};

// One peer says something, another asks for a page.
void visit(boost::asio::io_context& io, memory_peer& p) {
    trace.clear();
    memory_peer browser{io};
    browser.write("GET /page HTTP/1.1\r\nHost: x\r\n\r\n");
    p.write(memory::upgrade_request() + p.sealed(R"({"cmd":"session-start","target":"x","id":"1"})"));
    memory::run(io);
    p.read_header();
    trace.push_back(browser.read().ends_with("\r\n\r\npage") ? "page" : "no page");
}

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(a_transport_is_enough) {
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io}};
    BOOST_TEST(srv.address() == "memory:");
    memory_peer p{io};
    visit(io, p);
    const auto got = p.events();
    BOOST_TEST_REQUIRE(got.size() == 2u);
    BOOST_TEST(got[0].find(R"("cmd":"welcome")") != got[0].npos);
    BOOST_TEST(got[1].find("Peer Not Found") != got[1].npos);
    BOOST_TEST(trace == strings{"no page"});
}

BOOST_AUTO_TEST_CASE(parts_in_any_order_are_all_used) {
    const strings all{"registry", "peer_opened", "policy", "router", "page"};
    {
        boost::asio::io_context io;
        sigfire::server srv{memory::websocket{io}, traced_registry{}, traced_router{},
                            traced_log{},          traced_page{},     hub_options{.claim_timeout = 1s},
                            traced_policy{}};
        memory_peer p{io};
        visit(io, p);
        BOOST_TEST(trace == all);
        BOOST_TEST(p.events().back().find("Denied") != std::string::npos);
    }
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io}, hub_options{}, traced_policy{}, traced_page{},
                        codec::json{},         traced_log{},  traced_router{}, traced_registry{}};
    memory_peer p{io};
    visit(io, p);
    BOOST_TEST(trace == all);
}

BOOST_AUTO_TEST_CASE(health_is_told_before_the_users_pages) {
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io, {.path = "/rtc"}}, traced_page{}};
    const struct {
        const char* request;
        const char* begin;
        const char* end;
    } rows[] = {
        {"GET /healthz", "HTTP/1.1 200 OK\r\n", "\r\n\r\nok\n"},
        {"HEAD /healthz?x", "HTTP/1.1 200 OK\r\n", "\r\nContent-Length: 3\r\nConnection: close\r\n\r\n"},
        {"POST /healthz", "HTTP/1.1 404 Not Found\r\n", "Not Found"},
        {"GET /page", "HTTP/1.1 200 OK\r\n", "\r\n\r\npage"},
        {"GET /rtc", "HTTP/1.1 426 Upgrade Required\r\n", "Upgrade Required"},
        {"GET /else", "HTTP/1.1 404 Not Found\r\n", "Not Found"},
    };
    for (const auto& row : rows) {
        memory_peer p{io};
        p.write(std::string{row.request} + " HTTP/1.1\r\nHost: x\r\n\r\n");
        memory::run(io);
        const auto r = p.read();
        BOOST_TEST_CONTEXT(row.request << "\n" << r) {
            BOOST_TEST(r.starts_with(row.begin));
            BOOST_TEST(r.ends_with(row.end));
        }
    }
}

BOOST_AUTO_TEST_CASE(readiness_is_that_of_the_hub_and_a_drained_server_refuses) {
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io}, traced_page{}};
    const auto answer = [&](const std::string& request) {
        memory_peer p{io};
        p.write(request + "\r\n\r\n");
        memory::run(io);
        return p.read();
    };
    const auto ready = [&] { return answer("GET /readyz HTTP/1.1\r\nHost: x"); };
    const auto act = [&](auto f) {
        srv.post(f);
        memory::run(io);
    };
    memory_peer peer{io};
    visit(io, peer);
    BOOST_TEST(ready().ends_with("\r\n\r\nready\n"));
    BOOST_TEST(ready().starts_with("HTTP/1.1 200 OK\r\n"));
    act([](auto& hub) { hub.set_ready(false); });
    BOOST_TEST(ready().starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    BOOST_TEST(ready().ends_with("\r\n\r\nnot ready\n"));
    BOOST_TEST(answer("HEAD /readyz HTTP/1.1\r\nHost: x").starts_with("HTTP/1.1 503 "));
    BOOST_TEST(answer("POST /readyz HTTP/1.1\r\nHost: x").starts_with("HTTP/1.1 404 "));
    act([](auto& hub) { hub.set_ready(true); });
    BOOST_TEST(ready().starts_with("HTTP/1.1 200 "));

    act([](auto& hub) { hub.drain(std::chrono::seconds{9}); });
    BOOST_TEST(ready().starts_with("HTTP/1.1 503 "));
    BOOST_TEST(answer("GET /healthz HTTP/1.1\r\nHost: x").starts_with("HTTP/1.1 200 "));
    const auto refused = answer("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==");
    BOOST_TEST(refused.starts_with("HTTP/1.1 503 "));
    BOOST_TEST(refused.find("\r\nRetry-After: 9\r\n") != refused.npos);
    BOOST_TEST(refused.ends_with("Server Stopping"));
}

BOOST_AUTO_TEST_CASE(a_busy_port_throws_and_names_the_address) {
    boost::asio::io_context io;
    sigfire::server first{sigfire::websocket{io}};
    const auto address = first.address();
    const auto port = static_cast<std::uint16_t>(std::stoul(address.substr(address.rfind(':') + 1)));
    BOOST_CHECK_EXCEPTION((sigfire::server{sigfire::websocket{io, {.port = port}}}),
                          boost::system::system_error, [&](const auto& e) {
                              return e.code() == boost::asio::error::address_in_use &&
                                     std::string_view{e.what()}.find("cannot listen on " + address) !=
                                         std::string_view::npos;
                          });
    error_code ec;
    sigfire::server second{ec, sigfire::websocket{io, {.port = port}}, traced_page{}};
    BOOST_TEST((ec == boost::asio::error::address_in_use));
    BOOST_TEST(second.address() == address);
    ec = boost::asio::error::eof;
    sigfire::server third{ec, sigfire::websocket{io}};
    BOOST_TEST(!ec);
    BOOST_TEST(third.address() != address);
}

BOOST_AUTO_TEST_CASE(the_host_program_acts_through_post_from_any_thread) {
    boost::asio::io_context io;
    sigfire::server srv{sigfire::websocket{io}};
    using peer = stream_test::peer<framing::websocket<framing::role::client>>;
    peer p{io, srv.address()};
    strings got;
    const auto all_came = [&](std::size_t n) {
        return stream_test::drive(io, &peer::pump, [&] {
            for (auto& m : p.take()) got.push_back(std::move(m));
            return got.size() >= n;
        });
    };
    BOOST_TEST(all_came(1)); // the welcome
    std::atomic<bool> wrong_thread = false;
    std::thread other{[&, io_thread = std::this_thread::get_id()] {
        for (int i = 0; i < 100; ++i)
            srv.post([&, i, io_thread](auto& hub) {
                if (std::this_thread::get_id() != io_thread) wrong_thread = true;
                hub.for_each(
                    [&](std::string_view id, peer_handle) { hub.send(id, "notice", std::to_string(i)); });
            });
    }};
    BOOST_TEST(all_came(101));
    other.join();
    BOOST_TEST(!wrong_thread);
    for (std::size_t i = 1; i < got.size(); ++i)
        BOOST_TEST(got[i].find(R"("data":)" + std::to_string(i - 1) + '}') != std::string::npos, got[i]);
    srv.post([](auto& hub) {
        BOOST_TEST(hub.size() == 1u);
        hub.for_each([&](std::string_view id, peer_handle) { hub.close(id, errc::denied); });
    });
    BOOST_TEST(stream_test::drive(io, &peer::pump, [&] { return p.ended(); }));
}

BOOST_AUTO_TEST_CASE(posted_functions_run_at_the_time_of_now) {
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io}};
    memory::run(io);
    const auto hub_time = [&] { // without a turn of the loop
        time_point out{};
        srv.post([&](auto& hub) { out = hub.context().now(); });
        io.restart();
        BOOST_TEST(io.poll_one() == 1u);
        return out;
    };
    const auto begin = hub_time();
    boost::asio::use_service<memory::net>(io).now += 900ms;
    BOOST_TEST((hub_time() == begin + 900ms));
}

BOOST_AUTO_TEST_CASE(a_function_posted_to_a_server_that_is_gone_is_dropped) {
    boost::asio::io_context io;
    {
        sigfire::server srv{memory::websocket{io}};
        srv.post([](auto&) { BOOST_ERROR("the hub is gone"); });
    }
    io.poll();
}

BOOST_AUTO_TEST_CASE(a_server_can_be_moved_under_its_peers) {
    boost::asio::io_context io;
    const auto make = [&] {
        sigfire::server made{memory::websocket{io}, traced_page{}};
        made.post([](auto& hub) { trace.push_back("posted to " + std::to_string(hub.size())); });
        return made;
    };
    auto srv = make();
    memory_peer p{io};
    p.write(memory::upgrade_request());
    memory::run(io);
    auto moved = std::move(srv);
    trace.clear();
    moved.post([](auto& hub) { trace.push_back("posted to " + std::to_string(hub.size())); });
    memory::run(io);
    BOOST_TEST(trace == strings{"posted to 1"});
    moved = make(); // the first one goes, with its peer
    memory::run(io);
    BOOST_TEST(p.at->server_closed);
    moved.post([](auto& hub) { trace.push_back("posted to " + std::to_string(hub.size())); });
    memory::run(io);
    BOOST_TEST(trace.back() == "posted to 0");
}

struct counts_peers {
    int* here;
    strings* causes;
    void on_open(peer_handle, const admission&) { ++*here; }
    void on_close(peer_handle, errc why) {
        --*here;
        causes->emplace_back(cause_name(why));
    }
};

BOOST_AUTO_TEST_CASE(hooks_learn_of_each_end_when_the_server_is_destroyed) {
    for (const std::string how : {"destroyed", "assigned over", "stopped first"}) BOOST_TEST_CONTEXT(how) {
            int here = 0;
            strings causes;
            boost::asio::io_context io, other;
            const auto make = [&](boost::asio::io_context& on) {
                return sigfire::server{memory::websocket{on}, hooks{counts_peers{&here, &causes}}, resume{}};
            };
            std::optional srv{make(io)};
            memory_peer p{io}, q{io};
            p.write(memory::upgrade_request());
            q.write(memory::upgrade_request("Sec-WebSocket-Protocol: sigfire.v1.json\r\n", "/?resume"));
            memory::run(io);
            q.reset(); // is away
            memory::run(io);
            BOOST_TEST(here == 2);
            if (how == "stopped first") srv->stop();
            if (how == "assigned over") *srv = make(other);
            if (how != "assigned over") srv.reset();
            BOOST_TEST(here == 0);
            BOOST_TEST(causes == (strings{"stopping", "stopping"}));
            memory::run(io);
            BOOST_TEST(p.at->server_closed);
        }
}

BOOST_AUTO_TEST_CASE(a_posted_function_may_destroy_the_server) {
    boost::asio::io_context io;
    auto srv = std::make_unique<sigfire::server<memory::websocket>>(memory::websocket{io});
    memory_peer p{io};
    p.write(memory::upgrade_request());
    memory::run(io);
    std::size_t peers = 0;
    srv->post([&](auto& hub) {
        srv.reset();
        hub.for_each(
            [&](std::string_view, peer_handle) { ++peers; }); // it lives until this function has ended
    });
    memory::run(io);
    BOOST_TEST(peers == 1);
    BOOST_TEST(p.at->server_closed);
}

BOOST_AUTO_TEST_CASE(stop_says_goodbye_and_leaves_the_io_context_without_work) {
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io}};
    memory_peer agrees{io}, does_not{io};
    for (auto* p : {&agrees, &does_not}) p->write(memory::upgrade_request());
    memory::run(io);
    int done = 0;
    srv.stop(3s, [&] { ++done; });
    memory::run(io);
    for (auto* p : {&agrees, &does_not}) {
        p->read_header();
        BOOST_TEST(p->events().back() == "close:1001:Server Stopping");
    }
    agrees.write(agrees.sealed_control(control::close, 1001));
    agrees.shut();
    memory::run(io);
    BOOST_TEST(agrees.at->server_closed);
    BOOST_TEST(done == 0);
    memory::advance(io, 3s, 100ms);
    BOOST_TEST(does_not.at->server_reset);
    BOOST_TEST(done == 1);
    BOOST_TEST(io.stopped());
    srv.stop(); // once more is no harm
    memory::run(io);
    BOOST_TEST(done == 1);
}

BOOST_AUTO_TEST_CASE(over_a_loopback) {
    boost::asio::io_context io;
    sigfire::loopback net{io};
    sigfire::server srv{net};
    auto end = net.connect();
    std::string got;
    end.on_message([&](message m) { got += m.view(); });
    io.poll();
    BOOST_TEST(got.find(R"("cmd":"welcome")") != got.npos);
    std::uint16_t code = 0;
    end.on_closed([&](const ending& e, errc) { code = e.close_code; });
    srv.stop();
    io.restart();
    io.poll();
    BOOST_TEST(code == 1001);
}

BOOST_AUTO_TEST_CASE(a_ready_policy_is_a_part) {
    boost::asio::io_context io;
    sigfire::loopback net{io};
    sigfire::server srv{net, private_rooms{}, topics{}, hooks{generated_id{[n = 0]() mutable {
                            return std::string(1, static_cast<char>('a' + n++));
                        }}}};
    auto ann = net.connect(), bob = net.connect();
    std::string last;
    ann.on_message([&](message m) { last = m.view(); });
    const auto ask = [&](auto& end, std::string_view text) {
        end.send(text);
        io.restart();
        io.poll();
    };
    io.poll();
    constexpr auto offer = R"({"cmd":"offer","target":"b","id":"1","data":{"offer":1}})";
    ask(ann, offer);
    BOOST_TEST(last.find("Peer Not Found") != last.npos, last);
    for (auto* end : {&ann, &bob}) ask(*end, R"({"cmd":"join","topic":"t","id":"2"})");
    ask(ann, offer);
    BOOST_TEST(last.find(R"("ok":true)") != last.npos, last);
}

BOOST_AUTO_TEST_CASE(an_http_handler_may_take_the_hub) {
    boost::asio::io_context io;
    sigfire::server srv{memory::websocket{io}, requests{}, [](const request&, response& out, auto& hub) {
                            out.body = "peers: " + std::to_string(hub.size());
                            return true;
                        }};
    srv.post([](auto& hub) { hub.attach("clock", [](call&) {}); });
    memory::run(io);
    memory_peer p{io};
    p.write("GET /peers HTTP/1.1\r\nHost: x\r\n\r\n");
    memory::run(io);
    const auto answer = p.read();
    BOOST_TEST(answer.ends_with("\r\n\r\npeers: 1"), answer);
}

// A page that throws costs its own request.
struct broken_page {
    bool standard;
    bool operator()(const request& r, response& out) const {
        out.body = "half of an answer";
        out.headers.emplace_back("X-Half", "1");
        if (r.path() == "/page") return true;
        if (standard) throw std::runtime_error{"no such page"};
        throw 42;
    }
};

struct error_log {
    void operator()(log_level level, std::string_view event, std::span<const log_field> fields) const {
        if (level == log_level::error)
            trace.push_back(std::string{event} + " " + std::string{fields[0].value});
    }
};

BOOST_AUTO_TEST_CASE(a_page_that_throws_is_an_error_of_the_server_and_nothing_more) {
    for (const bool standard : {true, false}) {
        boost::asio::io_context io;
        sigfire::server srv{memory::websocket{io}, broken_page{standard}, error_log{}};
        trace.clear();
        const auto get = [&](const std::string& path) {
            memory_peer p{io};
            p.write("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
            memory::run(io);
            return p.read();
        };
        const auto answer = get("/else");
        BOOST_TEST(answer.starts_with("HTTP/1.1 500 "), answer);
        BOOST_TEST(answer.ends_with("\r\n\r\nInternal Server Error"), answer);
        BOOST_TEST(answer.find("X-Half") == answer.npos, answer);
        BOOST_TEST(trace ==
                   strings{standard ? "callback_failed no such page" : "callback_failed unknown exception"});
        BOOST_TEST(get("/page").starts_with("HTTP/1.1 200 "));
        BOOST_TEST(get("/healthz").starts_with("HTTP/1.1 200 "));
    }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
