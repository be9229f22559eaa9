// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/coroutine_hooks.hpp>

#include <sigfire/core/asio/completion.hpp>
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#include "support/memory_loop.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/test/unit_test.hpp>

#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;
using boost::asio::awaitable;
using peer = memory::basic_peer<framing::websocket<framing::role::client>>;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

// Where coroutines ask, and the test answers. It outlives the io_context.
class bureau {
    struct question {
        std::string what;
        detail::completion<error_code, errc> done;
    };
    using question_ptr = std::shared_ptr<question>;

public:
    auto ask(boost::asio::io_context& io, std::string what) {
        return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(error_code, errc)>(
            [this, &io](auto handler, std::string asked) {
                const auto q = open_.emplace_back(std::make_shared<question>());
                q->what = std::move(asked);
                q->done = {std::move(handler), io.get_executor()};
                q->done.on_cancel(boost::asio::cancellation_type::terminal, [this, weak = std::weak_ptr{q}] {
                    const auto open = weak.lock();
                    if (!open) return; // answered, but not told yet
                    cancelled.push_back(open->what);
                    if (heeds_cancellation) answer(open, boost::asio::error::operation_aborted, {});
                });
            },
            boost::asio::use_awaitable, std::move(what));
    }

    void answer(std::string_view what, errc cause) {
        for (const auto& q : open_)
            if (q->what == what) return answer(q, {}, cause);
        BOOST_ERROR("nobody asked " << what);
    }

    /// Nobody will ever answer.
    void close() { open_.clear(); }

    strings questions() const {
        strings out;
        for (const auto& q : open_) out.push_back(q->what);
        return out;
    }

    strings cancelled;
    bool heeds_cancellation = true;

private:
    void answer(question_ptr q, error_code ec, errc cause) {
        std::erase(open_, q);
        q->done.complete(ec, cause);
    }

    std::vector<question_ptr> open_;
};

// Asks for the peer's identity, by its query, which has to be there all the time.
struct asks {
    boost::asio::io_context* io;
    bureau* at;
    std::string name;
    std::shared_ptr<int> alive = std::make_shared<int>();

    awaitable<errc> on_admit_deferred(const request& r, admission& a) {
        const errc cause = co_await at->ask(*io, name + " " + r.query("id"));
        a.id = r.query("id");
        a.attached.put(name + " of " + std::string{r["Host"]} + " from " + std::string{r.remote});
        co_return cause;
    }
};
static_assert(Hook<asks>);

struct notebook {
    strings* log;
    errc answer = errc::ok;
    errc on_admit(const request&, admission& a) {
        log->push_back("asked about " + a.id);
        return answer;
    }
    void on_open(peer_handle, const admission& a) {
        const auto* noted = a.attached.find<std::string>();
        log->push_back("open " + a.id + (noted != nullptr ? ": " + *noted : ""));
    }
    void on_close(peer_handle, errc why) { log->push_back("close: " + std::string{to_string(why)}); }
};

struct error_log {
    strings* log;
    void operator()(log_level level, std::string_view event, std::span<const log_field> fields) const {
        if (level == log_level::error)
            log->push_back(std::string{event} + " " + std::string{fields[0].name} + "=" +
                           std::string{fields[0].value});
    }
};

// Both outlive the io_context.
struct base {
    bureau d;
    strings log;
};

// A server, and peers that come as `/?id=NAME`.
struct office : base {
    boost::asio::io_context io;
    asks database{&io, &d, "db"};
    std::list<peer> peers;

    peer& come(const std::string& id, std::string_view said = {}) {
        auto& p = peers.emplace_back(io);
        p.write(memory::upgrade_request({}, "/?id=" + id));
        if (!said.empty()) p.say(said);
        memory::run(io);
        return p;
    }
    void answer(std::string_view what, errc cause = errc::ok) {
        d.answer(what, cause);
        io.poll(); // no event on any socket
        memory::run(io);
    }
    strings told() { return std::exchange(log, {}); }
};

