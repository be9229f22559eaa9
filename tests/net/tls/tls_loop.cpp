// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/tls/tls_loop.hpp>

#include <sigfire/net/tls.hpp>

#include "support/engine_world.hpp"
#include "support/tls_world.hpp"

#include <boost/test/unit_test.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <malloc.h>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;
using tls_world::identity, tls_world::layer, tls_world::localhost, tls_world::root;

const strings nothing;
std::vector<std::string> failures;

tls_options served() {
    failures.clear();
    return {.certificates = {localhost().served()},
            .on_failure = [](std::string_view remote, std::string_view why) {
                failures.push_back(std::string{remote} + ' ' + std::string{why});
            }};
}

// TLS over the memory loop; how it is served is said before a world is made.
tls_options now_served;
std::function<void()> reload;

template <class T>
struct secured : transport::tls<T> {
    secured(boost::asio::io_context& io, memory::options o)
        : transport::tls<T>{T{io, std::move(o)}, now_served} {
        reload = [copy = transport::tls<T>{*this}] { copy.reload(); };
    }
};

template <class T>
struct world : memory::world<secured<T>> {
    explicit world(tls_options o = served(), memory::options m = {})
        : memory::world<secured<T>>{(now_served = std::move(o), std::move(m))} {}
};
using ws_world = world<memory::websocket>;
using plain_world = world<memory::lengths>;

template <class Framing>
struct basic_peer : memory::basic_peer<Framing> {
    template <class W>
    explicit basic_peer(W& w, layer l = layer{}) : memory::basic_peer<Framing>{w.io}, tls{std::move(l)} {}

    // Moves bytes both ways until nothing moves any more.
    void exchange(auto& w) {
        for (int i = 0; i < 20; ++i) {
            tls.seal(saying, this->at->to_server);
            w.run();
            heard += tls.open(std::exchange(this->at->to_peer, {}));
        }
    }
    void say_bytes(std::string_view bytes) { saying += bytes; }
    void say_text(std::string_view text) { saying += this->sealed(text); }
    strings take() {
        test::framing_record record;
        if (heard.starts_with("HTTP/1.1 101 ")) heard.erase(0, heard.find("\r\n\r\n") + 4);
        const auto e = framing.feed(heard, {.message = 1u << 30, .idle_frames = 1u << 30}, record).error;
        BOOST_TEST((e == errc::ok));
        heard.clear();
        return record.events;
    }

    layer tls;
    std::string saying, heard;
    Framing framing;
};
using ws_peer = basic_peer<framing::websocket<framing::role::client>>;
using plain_peer = basic_peer<framing::length>;

BOOST_AUTO_TEST_SUITE(tls_loop)

