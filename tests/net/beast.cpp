// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/beast.hpp>

#include "support/tls_world.hpp"
#include "support/transport_laws.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
namespace asio = boost::asio;
namespace http = boost::beast::http;
using client = framing::websocket<framing::role::client>;
using peer = stream_test::peer<client>;
using strings = std::vector<std::string>;

using plain = boost::beast::tcp_stream;
using encrypted = asio::ssl::stream<plain>;
template <class Below>
using over = sigfire::beast<boost::beast::websocket::stream<Below, false>>;
using transport_type = sigfire::beast<>;
static_assert(std::is_same_v<transport_type, over<plain>>);

// Somebody's HTTP server: accepts, reads a request, and hands the stream over.
template <class Below>
class http_server {
public:
    http_server(asio::io_context& io, std::string& address)
        : io_{io}, acceptor_{io, {asio::ip::address_v4::loopback(), 0}} {
        address = "ws://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
        const auto served = tls_world::localhost().served();
        tls_.use_certificate_chain(asio::buffer(served.certificate));
        tls_.use_private_key(asio::buffer(served.key), asio::ssl::context::pem);
        accept();
    }

    std::optional<over<Below>> to;
    bool adopted = true;

private:
    struct visit {
        Below below;
        std::string head;
    };

    void accept() {
        acceptor_.async_accept(io_, [this](error_code ec, asio::ip::tcp::socket s) {
            if (ec) return;
            if constexpr (std::is_same_v<Below, plain>) {
                read(std::make_shared<visit>(Below{std::move(s)}));
            } else {
                const auto v = std::make_shared<visit>(Below{std::move(s), tls_});
                v->below.async_handshake(asio::ssl::stream_base::server, [this, v](error_code failed) {
                    if (!failed) read(v);
                });
            }
            accept();
        });
    }

    void read(const std::shared_ptr<visit>& v) {
        // The peers of the tests do not wait to be let in: their early messages have to stay in the stream.
        const auto rest = [v](error_code failed, std::size_t) -> std::size_t {
            return failed || v->head.ends_with("\r\n\r\n") ? 0 : 1;
        };
        asio::async_read(
            v->below, asio::dynamic_buffer(v->head), rest, [this, v](error_code failed, std::size_t) {
                http::request_parser<http::empty_body> parser;
                if (!failed) parser.put(asio::buffer(v->head), failed);
                if (!failed)
                    adopted = to->adopt(typename over<Below>::stream{std::move(v->below)}, parser.get());
            });
    }

    asio::io_context& io_;
    asio::ip::tcp::acceptor acceptor_;
    asio::ssl::context tls_{asio::ssl::context::tls_server};
};

struct recorder {
    static constexpr bool checks_utf8 = false;
    using connection = transport_type::connection<int>;

    void opening(connection& c, const request& r) {
        target = r.target;
        remote = r.remote;
        secure = r.secure;
        offered = r["Sec-WebSocket-Protocol"];
        ++opened;
        if (answers) c.accept(offered);
        if (turns_away) c.refuse({0, 4000, "no HTTP for you"});
        last = &c;
    }
    void received(connection& c, message m) {
        heard.push_back((m.type == message_type::text ? "t:" : "b:") + std::string{m.view()});
        if (m.view() == "last_message") c.close({0, 4009, std::string_view{long_text}}, errc::denied);
        if (m.view() == "last_message") {
            BOOST_TEST(!c.ping());
            c.accept({});
            c.refuse({});
            c.close({}, errc::stopping);
        }
        if (m.view() == "cut") c.close({0, 0, {}}, errc::denied);
        if (m.view() == "no code") c.close({0, 1005, {}}, errc::denied);
        say(c, m.view(), m.type == message_type::text ? message_type::binary : message_type::text);
    }
    static void say(connection& c, std::string_view text, message_type type) {
        char* p = c.reserve(type, text.size());
        if (p == nullptr) return;
        std::copy(text.begin(), text.end(), p);
        c.commit(text.size());
    }
    void alive(connection&) { ++signs; }
    void closed(connection&, errc why) { causes.push_back(why), last = nullptr; }
    bool http(const request& r, response& out) {
        out.body = "page";
        return r.path() == "/page";
    }
    time_point tick(time_point now) {
        ticked = now;
        return now < due ? due : time_point::max();
    }

