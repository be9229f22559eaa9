// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/key_source.hpp>

#include <sigfire/admission/coroutine_hooks.hpp>
#include <sigfire/admission/jwt.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/key_set.hpp>
#include <sigfire/admission/renewal.hpp>
#include <sigfire/admission/token_signer.hpp>
#include <sigfire/server.hpp>

#include "support/memory_loop.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;

const std::string secret = R"({"kty":"oct","kid":"k1","k":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"})";

// The least source: it knows one set of keys, and is asked once at a time.
struct test_source {
    struct state {
        key_set keys{};
        std::string jwks = R"({"keys":[)" + secret + "]}";
        std::vector<std::string> asked{};
        errc result = errc::ok;
        bool throws = false;
    };
    std::shared_ptr<state> shared = std::make_shared<state>();

    boost::asio::awaitable<errc> fetch(const std::string& kid) {
        shared->asked.push_back(kid);
        if (shared->throws) throw std::runtime_error{"no network"};
        if (shared->result == errc::ok) shared->keys.replace_by_jwks(shared->jwks);
        co_return shared->result;
    }
};
static_assert(KeySource<test_source>);

struct source_that_does_not_wait {
    errc fetch(const std::string&) { return errc::ok; }
};
struct source_of_a_bool {
    boost::asio::awaitable<bool> fetch(const std::string&) { co_return true; }
};
static_assert(!KeySource<source_that_does_not_wait> && !KeySource<source_of_a_bool> && !KeySource<int>);