BOOST_AUTO_TEST_CASE(messages_pass_both_ways_however_the_wire_is_cut) {
    for (const std::size_t piece : {memory::unlimited, std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
        ws_world w;
        ws_peer p{w};
        p.at->piece = piece;
        w.on_received = [&](auto& c, message m) { w.send(c, m.view(), m.type); };
        p.say_bytes(memory::upgrade_request());
        strings expected;
        for (int i = 0; i < 30; ++i) {
            const std::string text(static_cast<std::size_t>(i * i * i % 3000),
                                   static_cast<char>('a' + i % 26));
            p.say_text(text);
            expected.push_back("text:" + text);
        }
        p.exchange(w);
        BOOST_TEST(p.take() == expected);
        BOOST_TEST(failures == nothing);
    }
}

BOOST_AUTO_TEST_CASE(much_at_once) {
    plain_world w{served(), {.limits = {.message = 8u << 20, .outbox = 16u << 20}}};
    plain_peer p{w};
    w.on_received = [&](auto& c, message m) { w.send(c, m.view()); };
    const std::string large(3'000'000, 'x');
    p.say_text(large);
    p.exchange(w);
    p.at->room = 100'000; // and then takes no more
    p.say_text(large);
    p.exchange(w);
    for (int i = 0; i < 10; ++i) {
        p.at->room = 1'000'000;
        p.exchange(w);
    }
    BOOST_TEST((p.take() == strings{"text:" + large, "text:" + large}));
}

BOOST_AUTO_TEST_CASE(a_wire_without_upgrade_opens_when_both_have_agreed) {
    plain_world w;
    plain_peer p{w};
    w.on_opening = [&](auto& c, const request& r) {
        BOOST_TEST(r.secure);
        BOOST_TEST(r.peer_subject == "");
        BOOST_TEST(r.remote == "192.0.2.1");
        w.accept(c);
        w.send(c, "welcome");
    };
    w.run();
    BOOST_TEST(w.told() == nothing);
    p.exchange(w);
    BOOST_TEST(w.told() == strings{"1 open"});
    BOOST_TEST(p.take() == strings{"text:welcome"});
}

BOOST_AUTO_TEST_CASE(a_connection_without_tls_is_cut_without_a_word) {
    for (const std::string bytes : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x80\x2e", "x"}) {
        ws_world w;
        memory::basic_peer<framing::length> p{w.io};
        p.write(bytes);
        w.run();
        BOOST_TEST(p.at->server_closed);
        BOOST_TEST(!p.at->server_reset);
        BOOST_TEST(p.read() == "");
        BOOST_TEST(w.told() == nothing);
        BOOST_TEST(failures == strings{"192.0.2.1 the peer does not use TLS"});
    }
    ws_world w;
    memory::basic_peer<framing::length> p{w.io};
    p.write(std::string{"\x16\x03\x01\x00\x05hello", 10});
    w.run();
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(failures.size() == 1u);
}

BOOST_AUTO_TEST_CASE(the_first_record_may_come_in_any_pieces) {
    for (const std::size_t first : {1u, 4u, 5u, 6u, 100u}) {
        plain_world w;
        plain_peer p{w};
        std::string hello;
        p.tls.seal(p.saying, hello);
        p.write(hello.substr(0, first));
        w.run();
        BOOST_TEST(p.read() == "");
        p.write(hello.substr(first, hello.size() - first - 1));
        w.run();
        BOOST_TEST(p.read() == "");
        p.write(hello.substr(hello.size() - 1));
        p.exchange(w);
        BOOST_TEST(w.told() == strings{"1 open"});
    }
    // A length that no record may have is judged at once.
    plain_world w;
    memory::basic_peer<framing::length> p{w.io};
    p.write(std::string{"\x16\x03\x01\xff\xff", 5});
    w.run();
    BOOST_TEST(p.at->server_closed);
}

BOOST_AUTO_TEST_CASE(an_incomplete_hello_costs_little) {
    plain_world w;
    std::deque<plain_peer> peers;
    std::string hello;
    for (int i = 0; i < 100; ++i) {
        auto& p = peers.emplace_back(w);
        hello.clear();
        p.tls.seal(p.saying, hello);
    }
    w.run();
    // Under sanitizers, both figures are 0.
    const auto used = [] { return static_cast<std::ptrdiff_t>(::mallinfo2().uordblks); };
    const auto before = used();
    for (auto& p : peers) p.write(hello.substr(0, hello.size() - 1));
    w.run();
    BOOST_TEST(used() - before < 100 * 4000);
    BOOST_TEST(w.told() == nothing);
}

BOOST_AUTO_TEST_CASE(a_peer_that_stalls_is_not_waited_for) {
    for (const std::size_t bytes : {0u, 1u, 100u}) {
        const auto stall = [&](auto& w, auto& p) {
            std::string hello;
            p.tls.seal(p.saying, hello);
            p.write(hello.substr(0, bytes));
            w.run();
            w.advance(12s, 500ms);
            BOOST_TEST(p.at->server_closed);
            BOOST_TEST(w.told() == nothing);
        };
        ws_world w;
        ws_peer p{w};
        stall(w, p);
        plain_world v;
        plain_peer q{v};
        stall(v, q);
    }
    // TLS stands, but no request comes.
    ws_world w;
    ws_peer p{w};
    p.exchange(w);
    w.advance(7s, 500ms);
    p.exchange(w);
    BOOST_TEST(p.heard.starts_with("HTTP/1.1 408 "));
    BOOST_TEST(p.tls.over());
    BOOST_TEST(!p.tls.failed());
}

BOOST_AUTO_TEST_CASE(ends) {
    { // ours: goodbye is said, before the end of the wire
        plain_world w;
        plain_peer p{w};
        p.exchange(w);
        w.send(w[1], "last words");
        w[1].close({0, 1000, ""}, errc::denied);
        p.exchange(w);
        BOOST_TEST(p.take() == strings{"text:last words"});
        BOOST_TEST(p.tls.over());
        BOOST_TEST(!p.tls.failed());
        BOOST_TEST(p.at->server_shut);
        BOOST_TEST(w.told() == (strings{"1 open", "1 closed:Denied"}));
    }
    const struct {
        const char* what;
        bool goodbye, shut;
        const char* cause;
    } rows[] = {
        {"goodbye", true, false, "1 closed:Connection Closed"},
        {"goodbye and the end", true, true, "1 closed:Connection Closed"},
        {"the end alone", false, true, "1 closed:Connection Lost"},
    };
    for (const auto& row : rows) {
        plain_world w;
        plain_peer p{w};
        p.exchange(w);
        w.told();
        p.say_text("last words");
        p.tls.seal(p.saying, p.at->to_server);
        if (row.goodbye) p.tls.finish();
        p.tls.seal(p.saying, p.at->to_server);
        if (row.shut) p.shut();
        w.run();
        BOOST_TEST(w.told() == (strings{"1 text:last words", row.cause}), row.what);
        BOOST_TEST(p.at->server_closed);
        BOOST_TEST(failures == nothing);
    }
    { // an end that is not read yet waits behind the bytes held
        plain_world w;
        plain_peer p{w};
        p.exchange(w);
        w.on_received = [&](auto& c, message m) {
            if (m.view() == "hold") c.hold();
        };
        p.say_text("hold");
        p.say_text("behind");
        p.tls.seal(p.saying, p.at->to_server);
        p.tls.finish();
        p.tls.seal(p.saying, p.at->to_server);
        w.run();
        BOOST_TEST(w.told() == (strings{"1 open", "1 text:hold"}));
        w[1].release();
        w.run();
        BOOST_TEST(w.told() == (strings{"1 text:behind", "1 closed:Connection Closed"}));
    }
    { // broken records
        plain_world w;
        plain_peer p{w};
        p.exchange(w);
        w.told();
        p.say_text("fine");
        p.tls.seal(p.saying, p.at->to_server);
        p.write(std::string{"\x17\x03\x03\x00\x20", 5} + std::string(32, 'x'));
        w.run();
        BOOST_TEST(w.told() == (strings{"1 text:fine", "1 closed:TLS Failed"}));
        BOOST_TEST(failures.size() == 1u);
        BOOST_TEST(p.at->server_closed);
        BOOST_TEST(!p.at->server_reset);
    }
}

BOOST_AUTO_TEST_CASE(errors_that_others_left_on_the_thread_are_not_its_own) {
    plain_world w;
    plain_peer p{w};
    p.at->piece = 7; // so that OpenSSL is asked what it waits for
    w.on_received = [&](auto& c, message m) { w.send(c, m.view()); };
    p.say_text("hello");
    for (int i = 0; i < 5; ++i) {
        p.tls.seal(p.saying, p.at->to_server);
        ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
        w.run();
        p.heard += p.tls.open(std::exchange(p.at->to_peer, {}));
    }
    BOOST_TEST(p.take() == strings{"text:hello"});
    BOOST_TEST(failures == nothing);
    ERR_clear_error();
}

BOOST_AUTO_TEST_CASE(an_end_waits_for_bytes_that_the_system_does_not_take) {
    plain_world w;
    plain_peer p{w};
    p.exchange(w);
    p.at->room = 1000;
    w.send(w[1], std::string(20'000, 'x'));
    w[1].close({0, 1000, ""}, errc::denied);
    p.exchange(w);
    BOOST_TEST(!p.at->server_shut);
    p.at->room = memory::unlimited;
    p.exchange(w);
    BOOST_TEST(p.at->server_shut);
    BOOST_TEST(p.take() == strings{"text:" + std::string(20'000, 'x')});
    BOOST_TEST(p.tls.over());
    BOOST_TEST(!p.tls.failed());
}

BOOST_AUTO_TEST_CASE(a_peer_that_is_gone) {
    plain_world w;
    plain_peer p{w}, q{w};
    p.exchange(w);
    q.exchange(w);
    w.told();
    p.reset();
    w.send(w[1], "nobody");
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:Connection Lost"});
    w.send(w[2], "somebody");
    q.exchange(w);
    BOOST_TEST(q.take() == strings{"text:somebody"});
}

BOOST_AUTO_TEST_CASE(a_slow_consumer_stores_a_bounded_amount) {
    plain_world w{served(), {.limits = {.outbox = 100'000}}};
    plain_peer p{w};
    p.exchange(w);
    w.told();
    p.at->room = 0;
    for (int i = 0; i < 10 && w.send(w[1], std::string(50'000, 'x')); ++i) w.run();
    w.run();
    BOOST_TEST(w.told() == strings{"1 closed:Slow Consumer"});
    BOOST_TEST(p.at->server_reset);
}

// --- identities ---

template <class W>
layer client(W&, const identity* own, const identity& ca, const char* name, int version, SSL_CTX*& kept) {
    static std::vector<detail::ssl_context_ptr> all;
    all.push_back(tls_world::client_context(own, ca));
    kept = all.back().get();
    SSL_CTX_set_max_proto_version(kept, version);
    return layer{kept, name};
}

BOOST_AUTO_TEST_CASE(clients_prove_their_identity) {
    const identity robot{"robot-7", &root()}, stranger{"robot-7"}, late{"late", &root(), {}, -3600},
        french{"caf\xc3\xa9, \"x\"", &root()};
    const struct {
        tls_verify verify;
        const identity* own;
        bool in;
        const char* subject;
    } rows[] = {
        {tls_verify::none, nullptr, true, ""},
        {tls_verify::none, &robot, true, ""}, // not asked
        {tls_verify::optional, nullptr, true, ""},
        {tls_verify::optional, &robot, true, "CN=robot-7,O=Example"},
        {tls_verify::optional, &stranger, false, ""},
        {tls_verify::required, nullptr, false, ""},
        {tls_verify::required, &robot, true, "CN=robot-7,O=Example"},
        {tls_verify::required, &french, true, "CN=caf\xc3\xa9\\, \\\"x\\\",O=Example"},
        {tls_verify::required, &stranger, false, ""},
        {tls_verify::required, &late, false, ""},
    };
    for (const auto& row : rows)
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            auto o = served();
            o.verify = row.verify;
            if (row.verify != tls_verify::none) o.ca = root().certificate();
            plain_world w{o};
            std::string subject;
            w.on_opening = [&](auto& c, const request& r) {
                const owned_request copy{r};
                subject = copy.view().peer_subject;
                BOOST_TEST(copy.view().secure);
                w.accept(c);
            };
            SSL_CTX* unused = nullptr;
            plain_peer p{w, client(w, row.own, root(), nullptr, version, unused)};
            p.exchange(w);
            BOOST_TEST(w.told() == (row.in ? strings{"1 open"} : nothing));
            BOOST_TEST(subject == row.subject);
            BOOST_TEST(failures.empty() == row.in);
            BOOST_TEST(p.at->server_closed != row.in);
            BOOST_TEST(p.tls.failed() != row.in, "a refused client is told so");
        }
}

BOOST_AUTO_TEST_CASE(the_certificate_is_that_of_the_name_asked_for) {
    const identity a{"a", &root(), {"DNS:a.example"}}, b{"b", &root(), {"DNS:b.example", "DNS:*.b.example"}};
    auto o = served();
    o.certificates = {localhost().served(), a.served(), b.served()};
    plain_world w{o};
    const struct {
        const char* asked;
        const char* got;
    } rows[] = {{nullptr, "localhost"},     {"localhost", "localhost"},  {"a.example", "a"},
                {"A.EXAMPLE", "a"},         {"b.example", "b"},          {"x.b.example", "b"},
                {"c.example", "localhost"}, {"x.a.example", "localhost"}};
    for (const auto& row : rows)
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            SSL_CTX* unused = nullptr;
            plain_peer p{w, client(w, nullptr, root(), row.asked, version, unused)};
            p.exchange(w);
            BOOST_TEST_REQUIRE(p.tls.established());
            char name[64] = {};
            X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(p.tls.ssl())),
                                      NID_commonName, name, sizeof name);
            BOOST_TEST(name == std::string{row.got});
            BOOST_TEST(SSL_version(p.tls.ssl()) == version);
        }
}

BOOST_AUTO_TEST_CASE(old_versions_are_refused) {
    plain_world w;
    layer old{nullptr};
    SSL_set_min_proto_version(old.ssl(), TLS1_VERSION);
    SSL_set_max_proto_version(old.ssl(), TLS1_1_VERSION);
    SSL_set_cipher_list(old.ssl(), "DEFAULT@SECLEVEL=0");
    plain_peer p{w, std::move(old)};
    p.exchange(w);
    BOOST_TEST(p.tls.failed());
    BOOST_TEST(failures == strings{"192.0.2.1 unsupported protocol"});
    BOOST_TEST(p.at->server_closed);
}

BOOST_AUTO_TEST_CASE(the_protocol_within_is_agreed_upon) {
    const struct {
        std::string offered;
        bool in;
        std::string chosen;
    } rows[] = {{"", true, ""},
                {"\x08http/1.1", true, "http/1.1"},
                {"\x02h2\x08http/1.1", true, "http/1.1"},
                {"\x02h2", false, ""}};
    for (const auto& row : rows) {
        ws_world w;
        layer l;
        SSL_set_alpn_protos(l.ssl(), reinterpret_cast<const unsigned char*>(row.offered.data()),
                            static_cast<unsigned>(row.offered.size()));
        ws_peer p{w, std::move(l)};
        p.exchange(w);
        const unsigned char* chosen = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(p.tls.ssl(), &chosen, &size);
        BOOST_TEST(p.tls.failed() != row.in);
        if (row.in) BOOST_TEST((std::string{reinterpret_cast<const char*>(chosen), size} == row.chosen));
    }
    plain_world w; // nothing is agreed upon where nothing is HTTP
    layer l;
    SSL_set_alpn_protos(l.ssl(), reinterpret_cast<const unsigned char*>("\x02h2"), 3);
    plain_peer p{w, std::move(l)};
    p.exchange(w);
    BOOST_TEST(p.tls.established());
}

// --- coming back ---

SSL_SESSION* last_session = nullptr;

BOOST_AUTO_TEST_CASE(a_session_is_resumed_also_after_a_reload_but_not_where_clients_are_verified) {
    const identity robot{"robot-7", &root()};
    for (const auto verify : {tls_verify::none, tls_verify::required})
        for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            auto o = served();
            o.verify = verify;
            if (verify != tls_verify::none) o.ca = root().certificate();
            SSL_CTX* context = nullptr;
            plain_world w{o};
            std::string subject;
            w.on_opening = [&](auto& c, const request& r) {
                subject = r.peer_subject;
                w.accept(c);
            };
            auto first = client(w, &robot, root(), nullptr, version, context);
            SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
            SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION* s) {
                if (last_session) SSL_SESSION_free(last_session);
                last_session = s;
                return 1;
            });
            const auto come = [&](layer l) {
                if (last_session) SSL_set_session(l.ssl(), last_session);
                plain_peer p{w, std::move(l)};
                p.exchange(w);
                BOOST_TEST_REQUIRE(p.tls.established());
                p.tls.finish(); // else OpenSSL takes the session for one that broke
                return SSL_session_reused(p.tls.ssl()) == 1;
            };
            BOOST_TEST(!come(std::move(first)));
            BOOST_TEST_REQUIRE(last_session);
            BOOST_TEST(come(layer{context}));
            BOOST_TEST(subject == (verify == tls_verify::none ? "" : "CN=robot-7,O=Example"));
            reload();
            BOOST_TEST(come(layer{context}) == (verify == tls_verify::none));
            SSL_SESSION_free(std::exchange(last_session, nullptr));
        }
}

BOOST_AUTO_TEST_CASE(a_client_may_not_negotiate_anew) {
    plain_world w;
    SSL_CTX* context = nullptr;
    plain_peer p{w, client(w, nullptr, root(), nullptr, TLS1_2_VERSION, context)};
    p.exchange(w);
    SSL_clear_options(p.tls.ssl(), SSL_OP_NO_RENEGOTIATION);
    BOOST_TEST(SSL_renegotiate(p.tls.ssl()) == 1);
    SSL_do_handshake(p.tls.ssl());
    p.exchange(w);
    BOOST_TEST(!p.tls.established());
}

BOOST_AUTO_TEST_CASE(new_keys_as_often_as_a_client_likes) {
    plain_world w;
    plain_peer p{w};
    p.exchange(w);
    w.told();
    p.at->room = 0;
    for (int i = 0; i < 1000; ++i) {
        SSL_key_update(p.tls.ssl(), SSL_KEY_UPDATE_REQUESTED);
        p.say_text("x");
        p.tls.seal(p.saying, p.at->to_server);
        w.run();
    }
    BOOST_TEST(w.told().size() == 1000u);
    p.at->room = memory::unlimited;
    w.send(w[1], "still here");
    p.exchange(w);
    BOOST_TEST(p.take() == strings{"text:still here"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
