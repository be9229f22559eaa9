// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/http/upgrade.hpp>

#include "support/engine_world.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using world = memory::world<memory::websocket>;
using peer = memory::basic_peer<framing::websocket<framing::role::client>>;
using strings = std::vector<std::string>;

const strings nobody;

std::string status_line(const std::string& response) {
    return response.substr(0, response.find("\r\n"));
}

bool has_line(const std::string& response, const std::string& line) {
    return response.find("\r\n" + line + "\r\n") != response.npos;
}

// `text` with the first `from` replaced.
std::string with(std::string text, std::string_view from, std::string_view to) {
    const auto at = text.find(from);
    BOOST_TEST_REQUIRE(at != text.npos);
    return text.replace(at, from.size(), to);
}

// An answer that ends the connection: status line, and what every refusal has.
std::string refused(peer& p) {
    const auto r = p.read();
    BOOST_TEST(has_line(r, "Connection: close"));
    const auto end = r.find("\r\n\r\n");
    BOOST_TEST_REQUIRE(end != r.npos);
    BOOST_TEST(has_line(r, "Content-Length: " + std::to_string(r.size() - end - 4)));
    BOOST_TEST(p.at->server_shut);
    return status_line(r);
}

BOOST_AUTO_TEST_SUITE(upgrade)

