// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/loopback.hpp>

#include <sigfire/test/transport_laws.hpp>

#include "support/stream_peer.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire;
using strings = std::vector<std::string>;

struct sink {
    static constexpr bool checks_utf8 = false;
    int opened = 0;
    strings heard;
    void opening(auto& c, const request&) {
        ++opened;
        c.accept({});
    }
    void received(auto& c, message m) {
        heard.emplace_back(m.view());
        if (char* p = c.reserve(m.type, m.bytes.size())) {
            std::copy(m.bytes.begin(), m.bytes.end(), p);
            c.commit(m.bytes.size());
        }
    }
    void alive(auto&) {}
    void closed(auto&, errc why) { heard.emplace_back(to_string(why)); }
    bool http(const request&, response&) { return false; }
    time_point tick(time_point) { return time_point::max(); }
};

using engine = sigfire::loopback::engine<int, sink>;
static_assert(Sink<sink, sigfire::loopback::connection<int>>);

// An end as the laws want it.
class peer {
public:
    explicit peer(sigfire::loopback::end e) : end_{std::move(e)} {
        end_.on_message([s = state_.get()](message m) { s->messages.emplace_back(m.view()); });
        end_.on_closed([s = state_.get()](const ending&, errc) { s->ended = true; });
    }

    void send(std::string_view text) { end_.send(text); }
    strings take() { return std::exchange(state_->messages, {}); }
    bool ended() const { return state_->ended; }
    void hang_up() { end_.close(); }
    void stall() { end_.on_message(nullptr); }

private:
    struct state {
        strings messages;
        bool ended = false;
    };
    std::unique_ptr<state> state_ = std::make_unique<state>();
    sigfire::loopback::end end_;
};

BOOST_AUTO_TEST_SUITE(loopback)

BOOST_AUTO_TEST_CASE(it_keeps_the_laws) {
    boost::asio::io_context io;
    sigfire::loopback net{io, {.message = 300'000, .outbox = 100'000}};
    test::transport_laws(
        net, 300'000, 100'000, [&](const std::string&) { return peer{net.connect()}; },
        [&](auto condition) { return stream_test::drive(io, nullptr, std::move(condition)); },
        [](bool holds, const char* law) { BOOST_TEST(holds, law); });
}

BOOST_AUTO_TEST_CASE(nobody_listens) {
    boost::asio::io_context io;
    sigfire::loopback net{io};
    auto e = net.connect();
    BOOST_TEST(!e);
    BOOST_TEST((e.send("x") == errc::not_connected));
    e.on_message([](message) {});
    e.on_closed([](const ending&, errc) {});
    e.answer_pings(false);
    e.close();
}

BOOST_AUTO_TEST_CASE(one_engine_at_a_time) {
    boost::asio::io_context io;
    sigfire::loopback net{io};
    sink s;
    error_code ec;
    {
        engine first{net, s}, second{net, s};
        first.open(ec);
        BOOST_TEST(!ec);
        second.open(ec);
        BOOST_TEST((ec == boost::asio::error::address_in_use));
        BOOST_TEST(first.address() == "loopback:loopback");
    }
    engine third{net, s};
    ec = {};
    third.open(ec);
    BOOST_TEST(!ec);
    BOOST_TEST(static_cast<bool>(net.connect()));
}

BOOST_AUTO_TEST_CASE(a_message_over_the_limit_is_not_sent) {
    boost::asio::io_context io;
    sigfire::loopback net{io, {.message = 10}};
    sink s;
    engine e{net, s};
    error_code ec;
    e.open(ec);
    auto end = net.connect();
    BOOST_TEST((end.send("01234567890") == errc::too_large));
    BOOST_TEST((end.send("0123456789", message_type::binary) == errc::ok));
    io.poll();
    BOOST_TEST(s.heard == strings{"0123456789"});
}

BOOST_AUTO_TEST_CASE(ends_outlive_their_engine) {
    boost::asio::io_context io;
    sigfire::loopback net{io};
    sink s;
    std::optional<engine> e;
    e.emplace(net, s);
    error_code ec;
    e->open(ec);
    auto known = net.connect();
    io.poll();
    auto entering = net.connect(); // the engine has not had a turn since
    e.reset();
    for (auto* end : {&known, &entering}) {
        BOOST_TEST(!*end);
        BOOST_TEST((end->send("anyone?") == errc::not_connected));
        end->on_message([](message) { BOOST_ERROR("nobody speaks"); });
        end->close();
    }
    io.restart();
    io.poll();
}