constexpr auto command = R"({"cmd":"x","id":"1"})";

BOOST_AUTO_TEST_SUITE(awaited)

// --- connections are let in

BOOST_FIXTURE_TEST_CASE(a_peer_let_in_late_has_lost_nothing, office) {
    sigfire::server srv{memory::websocket{io}, hooks{database, notebook{&log}}};
    auto& p = come("ann", command);
    auto& q = come("bob");
    BOOST_TEST(d.questions() == (strings{"db ann", "db bob"}));
    p.say(R"({"cmd":"y","id":"2"})");
    memory::advance(io, 9s);
    BOOST_TEST(p.read() == "");
    BOOST_TEST(told().empty());

    answer("db bob"); // a waiting peer delays nobody else
    BOOST_TEST(q.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(contains(q.events().at(0), R"("id":"bob")"));
    BOOST_TEST(p.read() == "");
    answer("db ann");
    BOOST_TEST(p.read_header().starts_with("HTTP/1.1 101 "));
    const auto heard = p.events();
    BOOST_TEST_REQUIRE(heard.size() == 3u);
    BOOST_TEST(contains(heard[0], R"("cmd":"welcome","data":{"id":"ann"})"));
    BOOST_TEST(contains(heard[1], R"({"id":"1",)"));
    BOOST_TEST(contains(heard[2], R"({"id":"2",)"));
    BOOST_TEST(told() == (strings{"asked about bob", "open bob: db of example.org from 192.0.2.1",
                                  "asked about ann", "open ann: db of example.org from 192.0.2.1"}));
    memory::advance(io, 20s); // its deadline has passed without a trace
    p.say(R"({"cmd":"session-start","target":"bob","id":"3"})");
    memory::run(io);
    BOOST_TEST(p.events() == strings{R"(text:{"id":"3","ok":true})"});
    p.reset();
    memory::run(io);
    BOOST_TEST(told() == strings{"close: Connection Lost"});
    BOOST_TEST(d.cancelled.empty());
}

struct at_once {
    awaitable<errc> on_admit_deferred(const request&, admission& a) {
        a.id = "nobody else";
        co_return errc::ok;
    }
};

BOOST_FIXTURE_TEST_CASE(an_answer_at_once_is_as_good, office) {
    sigfire::server srv{memory::websocket{io}, hooks{at_once{}}};
    auto& p = come("x", command);
    p.read_header();
    BOOST_TEST(p.events().size() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_chain_asks_one_after_the_other, office) {
    asks second{&io, &d, "ban list"};
    sigfire::server srv{memory::websocket{io}, hooks{database, notebook{&log}, second}};
    auto& p = come("ann");
    BOOST_TEST(d.questions() == strings{"db ann"});
    BOOST_TEST(told().empty());
    answer("db ann");
    BOOST_TEST(told() == strings{"asked about ann"});
    BOOST_TEST(d.questions() == strings{"ban list ann"});
    BOOST_TEST(p.read() == "");
    answer("ban list ann");
    BOOST_TEST(told() == strings{"open ann: ban list of example.org from 192.0.2.1"});
    p.read_header();
    BOOST_TEST(p.events().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(the_first_refusal_ends_a_chain, office) {
    asks second{&io, &d, "ban list"};
    {
        sigfire::server srv{memory::websocket{io}, hooks{database, notebook{&log}, second}};
        auto& p = come("ann");
        answer("db ann", errc::rate);
        BOOST_TEST(p.read().starts_with("HTTP/1.1 429 "));
        BOOST_TEST(told().empty());
        auto& q = come("bob");
        answer("db bob");
        answer("ban list bob", errc::id_in_use);
        BOOST_TEST(q.read().starts_with("HTTP/1.1 409 "));
        BOOST_TEST(told() == strings{"asked about bob"});
    }
    sigfire::server srv{memory::websocket{io}, hooks{database, notebook{&log, errc::denied}, second}};
    auto& p = come("cyd");
    answer("db cyd");
    BOOST_TEST(p.read().starts_with("HTTP/1.1 403 "));
    BOOST_TEST(d.questions().empty());
}

// Knows some at once, and asks about the others.
struct asks_about_strangers : asks {
    errc on_admit(const request& r, admission& a) {
        if (r.query("id") == "eve") return errc::denied;
        if (r.query("id") != "ann") return errc::deferred;
        a.id = "ann";
        return errc::ok;
    }
};
static_assert(Hook<asks_about_strangers>);

BOOST_FIXTURE_TEST_CASE(a_hook_awaits_only_where_it_defers, office) {
    sigfire::server srv{memory::websocket{io}, hooks{asks_about_strangers{{&io, &d, "db"}}, notebook{&log}}};
    auto& p = come("ann");
    BOOST_TEST(p.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(come("eve").read().starts_with("HTTP/1.1 403 "));
    BOOST_TEST(d.questions().empty());
    auto& q = come("bob");
    BOOST_TEST(d.questions() == strings{"db bob"});
    answer("db bob");
    BOOST_TEST(q.read_header().starts_with("HTTP/1.1 101 "));
    BOOST_TEST(told() == (strings{"asked about ann", "open ann", "asked about bob",
                                  "open bob: db of example.org from 192.0.2.1"}));
}

// A hook that defers without having anything to await refuses.
struct promises {
    errc on_admit(const request&, admission&) { return errc::deferred; }
};

BOOST_FIXTURE_TEST_CASE(a_hook_that_defers_in_vain_refuses, office) {
    sigfire::server srv{memory::websocket{io}, hooks{promises{}, database}};
    BOOST_TEST(come("ann").read().starts_with("HTTP/1.1 403 "));
    BOOST_TEST(d.questions().empty());
}

struct throws_at_once {
    errc on_admit(const request&, admission&) { throw std::runtime_error{"no"}; }
};

BOOST_FIXTURE_TEST_CASE(a_throw_behind_an_awaited_hook_refuses_too, office) {
    sigfire::server srv{memory::websocket{io}, hooks{database, throws_at_once{}}, error_log{&log}};
    auto& p = come("ann");
    answer("db ann");
    BOOST_TEST(p.read().starts_with("HTTP/1.1 500 "));
    BOOST_TEST(told() == strings{"callback_failed what=no"});
    come("bob"); // and serves on
    BOOST_TEST(d.questions() == strings{"db bob"});
}

BOOST_FIXTURE_TEST_CASE(a_sync_hook_in_front_refuses_without_a_question, office) {
    sigfire::server srv{memory::websocket{io}, hooks{notebook{&log, errc::denied}, database}};
    BOOST_TEST(come("ann").read().starts_with("HTTP/1.1 403 "));
    BOOST_TEST(d.questions().empty());
}

// --- and are not

struct refuses {
    bureau* at;
    boost::asio::io_context* io;
    refusal how;
    awaitable<errc> on_admit_deferred(const request&, admission& a) {
        a.subprotocol = "chat";
        a.refused_as = how;
        co_return co_await at->ask(*io, "?");
    }
};

BOOST_FIXTURE_TEST_CASE(a_refusal_carries_the_words_of_the_hook, office) {
    {
        sigfire::server srv{memory::websocket{io}, hooks{refuses{&d, &io, {402, 4402, "Pay First"}}}};
        auto& p = come("ann", command);
        answer("?", errc::denied);
        const auto got = p.read();
        BOOST_TEST(got.starts_with("HTTP/1.1 402 Payment Required\r\n"), got);
        BOOST_TEST(got.ends_with("\r\n\r\nPay First"), got);
        BOOST_TEST(p.at->server_shut);
    }
    sigfire::server srv{memory::websocket{io}, hooks{refuses{&d, &io, {0, 4402, "Pay First"}}}};
    auto& p = come("ann");
    answer("?", errc::denied);
    const auto header = p.read_header();
    BOOST_TEST(header.starts_with("HTTP/1.1 101 "));
    BOOST_TEST(contains(header, "Sec-WebSocket-Protocol: chat\r\n"));
    BOOST_TEST(p.events() == strings{"close:4402:Pay First"});
    BOOST_TEST(!p.at->server_shut, "its part of the close is read");
    p.write(p.sealed_control(control::close, 4402));
    memory::run(io);
    BOOST_TEST(p.at->server_shut);
}

struct throws {
    bool before, standard;
    bureau* at;
    boost::asio::io_context* io;
    awaitable<errc> on_admit_deferred(const request&, admission& a) {
        a.refused_as = refusal{402, 4402, "Pay First"}; // not the true cause
        if (!before) static_cast<void>(co_await at->ask(*io, "?"));
        if (standard) throw std::runtime_error{"no route to database"};
        throw 42;
    }
};

BOOST_FIXTURE_TEST_CASE(an_exception_is_an_error_of_the_server_and_goes_to_the_log, office) {
    for (const bool before : {false, true})
        for (const bool standard : {false, true}) {
            sigfire::server srv{memory::websocket{io}, error_log{&log},
                                hooks{throws{before, standard, &d, &io}}};
            auto& p = come("ann");
            if (!before) answer("?");
            const auto got = p.read();
            BOOST_TEST(got.starts_with("HTTP/1.1 500 "), got);
            BOOST_TEST(got.ends_with("\r\n\r\nInternal Server Error"), got);
            BOOST_TEST(told() == strings{standard ? "callback_failed what=no route to database"
                                                  : "callback_failed what=unknown exception"});
        }
}

BOOST_FIXTURE_TEST_CASE(a_peer_that_goes_away_is_asked_about_no_longer, office) {
    sigfire::server srv{memory::websocket{io}, hooks{database, notebook{&log}}, error_log{&log}};
    auto& p = come("ann");
    auto& q = come("bob");
    p.reset();
    memory::run(io);
    BOOST_TEST(d.cancelled == strings{"db ann"});
    BOOST_TEST(p.at->server_closed);
    BOOST_TEST(told().empty()); // cancelled is not failed
    // In one turn: the answer, and the end.
    d.answer("db bob", errc::ok);
    q.reset();
    memory::run(io);
    const auto end = told();
    BOOST_TEST((end.empty() || end.back() == "close: Connection Lost"));
    memory::advance(io, 20s);
    BOOST_TEST(d.cancelled == strings{"db ann"});
    come("cyd");
    answer("db cyd");
    BOOST_TEST(told().back().starts_with("open cyd"));
}

BOOST_FIXTURE_TEST_CASE(a_peer_is_refused_if_its_hook_takes_too_long, office) {
    for (const bool heeds : {true, false}) {
        d.heeds_cancellation = heeds;
        d.cancelled.clear();
        sigfire::server srv{memory::websocket{io}, hooks{database, notebook{&log}}};
        auto& p = come("ann");
        memory::advance(io, 5s);
        auto& q = come("bob");
        memory::advance(io, 4900ms, 100ms);
        BOOST_TEST(p.read() == "");
        memory::advance(io, 100ms);
        const auto got = p.read();
        BOOST_TEST(got.starts_with("HTTP/1.1 503 "), got);
        BOOST_TEST(got.ends_with("\r\n\r\nHandshake Timeout"), got);
        BOOST_TEST(d.cancelled == strings{"db ann"});
        BOOST_TEST(q.read() == "");
        if (!heeds) answer("db ann"); // nobody listens any more
        answer("db bob");
        BOOST_TEST(q.read_header().starts_with("HTTP/1.1 101 "));
        BOOST_TEST(told().back() == "open bob: db of example.org from 192.0.2.1");
        BOOST_TEST(p.read() == "");
    }
}

BOOST_FIXTURE_TEST_CASE(so_many_wait_and_no_more, office) {
    sigfire::server srv{memory::websocket{io}, listener_options{.pending_admissions = 8}, hooks{database}};
    auto& a = come("a");
    auto& b = come("b");
    auto& refused = come("c"); // of the same address
    const auto got = refused.read();
    BOOST_TEST(got.starts_with("HTTP/1.1 503 "), got);
    BOOST_TEST(contains(got, "Retry-After: 1\r\n"));
    BOOST_TEST(got.ends_with("\r\n\r\nTry Again Later"), got);
    BOOST_TEST(d.questions() == (strings{"db a", "db b"}));
    for (int i = 0; i < 7; ++i) {
        auto& p = peers.emplace_back(io);
        p.at->address = "198.51.100." + std::to_string(i);
        p.write(memory::upgrade_request({}, "/?id=d" + std::to_string(i)));
        memory::run(io);
        BOOST_TEST(p.read().empty() == (i < 6));
    }
    answer("db a");
    BOOST_TEST(a.read_header().starts_with("HTTP/1.1 101 "));
    b.reset();
    memory::run(io);
    for (const auto* id : {"e", "f"}) BOOST_TEST(come(id).read() == "");
    BOOST_TEST(come("g").read().starts_with("HTTP/1.1 503 "));
}

BOOST_FIXTURE_TEST_CASE(how_long_that_is_is_an_option, office) {
    sigfire::server srv{memory::websocket{io}, listener_options{.admission_timeout = 1s}, hooks{database}};
    auto& p = come("ann");
    memory::advance(io, 900ms, 100ms);
    BOOST_TEST(p.read() == "");
    memory::advance(io, 100ms);
    BOOST_TEST(p.read().starts_with("HTTP/1.1 503 "));
}

BOOST_FIXTURE_TEST_CASE(a_listener_says_when_it_is_needed_again, office) {
    using hub_type = hub<local_registry, direct_router, any_channel, no_log, hooks<asks>>;
    hub_type h{{}, {}, {}, {}, hooks{database}};
    sigfire::listener<memory::websocket, codec::json, hub_type> l{memory::websocket{io}, {}, h};
    error_code ec;
    l.open(ec);
    auto& now = boost::asio::use_service<memory::net>(io).now;
    come("ann");
    answer("db ann");
    BOOST_TEST((l.tick(now) == time_point::max()));
    const auto came = now;
    come("ann");
    now += 1s;
    BOOST_TEST((l.tick(now) == came + 10s));
    d.answer("db ann", errc::ok);
    io.restart();
    io.poll_one(); // the coroutine has ended: now it is a claim
    BOOST_TEST((l.tick(now) == now + 2s));
}

BOOST_FIXTURE_TEST_CASE(an_answer_in_the_last_turn_counts, office) {
    sigfire::server srv{memory::websocket{io}, hooks{database}};
    auto& p = come("ann");
    boost::asio::use_service<memory::net>(io).now += 10s;
    answer("db ann");
    BOOST_TEST(p.read_header().starts_with("HTTP/1.1 101 "));
}

BOOST_FIXTURE_TEST_CASE(stop_refuses_waiting_peers, office) {
    for (const bool heeds : {true, false}) {
        d.heeds_cancellation = heeds;
        d.cancelled.clear();
        sigfire::server srv{memory::websocket{io}, hooks{database, notebook{&log}}};
        auto& p = come("ann");
        auto& q = come("bob");
        auto& r = come("cyd");
        d.answer("db bob", errc::ok); // not told yet
        d.answer("db cyd", errc::ok);
        io.restart();
        io.poll_one(); // bob's coroutine has ended, but no turn was run
        bool done = false;
        srv.stop(5s, [&] { done = true; });
        memory::run(io);
        BOOST_TEST(d.cancelled.at(0) == "db ann");
        for (auto* waiting : {&p, &q, &r}) {
            const auto got = waiting->read();
            BOOST_TEST(got.starts_with("HTTP/1.1 503 "), got);
            BOOST_TEST(got.ends_with("\r\n\r\nServer Stopping"), got);
            waiting->shut();
        }
        memory::run(io);
        BOOST_TEST(done);
        BOOST_TEST(io.stopped() == heeds, "a coroutine that does not heed the cancellation is waited for");
        if (!heeds) answer("db ann");
        BOOST_TEST(io.stopped());
        for (const auto& line : told()) BOOST_TEST(!line.starts_with("open"), line);
    }
}

BOOST_FIXTURE_TEST_CASE(hooks_outlive_their_server_while_coroutines_need_them, office) {
    for (const bool heeds : {true, false}) {
        d.heeds_cancellation = heeds;
        d.cancelled.clear();
        std::weak_ptr<int> alive;
        {
            asks hook{&io, &d, "a name that is too long to stand in the hook itself"};
            alive = hook.alive;
            asks second{&io, &d, "2"};
            std::optional<sigfire::server<memory::websocket, hooks<asks, asks>>> srv;
            srv.emplace(memory::websocket{io}, hooks{std::move(hook), std::move(second)});
            come("ann");
            srv.reset();
        }
        BOOST_TEST(d.cancelled.size() == 1u);
        if (!heeds) {
            io.restart();
            io.poll();
            BOOST_TEST(!alive.expired());
            answer(d.questions().at(0));
            BOOST_TEST(d.questions().empty(), "a cancelled peer is asked about no further");
        }
        io.restart();
        io.poll();
        BOOST_TEST(alive.expired());
        BOOST_TEST(io.stopped());
    }
}

BOOST_AUTO_TEST_CASE(an_io_context_may_go_with_questions_open) {
    base outside;
    std::weak_ptr<int> alive;
    {
        boost::asio::io_context io;
        peer p{io};
        {
            asks hook{&io, &outside.d, "db"};
            alive = hook.alive;
            outside.d.heeds_cancellation = false;
            sigfire::server srv{memory::websocket{io}, hooks{std::move(hook)}};
            p.write(memory::upgrade_request());
            memory::run(io);
        }
        BOOST_TEST(!alive.expired());
        outside.d.close();
    }
    BOOST_TEST(alive.expired());
}

// --- together with other parts of a hub

BOOST_FIXTURE_TEST_CASE(a_claimant_of_an_id_waits_twice, office) {
    for (const bool lives : {true, false}) {
        sigfire::server srv{memory::websocket{io}, hooks{database}};
        auto& holder = come("ann");
        answer("db ann");
        holder.read_header();
        holder.events();
        auto& claimant = come("ann", command);
        // Nothing happens for longer than a claim may take: it begins now all the same.
        boost::asio::use_service<memory::net>(io).now += 5s;
        d.answer("db ann", errc::ok);
        io.poll();
        memory::advance(io, 1900ms, 100ms);
        BOOST_TEST(holder.events() == strings{"ping:"});
        BOOST_TEST(claimant.read_header().starts_with("HTTP/1.1 101 "));
        BOOST_TEST(claimant.read() == "");
        if (lives) holder.write(holder.sealed_control(control::pong));
        memory::run(io);
        memory::advance(io, 200ms, 100ms);
        const auto got = claimant.events();
        if (lives) {
            BOOST_TEST(got == strings{"close:4500:Internal Server Error"});
        } else {
            BOOST_TEST_REQUIRE(got.size() == 2u);
            BOOST_TEST(contains(got[0], R"("id":"ann")"));
            BOOST_TEST(contains(got[1], R"({"id":"1",)"));
        }
    }
}

struct codec_that_refuses : codec::json {
    errc open(const request& r, state& st, admission& ad) {
        return r.path() == "/no" ? errc::denied : codec::json::open(r, st, ad);
    }
};

BOOST_FIXTURE_TEST_CASE(no_hook_is_asked_about_a_request_that_the_codec_refuses, office) {
    sigfire::server srv{memory::websocket{io}, codec_that_refuses{}, hooks{database}};
    peer p{io};
    p.write(memory::upgrade_request({}, "/no?id=ann"));
    memory::run(io);
    BOOST_TEST(p.read().starts_with("HTTP/1.1 403 "));
    BOOST_TEST(d.questions().empty());
}

BOOST_FIXTURE_TEST_CASE(a_wire_without_upgrade_is_cut_or_let_in, office) {
    using hub_type = hub<local_registry, direct_router, any_channel, no_log, hooks<asks>>;
    hub_type h{{}, {}, {}, {}, hooks{database}};
    sigfire::loopback net{io};
    sigfire::listener<memory::lengths, codec::json, hub_type> a{memory::lengths{io}, {}, h};
    sigfire::listener<sigfire::loopback, codec::json, hub_type> b{net, {}, h, {}, {.admission_timeout = 0ms}};
    error_code ec;
    a.open(ec);
    b.open(ec);
    memory::basic_peer<framing::length> p{io};
    p.say(command);
    memory::run(io);
    BOOST_TEST(d.questions() == strings{"db "});
    answer("db ");
    BOOST_TEST(p.events().size() == 2u);
    memory::basic_peer<framing::length> q{io};
    q.say(command);
    memory::run(io);
    answer("db ", errc::denied);
    BOOST_TEST(q.read() == "");
    BOOST_TEST(q.at->server_shut);

    std::uint16_t code = 0;
    auto end = net.connect();
    end.on_closed([&](const ending& e, errc) { code = e.close_code; });
    memory::run(io);
    BOOST_TEST(code == 4003);
    BOOST_TEST(d.cancelled == strings{"db "});
    BOOST_TEST(h.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(over_a_loopback, office) {
    sigfire::loopback net{io};
    sigfire::server srv{net, hooks{database, notebook{&log}}};
    auto let_in = net.connect(), refused = net.connect(), gone = net.connect(), stopped = net.connect();
    strings heard;
    let_in.on_message([&](message m) { heard.emplace_back(m.view()); });
    std::vector<std::uint16_t> codes;
    for (auto* e : {&refused, &stopped})
        e->on_closed([&](const ending& how, errc) { codes.push_back(how.close_code); });
    let_in.send(command);
    io.poll();
    BOOST_TEST(d.questions() == (strings{"db ", "db ", "db ", "db "}));
    BOOST_TEST(heard.empty());
    answer("db ");
    BOOST_TEST_REQUIRE(heard.size() == 2u);
    BOOST_TEST(contains(heard[0], "welcome"));
    BOOST_TEST(contains(heard[1], R"({"id":"1",)"));
    answer("db ", errc::denied);
    BOOST_TEST(codes == std::vector<std::uint16_t>{4400});
    gone.close();
    io.poll();
    BOOST_TEST(d.cancelled.size() == 1u);
    srv.stop();
    io.restart();
    io.poll();
    BOOST_TEST(d.cancelled.size() == 2u);
    BOOST_TEST((codes == std::vector<std::uint16_t>{4400, 1001}));
    BOOST_TEST(d.questions().empty());
}

// --- commands

// A coroutine asks each of its questions, and replies as it was told to.
struct clerk {
    bureau* at;
    boost::asio::io_context* io;
    command_reply reply = {};
    std::shared_ptr<int> alive = std::make_shared<int>();

    awaitable<command_reply> operator()(command_request r) const {
        const errc cause = co_await at->ask(*io, r.name + "/" + r.from + "/" + r.to + "/" + r.data);
        if (cause == errc::lost) throw std::runtime_error{"lost"};
        auto out = reply;
        if (cause != errc::ok) out.cause = cause;
        co_return out;
    }
};

struct named_peer {
    errc on_admit(const request& r, admission& a) {
        a.id = r.query("id");
        return errc::ok;
    }
};

struct counter : office {
    peer& come_named(const std::string& id) {
        auto& p = come(id);
        p.read_header();
        p.events();
        return p;
    }
    void say(peer& p, std::string_view text) {
        p.say(text);
        memory::run(io);
    }
};

BOOST_FIXTURE_TEST_CASE(a_command_may_be_awaited_and_those_behind_it_wait, counter) {
    const clerk finds{&d, &io, {.data = R"({"found":7})"}}, does{&d, &io};
    sigfire::server srv{memory::websocket{io},
                        hooks{named_peer{}, commands{{"find", sigfire::coroutine_command(io, finds)},
                                                     {"do", sigfire::coroutine_command(io, does)}}}};
    auto& p = come_named("ann");
    auto& q = come_named("bob");
    say(p, R"({"cmd":"find","id":"1","target":"x","data":{"a":1}})");
    say(p, R"({"cmd":"do","id":"2"})");
    say(q, R"({"cmd":"do","id":"3"})");
    BOOST_TEST(d.questions() == (strings{R"(find/ann/x/{"a":1})", "do/bob//"}));
    BOOST_TEST(p.read() == "");
    answer("do/bob//");
    BOOST_TEST(q.events() == strings{R"(text:{"id":"3","ok":true})"});
    answer(R"(find/ann/x/{"a":1})");
    BOOST_TEST(p.events() == strings{R"(text:{"id":"1","ok":true,"data":{"found":7}})"});
    answer("do/ann//");
    BOOST_TEST(p.events() == strings{R"(text:{"id":"2","ok":true})"});
}

BOOST_FIXTURE_TEST_CASE(an_awaited_command_may_fail, counter) {
    const clerk fails{&d, &io, {.text = "Not Here"}};
    sigfire::server srv{memory::websocket{io},
                        hooks{named_peer{}, commands{{"find", sigfire::coroutine_command(io, fails)}}}};
    auto& p = come_named("ann");
    for (const auto& [cause, text] :
         {std::pair{errc::rate, "Not Here"}, {errc::lost, "Internal Server Error"}}) {
        say(p, R"({"cmd":"find","id":"1"})");
        answer("find/ann//", cause);
        BOOST_TEST(p.events() == strings{R"(text:{"id":"1","ok":false,"data":{"message":")" +
                                         std::string{text} + R"("}})"});
    }
}

BOOST_FIXTURE_TEST_CASE(an_awaited_ok_lets_a_known_command_go_its_way, counter) {
    sigfire::server srv{
        memory::websocket{io},
        hooks{named_peer{}, commands{{"session-start", sigfire::coroutine_command(io, clerk{&d, &io})}}}};
    auto& p = come_named("ann");
    auto& q = come_named("bob");
    say(p, R"({"cmd":"session-start","id":"1","target":"bob"})");
    BOOST_TEST(q.read() == "");
    answer("session-start/ann/bob/");
    BOOST_TEST(p.events() == strings{R"(text:{"id":"1","ok":true})"});
    BOOST_TEST(contains(q.events().at(0), R"("cmd":"session-start","origin":"ann")"));
}

BOOST_FIXTURE_TEST_CASE(an_awaited_reply_that_nobody_waits_for_harms_nobody, counter) {
    std::weak_ptr<int> alive;
    {
        clerk slow{&d, &io};
        alive = slow.alive;
        std::optional<sigfire::server<memory::websocket, hooks<commands>>> srv;
        srv.emplace(memory::websocket{io},
                    hooks{commands{{"find", sigfire::coroutine_command(io, std::move(slow))}}});
        for (int i = 0; i < 2; ++i) say(come_named("x"), R"({"cmd":"find","id":"1","data":{}})");
        peers.front().reset();
        memory::run(io);
        answer(d.questions().at(0));
        srv.reset();
    }
    BOOST_TEST(!alive.expired());
    answer(d.questions().at(0));
    io.restart();
    io.poll();
    BOOST_TEST(alive.expired());
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