    const std::string long_text = std::string(200, 'x');
    std::string target, remote, offered;
    strings heard;
    std::vector<errc> causes;
    connection* last = nullptr;
    int opened = 0, signs = 0;
    bool secure = false, answers = true, turns_away = false;
    time_point due = time_point::min(), ticked{};
};

static_assert(Sink<recorder, recorder::connection>);

struct served {
    asio::io_context io;
    std::string address;
    http_server<plain> front{io, address};
    recorder sink;
    std::optional<transport_type::engine<int, recorder>> engine;

    explicit served(beast_options options = {}) {
        options.address = address;
        front.to.emplace(io, options);
        engine.emplace(*front.to, sink);
        error_code ec;
        engine->open(ec);
        BOOST_TEST_REQUIRE(!ec);
    }
    bool drive(const std::function<bool()>& until) { return stream_test::drive(io, &peer::pump, until); }
};

// What a plain connection hears until it ends: it is no WebSocket to its framing.
std::string answer_to(served& s, const std::string& request) {
    asio::ip::tcp::socket socket{s.io};
    const auto port = static_cast<unsigned short>(std::stoul(s.address.substr(s.address.rfind(':') + 1)));
    socket.connect({asio::ip::address_v4::loopback(), port});
    asio::write(socket, asio::buffer(request));
    std::string heard;
    bool over = false;
    asio::async_read(socket, asio::dynamic_buffer(heard), [&](error_code, std::size_t) { over = true; });
    BOOST_TEST(stream_test::drive(s.io, nullptr, [&] { return over; }));
    return heard;
}

} // namespace

BOOST_AUTO_TEST_SUITE(beast)

BOOST_AUTO_TEST_CASE(it_keeps_the_laws) {
    asio::io_context io;
    beast_options options{.message = 300'000, .outbox = 100'000};
    http_server<plain> front{io, options.address};
    front.to.emplace(io, options);
    stream_test::check_laws<client>(io, *front.to, 300'000, 100'000);
}

BOOST_AUTO_TEST_CASE(it_keeps_the_laws_over_tls) {
    asio::io_context io;
    beast_options options{.message = 300'000, .outbox = 100'000};
    http_server<encrypted> front{io, options.address};
    front.to.emplace(io, options);
    const std::function<tls_world::layer()> layers = [] { return tls_world::layer{}; };
    stream_test::check_laws<client>(io, *front.to, 300'000, 100'000, layers);
}

BOOST_AUTO_TEST_CASE(the_request_is_that_of_your_server) {
    served s{{.secure = true}};
    peer p{s.io, s.address};
    BOOST_TEST(s.drive([&] { return s.sink.opened == 1; }));
    BOOST_TEST(s.sink.target == "/");
    BOOST_TEST(s.sink.remote == "127.0.0.1");
    BOOST_TEST(s.sink.secure);
    BOOST_TEST(s.engine->address() == s.address);
}