BOOST_AUTO_TEST_CASE(an_end_may_be_closed_or_changed_by_its_own_function) {
    boost::asio::io_context io;
    sigfire::loopback net{io};
    sink s;
    engine e{net, s};
    error_code ec;
    e.open(ec);
    auto end = net.connect();
    strings got;
    // The captures are on the heap: they must live until the function returns.
    end.on_message([&, first = std::string(100, 'f')](message) {
        end.on_message([&, second = std::string(100, 's')](message) {
            end.close();
            got.push_back(second);
        });
        got.push_back(first);
    });
    end.on_closed([](const ending&, errc) { BOOST_ERROR("the end that closes is not told"); });
    end.send("one");
    end.send("two");
    end.send("three");
    io.poll();
    BOOST_TEST(got == (strings{std::string(100, 'f'), std::string(100, 's')}));
    BOOST_TEST(!end);
    BOOST_TEST(s.heard.back() == "Connection Closed");
}

struct patient_sink : sink {
    std::vector<sigfire::loopback::connection<int>*> waiting;
    void opening(sigfire::loopback::connection<int>& c, const request&) {
        c.hold();
        waiting.push_back(&c);
    }
};

BOOST_AUTO_TEST_CASE(a_waiting_connection_is_seen_to_go_and_does_not_delay_the_end) {
    boost::asio::io_context io;
    sigfire::loopback net{io};
    patient_sink s;
    sigfire::loopback::engine<int, patient_sink> e{net, s};
    error_code ec;
    e.open(ec);
    auto goes = net.connect(), stays = net.connect();
    goes.send("never heard");
    stays.send("never heard");
    io.poll();
    BOOST_TEST(s.waiting.size() == 2u);
    goes.close(errc::lost);
    io.restart();
    io.poll();
    BOOST_TEST(s.heard == strings{"Connection Lost"});
    bool done = false;
    e.stop(std::chrono::hours{1}, [&] { done = true; });
    io.restart();
    io.poll();
    BOOST_TEST(done);
    BOOST_TEST(!stays);
    BOOST_TEST(s.heard == (strings{"Connection Lost", "Server Stopping"}));
}

// What a sink throws, and when.
struct throwing : sink {
    bool opens = false, ticks = false;
    strings failures;
    void opening(auto& c, const request& r) {
        if (opens) throw std::runtime_error{"broken hook"};
        sink::opening(c, r);
    }
    void received(auto& c, message m) {
        sink::received(c, m);
        if (m.view() == "throw") throw std::runtime_error{"broken handler"};
    }
    time_point tick(time_point) {
        if (ticks) throw std::runtime_error{"broken clock"};
        return time_point::max();
    }
    void failed(sigfire::loopback::connection<int>*, std::string_view what) { failures.emplace_back(what); }
};

BOOST_AUTO_TEST_CASE(a_throw_in_a_sink_costs_one_connection) {
    boost::asio::io_context io;
    throwing teller;
    const sigfire::loopback net{io};
    sigfire::loopback::engine<int, throwing> e{net, teller};
    error_code ec;
    e.open(ec);
    peer thrown{net.connect()}, other{net.connect()};
    const auto run = [&] {
        io.restart();
        io.poll();
    };
    thrown.send("throw");
    other.send("fine");
    run();
    BOOST_TEST(teller.failures == strings{"broken handler"});
    BOOST_TEST(thrown.ended());
    BOOST_TEST(other.take() == strings{"fine"});
    teller.ticks = true;
    other.send("still fine");
    run();
    teller.ticks = false;
    BOOST_TEST(other.take() == strings{"still fine"});
    teller.opens = true;
    peer refused{net.connect()};
    run();
    BOOST_TEST(refused.ended());
    BOOST_TEST(teller.failures.back() == "broken hook");
    other.send("as before");
    run();
    BOOST_TEST(other.take() == strings{"as before"});
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