BOOST_AUTO_TEST_CASE(a_good_request_is_let_in) {
    world w;
    peer p{w.io};
    p.write(
        memory::upgrade_request("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"));
    w.run();
    const auto answer = p.read();
    BOOST_TEST(status_line(answer) == "HTTP/1.1 101 Switching Protocols");
    BOOST_TEST(has_line(answer, "Upgrade: websocket"));
    BOOST_TEST(has_line(answer, "Connection: Upgrade"));
    // the pair of RFC 6455, 1.3
    BOOST_TEST(has_line(answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    BOOST_TEST(answer.find("Extensions") == answer.npos, "compression is declined");
    BOOST_TEST(answer.find("Protocol:") == answer.npos);
    BOOST_TEST(w.told() == strings{"1 open"});
}

BOOST_AUTO_TEST_CASE(the_sink_sees_the_request) {
    world w;
    w.on_opening = [&](auto& c, const request& r) {
        BOOST_TEST(r.method == "GET");
        BOOST_TEST(r.target == "/room?id=7");
        BOOST_TEST(r["host"] == "example.org");
        BOOST_TEST(r["x-note"] == "two words");
        BOOST_TEST(r.remote == "192.0.2.1");
        std::string offers;
        r.any_subprotocol([&](std::string_view s) { return offers.append(s).append("|"), false; });
        BOOST_TEST(offers == "chat|Signal-Fire@3|");
        w.accept(c, "Signal-Fire@3");
    };
    peer p{w.io};
    p.write(memory::upgrade_request("X-Note:  two words \r\nSec-WebSocket-Protocol: chat, Signal-Fire@3\r\n",
                                    "/room?id=7"));
    w.run();
    BOOST_TEST(has_line(p.read(), "Sec-WebSocket-Protocol: Signal-Fire@3"));
    BOOST_TEST(w.told() == strings{"1 open"});
}

BOOST_AUTO_TEST_CASE(right_or_wrong_requests) {
    const auto good = memory::upgrade_request();
    const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
    const struct {
        const char* what;
        std::string bytes;
        int status;
    } rows[] = {
        {"HTTP/1.0", with(good, "HTTP/1.1", "HTTP/1.0"), 400},
        {"wrong version", with(good, "Version: 13", "Version: 8"), 426},
        {"no version", with(good, "Sec-WebSocket-Version: 13\r\n", ""), 426},
        {"no key", with(good, "Sec-WebSocket-Key: " + key + "\r\n", ""), 400},
        {"short key", with(good, key, "c2hvcnQ="), 400},
        {"long key", with(good, key, "dGhlIHNhbXBsZSBub25jZSE9AAAA"), 400},
        {"short key of another length", with(good, key, "c2hvcnQ9PQ=="), 400},
        {"longer key", with(good, key, "dGhlIHNhbXBsZSBub25jZSEhIQ=="), 400},
        {"key that is no base64", with(good, key, "dGhlIHNhbXBsZSBub25jZ!=="), 400},
        {"no host", with(good, "Host: example.org\r\n", ""), 400},
        {"two hosts", with(good, "Host: example.org\r\n", "Host: example.org\r\nHost: example.com\r\n"), 400},
        {"empty host", with(good, "Host: example.org\r\n", "Host:\r\n"), 400},
        {"POST", with(good, "GET", "POST"), 400},
        {"no Connection: Upgrade", with(good, "Connection: Upgrade", "Connection: keep-alive"), 400},
        {"Connection among others", with(good, "Connection: Upgrade", "Connection: keep-alive, upgrade"),
         101},
        {"Connection in two lines", with(good, "Connection:", "Connection: keep-alive\r\nConnection:"), 101},
        {"absolute form", with(good, "GET /", "GET http://example.org/"), 101},
        {"absolute form without path", with(good, "GET /", "GET http://example.org"), 101},
        {"no path", with(good, "GET /", "GET ?x"), 400},
        {"asterisk", with(good, "GET /", "GET *"), 400},
        {"authority", with(good, "GET /", "GET example.org:80"), 400},
        {"folded header", with(good, "Host: example.org", "Host: example\r\n .org"), 400},
        {"header folded at once", with(good, "Host:", "X:\r\n\tb\r\nHost:"), 400},
        {"empty header folded", with(good, "Host:", "X:\r\n \r\nHost:"), 400},
        {"last header folded", with(good, "\r\n\r\n", "\r\n \r\n\r\n"), 400},
        {"folded plain request", "GET / HTTP/1.1\r\nHost: x\r\nX:\r\n b\r\n\r\n", 400},
        {"no colon", with(good, "Host: example.org", "Host example.org"), 400},
        {"blank before the colon", with(good, "Host:", "Host :"), 400},
        {"control byte in a value", with(good, "example.org", std::string_view{"a\0b", 3}), 400},
        {"no version of HTTP", with(good, " HTTP/1.1", ""), 400},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        {"words", "hello there\r\n\r\n", 400},
        {"impossible length", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", 400},
        {"other upgrade", with(good, "Upgrade: websocket", "Upgrade: h2c"), 426},
        {"any case", with(good, "Upgrade: websocket", "upgrade: WebSocket"), 101},
        {"plain GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426},
        {"plain POST", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 404},
        {"plain PUT of a large body", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n", 413},
        {"two keys", with(good, "Upgrade:", "Sec-WebSocket-Key: " + key + "\r\nUpgrade:"), 400},
        {"two versions", with(good, "Upgrade:", "Sec-WebSocket-Version: 8\r\nUpgrade:"), 400},
        {"the same version twice", with(good, "Upgrade:", "Sec-WebSocket-Version: 13\r\nUpgrade:"), 400},
        {"two origins", with(good, "Upgrade:", "Origin: https://a.org\r\norigin: https://b.org\r\nUpgrade:"),
         400},
        {"chunks on an upgrade", with(good, "Upgrade:", "Transfer-Encoding: chunked\r\nUpgrade:"), 400},
        {"a body on an upgrade", with(good, "Upgrade:", "Content-Length: 3\r\nUpgrade:"), 400},
        {"an empty body on an upgrade", with(good, "Upgrade:", "Content-Length: 0\r\nUpgrade:"), 101},
        {"chunks and a length",
         "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
         400},
    };
    for (const auto& row : rows)
        for (const std::size_t piece : {memory::unlimited, std::size_t{1}, std::size_t{100}}) {
            BOOST_TEST_CONTEXT(row.what << " in pieces of " << piece) {
                world w;
                peer p{w.io};
                p.at->piece = piece;
                p.write(row.bytes);
                w.run();
                if (row.status == 101) {
                    BOOST_TEST(status_line(p.read()) == "HTTP/1.1 101 Switching Protocols");
                    BOOST_TEST(w.told() == strings{"1 open"});
                    continue;
                }
                const auto answer = p.at->to_peer;
                BOOST_TEST(status_line(answer).substr(0, 12) == "HTTP/1.1 " + std::to_string(row.status));
                refused(p);
                BOOST_TEST(has_line(answer, "Sec-WebSocket-Version: 13") == (row.status == 426));
                BOOST_TEST(has_line(answer, "Upgrade: websocket") == (row.status == 426));
                BOOST_TEST(w.told() == nobody);
                p.shut();
                w.run();
                BOOST_TEST(w.engine.connections() == 0u);
            }
        }
}

BOOST_AUTO_TEST_CASE(bytes_that_cannot_be_http_are_answered_at_once) {
    for (const std::string_view bytes :
         {std::string_view{"\x16\x03\x01\x02", 4}, std::string_view{"\0", 1}, std::string_view{"{\"cmd\":1}"},
          std::string_view{"\xff"}, std::string_view{"\r\n"}}) {
        world w;
        peer p{w.io};
        p.write(bytes);
        w.run();
        BOOST_TEST(refused(p) == "HTTP/1.1 400 Bad Request");
        BOOST_TEST(w.told() == nobody);
    }
}

BOOST_AUTO_TEST_CASE(a_request_that_is_cut_anywhere_is_waited_for_until_its_deadline) {
    const auto good = memory::upgrade_request();
    for (std::size_t n = 0; n < good.size(); ++n) {
        world w;
        peer p{w.io};
        p.write(good.substr(0, n));
        w.run();
        w.advance(5s, 1s);
        BOOST_TEST_REQUIRE(p.at->to_peer == "");
        w.advance(1500ms);
        BOOST_TEST_REQUIRE(refused(p) == "HTTP/1.1 408 Request Timeout");
        // a client that does not go is cut soon: it had its time
        w.advance(900ms);
        BOOST_TEST_REQUIRE(!p.at->server_closed);
        w.advance(1500ms);
        BOOST_TEST_REQUIRE((p.at->server_closed && p.at->server_reset));
        BOOST_TEST_REQUIRE(w.told() == nobody);
    }
}

BOOST_AUTO_TEST_CASE(a_peer_that_leaves_before_its_request_is_complete_is_nobody) {
    const auto good = memory::upgrade_request();
    for (const bool reset : {false, true})
        for (const std::size_t n : {std::size_t{0}, std::size_t{1}, good.size() - 1}) {
            world w;
            peer p{w.io};
            p.write(good.substr(0, n));
            w.run();
            reset ? p.reset() : p.shut();
            w.run();
            BOOST_TEST(w.engine.connections() == 0u);
            BOOST_TEST(w.told() == nobody);
        }
}

BOOST_AUTO_TEST_CASE(a_header_has_a_limit) {
    const auto request = [](std::size_t size) {
        const auto bare = memory::upgrade_request("X: \r\n");
        return memory::upgrade_request("X: " + std::string(size - bare.size(), 'x') + "\r\n");
    };
    for (const std::size_t piece : {memory::unlimited, std::size_t{1000}}) {
        world w;
        peer in{w.io}, out{w.io}, endless{w.io};
        for (auto* p : {&in, &out, &endless}) p->at->piece = piece;
        in.write(request(8192) + in.sealed(std::string(10'000, 'y'))); // bytes behind it do not count
        out.write(request(8193));
        endless.write("GET /" + std::string(100'000, 'x'));
        w.run();
        BOOST_TEST(status_line(in.read()) == "HTTP/1.1 101 Switching Protocols");
        BOOST_TEST(refused(out) == "HTTP/1.1 431 Request Header Fields Too Large");
        BOOST_TEST(refused(endless) == "HTTP/1.1 431 Request Header Fields Too Large");
        BOOST_TEST(w.told() == (strings{"1 open", "1 text:10000"}));
    }
}

BOOST_AUTO_TEST_CASE(origins_on_the_list_are_let_in) {
    const struct {
        const char* origin;
        bool in;
    } rows[] = {
        {"Origin: https://example.org\r\n", true},
        {"Origin: https://example.com:8080\r\n", true},
        {"Origin: https://example.com\r\n", false},
        {"Origin: http://example.org\r\n", false},
        {"Origin: https://example.org.b\r\n", false},
        {"Origin: null\r\n", false},
        {"Origin: \r\n", false},
        {"", false},
    };
    for (const auto& row : rows) {
        world w{{.origins = {"https://example.org", "https://example.com:8080"}}};
        peer p{w.io};
        p.write(memory::upgrade_request(row.origin));
        w.run();
        BOOST_TEST_CONTEXT(row.origin) {
            if (row.in)
                BOOST_TEST(status_line(p.read()) == "HTTP/1.1 101 Switching Protocols");
            else
                BOOST_TEST(refused(p) == "HTTP/1.1 403 Forbidden");
            BOOST_TEST(w.told() == (row.in ? strings{"1 open"} : nobody));
        }
    }
}

BOOST_AUTO_TEST_CASE(clients_without_an_origin_are_let_in_if_that_is_on_the_list) {
    for (const bool listed : {false, true}) {
        world w{
            {.origins = listed ? strings{"https://example.org", "none"} : strings{"https://example.org"}}};
        peer native{w.io}, page{w.io};
        native.write(memory::upgrade_request());
        page.write(memory::upgrade_request("Origin: https://elsewhere.org\r\n"));
        w.run();
        BOOST_TEST((status_line(native.read()) == "HTTP/1.1 101 Switching Protocols") == listed);
        BOOST_TEST(refused(page) == "HTTP/1.1 403 Forbidden");
    }
}

BOOST_AUTO_TEST_CASE(only_the_path_asked_for_lets_in) {
    const struct {
        const char* target;
        bool upgrade;
        int status;
    } rows[] = {
        {"/rtc", true, 101},  {"/rtc?id=1", true, 101}, {"http://h/rtc", true, 101},
        {"/", true, 404},     {"/rtc/", true, 404},     {"/rt", true, 404},
        {"/rtc", false, 426}, {"/other", false, 404},   {"/rtc?id=1", false, 426},
    };
    for (const auto& row : rows) {
        world w{{.path = "/rtc"}};
        peer p{w.io};
        p.write(row.upgrade ? memory::upgrade_request({}, row.target)
                            : "GET " + std::string{row.target} + " HTTP/1.1\r\nHost: x\r\n\r\n");
        w.run();
        BOOST_TEST(status_line(p.read()).substr(0, 12) == "HTTP/1.1 " + std::to_string(row.status));
        BOOST_TEST(w.told() == (row.status == 101 ? strings{"1 open"} : nobody));
    }
}

BOOST_AUTO_TEST_CASE(a_sink_refuses_with_status_and_text) {
    world w;
    w.on_opening = [](auto& c, const request&) { c.refuse({403, 4000, "Not You"}); };
    peer p{w.io};
    p.write(memory::upgrade_request() + p.sealed("hello"));
    w.run();
    BOOST_TEST(p.at->to_peer.ends_with("\r\n\r\nNot You"));
    BOOST_TEST(refused(p) == "HTTP/1.1 403 Forbidden");
    p.say("let me in");
    w.run();
    BOOST_TEST(p.read() == "");
    p.shut();
    w.run();
    BOOST_TEST(w.engine.connections() == 0u);
    BOOST_TEST(w.told() == nobody);
}

BOOST_AUTO_TEST_CASE(handlers_are_asked_for_paths_only) {
    const struct {
        const char *method, *target, *told; // told: what handlers see; null: refused before
    } rows[] = {
        {"GET", "/", "/"},
        {"GET", "/a/b?c#d", "/a/b?c#d"},
        {"GET", "//", "//"},
        {"GET", "/http://h", "/http://h"},
        {"GET", "http://example.org", "/"},
        {"GET", "http://example.org/a?b", "/a?b"},
        {"GET", "HTTP+x.y-z://example.org?b=/c", "/?b=/c"},
        {"HEAD", "http://example.org#f", "/#f"},
        {"OPTIONS", "*", "*"},
        {"GET", "*", nullptr},
        {"OPTIONS", "**", nullptr},
        {"GET", "?x", nullptr},
        {"GET", "?", nullptr},
        {"GET", "?u=http://h/x", nullptr},
        {"HEAD", "?x", nullptr},
        {"POST", "?x", nullptr},
        {"GET", "#x", nullptr},
        {"GET", "x", nullptr},
        {"GET", "http:/x", nullptr},
        {"GET", "http:///x", nullptr},
        {"GET", "http://", nullptr},
        {"GET", "://h/x", nullptr},
        {"GET", "1://h/x", nullptr},
        {"CONNECT", "example.org:80", nullptr},
        {"GET", "", nullptr},
        {"GET", "\\", nullptr},
        {"GET", ".", nullptr},
    };
    for (const auto& row : rows) {
        BOOST_TEST_CONTEXT(row.method << " " << row.target) {
            world w;
            std::string told;
            w.on_http = [&](const request& r, response& out) {
                told = r.target;
                BOOST_TEST(!r.path().empty());
                out.body = "ok";
                return true;
            };
            peer p{w.io};
            p.write(std::string{row.method} + ' ' + row.target + " HTTP/1.1\r\nHost: x\r\n\r\n");
            w.run();
            BOOST_TEST(status_line(p.read()) == (row.told ? "HTTP/1.1 200 OK" : "HTTP/1.1 400 Bad Request"));
            BOOST_TEST(told == (row.told ? row.told : ""));
            BOOST_TEST(p.at->server_shut);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_sink_that_says_nothing_refuses) {
    world w;
    w.on_opening = [](auto&, const request&) {};
    peer p{w.io};
    p.write(memory::upgrade_request());
    w.run();
    BOOST_TEST(refused(p) == "HTTP/1.1 500 Internal Server Error");
}

BOOST_AUTO_TEST_CASE(frames_behind_the_request_are_heard) {
    world w;
    peer p{w.io};
    p.write(memory::upgrade_request() + p.sealed("one") + p.sealed("two"));
    w.run();
    BOOST_TEST(w.told() == (strings{"1 open", "1 text:one", "1 text:two"}));
}

BOOST_AUTO_TEST_CASE(garbage_behind_the_request_is_a_protocol_error) {
    world w;
    peer p{w.io};
    p.write(memory::upgrade_request() + "GET / HTTP/1.1\r\n\r\n");
    w.run();
    p.read_header();
    BOOST_TEST(p.events() == strings{"close:1002:Protocol Error"});
    BOOST_TEST(w.told() == (strings{"1 open", "1 closed:Protocol Error"}));
    BOOST_TEST(p.at->server_shut);
}

BOOST_AUTO_TEST_CASE(the_handler_answers_plain_requests) {
    const auto handler = [](const request& r, response& out) {
        if (r.path() != "/page") return false;
        out.status = 201;
        out.content_type = "text/html";
        out.body = "<p>" + std::string{r.method} + "</p>";
        out.headers = {{"X-Good", "yes"},
                       {"X-Bad", "a\r\nX-Injected: 1"},
                       {"X-Worse\r\nX-Injected", "1"},
                       {"X-Worst", "a\nX-Injected: 1"}};
        return true;
    };
    for (const std::string method : {"GET", "HEAD", "POST"}) {
        world w{{.path = "/rtc"}};
        w.on_http = handler;
        peer p{w.io};
        p.write(method + " /page?x HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\n\r\n"); // one answer is all
        w.run();
        const auto r = p.read();
        const auto body = "<p>" + method + "</p>";
        BOOST_TEST(status_line(r) == "HTTP/1.1 201 Created");
        BOOST_TEST(has_line(r, "Content-Type: text/html"));
        BOOST_TEST(has_line(r, "Content-Length: " + std::to_string(body.size())));
        BOOST_TEST(has_line(r, "Connection: close"));
        BOOST_TEST(has_line(r, "X-Good: yes"));
        BOOST_TEST(r.find("Injected") == r.npos);
        BOOST_TEST(r.substr(r.find("\r\n\r\n") + 4) == (method == "HEAD" ? "" : body));
        BOOST_TEST(p.at->server_shut);
        BOOST_TEST(w.told() == nobody);
    }
}

BOOST_AUTO_TEST_CASE(the_handler_goes_before_426_and_after_the_upgrade) {
    world w;
    int asked = 0;
    w.on_http = [&](const request&, response& out) { return ++asked, out.body = "page", true; };
    peer page{w.io}, ws{w.io};
    page.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ws.write(memory::upgrade_request());
    w.run();
    BOOST_TEST(refused(page) == "HTTP/1.1 200 OK");
    BOOST_TEST(status_line(ws.read()) == "HTTP/1.1 101 Switching Protocols");
    BOOST_TEST(asked == 1);
}

BOOST_AUTO_TEST_CASE(an_answer_to_head_never_has_a_body) {
    const auto good = memory::upgrade_request();
    for (const std::string& bytes :
         {std::string{"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"}, with(good, "GET", "HEAD")}) {
        world w;
        peer p{w.io};
        p.write(bytes);
        w.run();
        const auto r = p.read();
        BOOST_TEST(status_line(r).substr(0, 11) == "HTTP/1.1 40");
        BOOST_TEST(r.ends_with("\r\n\r\n"));
        BOOST_TEST(has_line(r, "Connection: close"));
    }
}

BOOST_AUTO_TEST_CASE(a_large_page_goes_to_a_slow_reader) {
    world w;
    const std::string page(8u << 20, 'p'); // over the outbox limit: an empty one takes anything
    w.on_http = [&](const request&, response& out) { return out.body = page, true; };
    peer p{w.io};
    p.at->room = 100'000;
    p.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    w.run();
    BOOST_TEST(p.at->to_peer.size() == 100'000u);
    BOOST_TEST(!p.at->server_shut);
    p.at->room = memory::unlimited;
    w.run();
    BOOST_TEST(p.read().ends_with(page));
    BOOST_TEST(p.at->server_shut);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