BOOST_AUTO_TEST_CASE(targets_that_are_no_path_are_refused) {
    served s;
    for (const std::string target : {"?x", "*", "x:80", "#x"})
        for (const std::string upgrade : {"", "Upgrade: websocket\r\nConnection: Upgrade\r\n"}) {
            const auto answer = answer_to(s, "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + upgrade + "\r\n");
            BOOST_TEST(answer.starts_with("HTTP/1.1 400 "), target << upgrade << ": " << answer);
        }
    BOOST_TEST(s.sink.opened == 0);
    BOOST_TEST(answer_to(s, "GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 426 "));
}

BOOST_AUTO_TEST_CASE(text_and_binary_keep_their_kind) {
    served s;
    peer p{s.io, s.address};
    p.send("text");
    BOOST_TEST(s.drive([&] { return p.take() == strings{"text"}; }));
    framing::websocket<framing::role::client> f;
    p.write(test::sealed(f, message_type::binary, "bytes", client::header_bound(5)));
    BOOST_TEST(s.drive([&] { return p.take() == strings{"bytes"}; }));
    BOOST_TEST((s.sink.heard == strings{"t:text", "b:bytes"}));
}

BOOST_AUTO_TEST_CASE(subprotocols_are_answered) {
    served s;
    const auto answer =
        answer_to(s, "GET /x?y HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                     "Sec-WebSocket-Protocol: chat\r\n\r\n\x88\x80mask");
    BOOST_TEST(answer.starts_with("HTTP/1.1 101 "), answer);
    BOOST_TEST(answer.find("Sec-WebSocket-Protocol: chat\r\n") != answer.npos, answer);
    BOOST_TEST(s.sink.target == "/x?y");
    BOOST_TEST(s.drive([&] { return s.sink.causes == std::vector{errc::closed}; }));
}

BOOST_AUTO_TEST_CASE(plain_requests_are_answered) {
    served s;
    const auto page = answer_to(s, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    BOOST_TEST(page.starts_with("HTTP/1.1 200 "), page);
    BOOST_TEST(page.ends_with("\r\n\r\npage"), page);
    BOOST_TEST(answer_to(s, "HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n").ends_with("close\r\n\r\n"));
    BOOST_TEST(answer_to(s, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 426 "));
    BOOST_TEST(answer_to(s, "PUT / HTTP/1.1\r\nHost: a\r\n\r\n").starts_with("HTTP/1.1 404 "));
    BOOST_TEST(s.sink.opened == 0);
}

BOOST_AUTO_TEST_CASE(bad_upgrades_are_refused) {
    served s;
    const std::string upgrade = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    BOOST_TEST(answer_to(s, upgrade + "Sec-WebSocket-Version: 13\r\n\r\n").starts_with("HTTP/1.1 400 "));
    BOOST_TEST(answer_to(s, upgrade + "Sec-WebSocket-Version: 8\r\n\r\n").starts_with("HTTP/1.1 426 "));
    BOOST_TEST(s.sink.opened == 0);
    s.sink.answers = false;
    BOOST_TEST(answer_to(s, memory::upgrade_request()).starts_with("HTTP/1.1 500 "));
    s.sink.turns_away = true;
    BOOST_TEST(answer_to(s, memory::upgrade_request()).empty(), "cut, as there are no words for it");
    BOOST_TEST(s.sink.causes.empty());
    BOOST_TEST(s.sink.opened == 2);
    auto head = memory::upgrade_request();
    BOOST_TEST(answer_to(s, head.replace(0, 3, "HEAD")).starts_with("HTTP/1.1 404 "));
    BOOST_TEST(s.sink.opened == 2, "to HEAD no answer may have a body");
}

BOOST_AUTO_TEST_CASE(a_breach_of_the_rules_ends_with_its_cause) {
    served s{{.message = 1000}};
    const auto ends = [&](const std::string& bytes, const std::string& control) {
        peer p{s.io, s.address};
        p.write(bytes);
        BOOST_TEST(s.drive([&] { return p.ended() && !s.sink.causes.empty(); }));
        BOOST_TEST((p.controls() == strings{control}), p.controls().size());
        const auto cause = s.sink.causes.empty() ? errc::ok : s.sink.causes.back();
        s.sink.causes.clear();
        return cause;
    };
    framing::websocket<framing::role::client> f;
    const auto sealed = [&](std::string_view text) {
        return test::sealed(f, message_type::text, text, client::header_bound(text.size()));
    };
    BOOST_TEST((ends(sealed(std::string(1001, 'x')), "close:1009:") == errc::too_large));
    BOOST_TEST((ends(sealed("\xff"), "close:1007:") == errc::bad_utf8));
    BOOST_TEST((ends("\x83\x80mask", "close:1002:") == errc::protocol_violation));
    BOOST_TEST((ends(sealed("last_message"), "close:4009:" + std::string(123, 'x')) == errc::denied));
    BOOST_TEST((ends(sealed("no code"), "close:0:") == errc::denied));
}

BOOST_AUTO_TEST_CASE(a_close_without_words_cuts) {
    served s;
    peer p{s.io, s.address};
    p.send("cut");
    BOOST_TEST(s.drive([&] { return p.ended(); }));
    BOOST_TEST(p.controls().empty());
    BOOST_TEST((s.sink.causes == std::vector{errc::denied}));
}

BOOST_AUTO_TEST_CASE(a_silent_peer_is_gone) {
    served s{{.silence_timeout = 500ms}};
    peer dead{s.io, s.address}, living{s.io, s.address};
    BOOST_TEST(s.drive([&] { return s.sink.opened == 2; }));
    dead.stall();
    BOOST_TEST(s.drive([&] { return !s.sink.causes.empty() && living.controls().size() > 3; }));
    BOOST_TEST((s.sink.causes == std::vector{errc::pong_timeout}));
    BOOST_TEST(s.sink.signs == 0, "its own pings are no business of the sink's");
}

BOOST_AUTO_TEST_CASE(messages_of_the_host_program_between_turns_are_sent) {
    served s;
    peer p{s.io, s.address};
    BOOST_TEST(s.drive([&] { return s.sink.last != nullptr && !p.raw().empty(); }));
    recorder::say(*s.sink.last, "news", message_type::text);
    s.sink.last->ping();
    BOOST_TEST(s.drive([&] { return p.take() == strings{"news"}; }));
    BOOST_TEST(s.drive([&] { return s.sink.signs == 1; }));
}

// It is being read when it is held: the bytes of that read have to wait.
BOOST_AUTO_TEST_CASE(messages_to_a_connection_held_between_turns_wait) {
    served s;
    peer p{s.io, s.address};
    BOOST_TEST(s.drive([&] { return s.sink.last != nullptr && !p.raw().empty(); }));
    auto& held = *s.sink.last;
    held.hold();
    p.send("late");
    peer other{s.io, s.address};
    for (int i = 0; i < 3; ++i) {
        other.send("meanwhile");
        BOOST_TEST(s.drive([&] { return other.take() == strings{"meanwhile"}; }));
    }
    BOOST_TEST((s.sink.heard == strings(3, "t:meanwhile")));
    held.release();
    BOOST_TEST(s.drive([&] { return p.take() == strings{"late"}; }));
}

BOOST_AUTO_TEST_CASE(the_sink_is_called_when_it_asked_to_be) {
    served s;
    peer p{s.io, s.address};
    BOOST_TEST(s.drive([&] { return s.sink.last != nullptr && !p.raw().empty(); }));
    s.sink.due = clock::now() + 20ms;
    recorder::say(*s.sink.last, "a turn, in which it asks", message_type::text);
    // Nothing else happens that would have a turn run.
    BOOST_TEST(s.drive([&] { return s.sink.ticked >= s.sink.due; }));
}

BOOST_AUTO_TEST_CASE(one_engine_at_a_time) {
    served s;
    transport_type::engine<int, recorder> second{*s.front.to, s.sink};
    error_code ec;
    second.open(ec);
    BOOST_TEST((ec == asio::error::address_in_use));

    peer open{s.io, s.address};
    BOOST_TEST(s.drive([&] { return s.sink.opened == 1 && !open.raw().empty(); }));
    bool stopped = false;
    s.engine->stop(1h, [&] { stopped = true; });
    peer late{s.io, s.address};
    BOOST_TEST(s.drive([&] { return late.ended(); }));
    BOOST_TEST(!s.front.adopted);
    BOOST_TEST(!stopped);
    s.engine->stop(0ms, nullptr);
    BOOST_TEST(s.drive([&] { return stopped && open.ended(); }));
    BOOST_TEST((s.sink.causes == std::vector{errc::stopping}));
    s.engine.reset();
    second.open(ec);
    BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(an_engine_that_goes_takes_its_sockets_with_it) {
    served s;
    peer p{s.io, s.address};
    BOOST_TEST(s.drive([&] { return s.sink.last != nullptr && !p.raw().empty(); }));
    recorder::say(*s.sink.last, "never sent", message_type::text);
    s.engine.reset();
    BOOST_TEST(s.drive([&] { return p.ended(); }));
    BOOST_TEST(s.sink.causes.empty());
}

BOOST_AUTO_TEST_SUITE_END()
