// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/network.hpp"
#include <sigfire/core/concepts.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::test {

/** The server's side of a `network`. Models Transport, so that real listeners serve the peers of a test in
 *  virtual time: `network net{seed}; listener l{transport{net}, json{}, hub};`. One engine at a time listens
 *  on a network, which outlives it. */
class transport {
public:
    template <class State>
    class connection;
    template <class State, class Sink>
    class engine;

    explicit transport(network& net) noexcept : net_(&net) {}

    boost::asio::io_context& context() const noexcept { return net_->context(); }

private:
    network* net_;
};

/// The server's end of a link. Models Connection.
template <class State>
class transport::connection {
public:
    explicit connection(link& l) noexcept : link_(&l) {}

    char* reserve(message_type type, std::size_t n) { return link_->reserve(type, n); }
    void commit(std::size_t n) { link_->commit(n); }
    bool room(std::size_t n) { return link_->room(n); }
    void accept(std::string_view subprotocol) { link_->accept(subprotocol); }
    void refuse(const ending& e) { link_->refuse(e); }
    void hold() { link_->hold(); }
    void release() { link_->release(); }
    bool ping() { return link_->ping(); }
    void close(const ending& e, errc why) { link_->close(e, why); }
    State& state() noexcept { return state_; }

    /// What it is the end of.
    link& wire() const noexcept { return *link_; }

private:
    link* link_;
    State state_{};
};

/// Hands arriving messages to a sink.
template <class State, class Sink>
class transport::engine : network::server {
public:
    engine(const transport& t, Sink& sink) : net_(*t.net_), sink_(sink) {}
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    ~engine() override { net_.listen(nullptr); }

    void open(error_code&) { net_.listen(this); }
    std::string address() const { return "network:test"; }

    /// Accepts no more, and nobody that still waits for an answer; a connection left after `drain` is cut.
    /// `f()` is called when the sink was told of all ends.
    void stop(std::chrono::milliseconds drain, std::function<void()> f) {
        stopping_ = true;
        for (auto& [number, c] : connections_)
            if (!c.wire().told() && !c.wire().answered())
                c.close({503, 1001, to_string(errc::stopping)}, errc::stopping);
        if (f) stopped_ = std::move(f);
        net_.clock.after(drain, [this] {
            for (auto& [number, c] : connections_)
                if (!c.wire().told()) c.wire().cut();
            finish();
        });
    }

private:
    void opening(link& l) override {
        if (stopping_) return l.refuse({503, 1001, to_string(errc::stopping)});
        auto& c = connections_.emplace(l.number, l).first->second;
        sink_.opening(c, l.asked());
        if (!l.answered() && !l.held()) l.refuse({500, 1011, "Not Admitted"});
    }

    void received(link& l, std::string& bytes, message_type type) override {
        sink_.received(connections_.at(l.number), {bytes, type});
    }

    void alive(link& l) override { sink_.alive(connections_.at(l.number)); }

    void closed(link& l, errc why) override {
        sink_.closed(connections_.at(l.number), why);
        finish();
    }

    time_point tick(time_point now) override { return sink_.tick(now); }

    void finish() {
        if (!stopping_ || !stopped_) return;
        for (auto& [number, c] : connections_)
            if (!c.wire().told()) return;
        std::exchange(stopped_, nullptr)();
    }

    network& net_;
    Sink& sink_;
    // Connections that are gone stay here: code that still uses one shall be told, not crash.
    std::map<std::uint32_t, connection<State>> connections_;
    std::function<void()> stopped_;
    bool stopping_ = false;
};

static_assert(Transport<transport>);

} // namespace sigfire::inline v0_1::test