const utc_time noon{1'700'000'000s};

struct world {
    test_source source;
    boost::asio::io_context io;
    server<memory::websocket, hooks<jwt<jwt_verifier, test_source>>> srv{
        memory::websocket{io},
        hooks{jwt{jwt_verifier{source.shared->keys}, source, jwt_options{.now = [] { return noon; }}}}};

    std::string answer(const std::string& token) {
        memory::basic_peer<framing::websocket<framing::role::client>> p{io};
        p.write(memory::upgrade_request("Authorization: Bearer " + token + "\r\n"));
        memory::run(io);
        return p.read();
    }
};

std::string token_by(const std::string& key) {
    return token_signer{key}.sign(R"({"sub":"ann","exp":1700000100})");
}

BOOST_AUTO_TEST_SUITE(key_source)

BOOST_AUTO_TEST_CASE(an_unknown_key_is_fetched_once) {
    world w;
    const auto token = token_by(secret);
    BOOST_TEST(w.answer(token).starts_with("HTTP/1.1 101 "));
    BOOST_TEST((w.source.shared->asked == std::vector<std::string>{"k1"}));
    BOOST_TEST(w.answer(token).starts_with("HTTP/1.1 101 ")); // now it is there
    BOOST_TEST(w.source.shared->asked.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_key_that_the_source_does_not_have_is_refused) {
    world w;
    w.source.shared->jwks = R"({"keys":[]})";
    const auto none = w.answer(token_by(secret));
    BOOST_TEST(none.starts_with("HTTP/1.1 401 "), none);
    BOOST_TEST(none.ends_with("Token Key Unknown"), none);
    w.source.shared->result = errc::unknown;
    BOOST_TEST(w.answer(token_by(secret)).starts_with("HTTP/1.1 401 "));
    BOOST_TEST(w.source.shared->asked.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_source_that_fails_tells_the_client_to_come_again) {
    world w;
    w.source.shared->result = errc::lost;
    const auto late = w.answer(token_by(secret));
    BOOST_TEST(late.starts_with("HTTP/1.1 503 "), late);
    BOOST_TEST(late.find("\r\nRetry-After: 10\r\n") != late.npos, late);
    w.source.shared->throws = true;
    BOOST_TEST(w.answer(token_by(secret)).starts_with("HTTP/1.1 500 "));
}

// A source that names its loop.
struct source_with_loop : test_source {
    boost::asio::io_context* io = nullptr;
    boost::asio::io_context& context() { return *io; }
};

using waiting_gate = jwt<jwt_verifier, source_with_loop>;
static_assert(Hook<waiting_gate> && detail::has_on_message<waiting_gate>);
static_assert(!detail::has_on_message<jwt<jwt_verifier, test_source>>);

std::string jwk(const std::string& id, char c) {
    return R"({"kty":"oct","kid":")" + id + R"(","k":")" + detail::base64url(std::string(32, c)) + "\"}";
}

BOOST_AUTO_TEST_CASE(a_renewal_waits_for_its_key_too) {
    boost::asio::io_context io;
    source_with_loop source;
    source.io = &io;
    source.shared->jwks = R"({"keys":[)" + secret + "]}";
    waiting_gate gate{jwt_verifier{source.shared->keys}, source, jwt_options{.now = [] { return noon; }}};
    server srv{memory::websocket{io}, hooks{gate}, renewal{gate}};
    memory::basic_peer<framing::websocket<framing::role::client>> p{io};
    p.write(memory::upgrade_request("Sec-WebSocket-Protocol: sigfire.v1.json\r\nAuthorization: Bearer " +
                                    token_by(secret) + "\r\n"));
    memory::run(io);
    BOOST_TEST_REQUIRE(p.read_header().starts_with("HTTP/1.1 101 "));
    p.events();
    const auto ask = [&](const std::string& fresh) {
        p.write(p.sealed(R"({"cmd":"authenticate","id":1,"data":{"token":")" + fresh + R"("}})"));
        p.write(p.sealed(R"({"cmd":"bye","id":2,"target":"x"})")); // waits behind it
        memory::run(io);
        const auto heard = p.events();
        BOOST_TEST_REQUIRE(heard.size() == 2u);
        BOOST_TEST(heard[1].find(R"("id":2)") != std::string::npos, heard[1]);
        return heard[0];
    };
    BOOST_TEST(source.shared->asked.size() == 1u);
    BOOST_TEST(ask(token_by(secret)).find(R"("ok":true)") != std::string::npos); // known: nobody is asked
    BOOST_TEST(source.shared->asked.size() == 1u);
    // the issuer has a new key
    source.shared->jwks = R"({"keys":[)" + secret + "," + jwk("k2", 'b') + "]}";
    BOOST_TEST(ask(token_by(jwk("k2", 'b'))).find(R"("ok":true)") != std::string::npos);
    BOOST_TEST((source.shared->asked == std::vector<std::string>{"k1", "k2"}));
    // a key that nobody has, and a source that throws
    for (const bool throws : {false, true}) {
        source.shared->throws = throws;
        BOOST_TEST(ask(token_by(jwk("k3", 'c'))).find("Token Key Unknown") != std::string::npos);
    }
    BOOST_TEST(source.shared->asked.size() == 4u);
    // a token that is wrong anyway asks nobody
    BOOST_TEST(ask("nonsense").find("Token Malformed") != std::string::npos);
    BOOST_TEST(source.shared->asked.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_token_that_is_wrong_anyway_asks_nothing) {
    world w;
    BOOST_TEST(w.answer("no.token").starts_with("HTTP/1.1 401 "));
    BOOST_TEST(w.answer("").starts_with("HTTP/1.1 401 "));
    BOOST_TEST(
        w.answer(token_signer{secret}.sign_with(R"({"alg":"none"})", "{}")).starts_with("HTTP/1.1 401 "));
    BOOST_TEST(w.source.shared->asked.empty());
    // no key at all, and no name to ask for
    const std::string nameless(32, 'x');
    BOOST_TEST(w.answer(token_by(nameless)).starts_with("HTTP/1.1 401 "));
    BOOST_TEST(w.source.shared->asked.empty());
    // the fetched key does not verify the token
    const auto other = R"({"kty":"oct","kid":"k1","k":"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE"})";
    const auto forged = w.answer(token_by(other));
    BOOST_TEST(forged.ends_with("Token Signature Invalid"), forged);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
