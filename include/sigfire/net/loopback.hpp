// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/net/engine/loop_clock.hpp>
#include <sigfire/net/engine/tell_failure.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of a loopback.
struct loopback_options {
    std::size_t message = std::size_t{1} << 20; ///< longest message in bytes, in both directions
    /// Bytes that may wait for a peer's end that does not read; more end with `slow_consumer`.
    std::size_t outbox = std::size_t{4} << 20;
    std::string name = "loopback"; ///< the name in `address`
};

namespace detail {

/// The state between the two ends of a loopback connection.
struct loopback_link {
    struct outgoing {
        message_type type;
        std::string bytes;
    };

    std::deque<outgoing> to_server, to_peer;
    std::size_t waiting = 0; // bytes in to_peer
    std::size_t message_limit = 0;
    errc peer_end = errc::ok;   // why the peer's end is closed
    errc server_end = errc::ok; // why the server's end is closed
    ending last_message;        // the server's close message
    bool ping = false;
    bool answers_pings = true;
    std::function<void()> wake_server; // empty when the engine is gone
    // Callbacks of the peer's end. A call shares ownership, since the callback may replace itself.
    std::shared_ptr<const std::function<void(message)>> on_message;
    std::function<void(const ending&, errc)> on_closed;
};

/// The meeting point of ends and engine.
struct loopback_place {
    std::function<bool(std::shared_ptr<loopback_link>)> enter; // empty while no engine listens
};

} // namespace detail

namespace transport {

/** Connections in memory: for peers in the same process, and for tests without sockets. Models Transport.
 *
 *  `loopback net{io}; server srv{net}; auto end = net.connect();` Copies refer to the same meeting point,
 *  for one engine at a time. Messages keep their order; the io_context delivers them in turns. The
 *  io_context outlives all ends, engines and descriptions. One thread.
 *
 *  This header is long because it holds a whole transport: both ends and the engine. */
class loopback {
    using link_ptr = std::shared_ptr<detail::loopback_link>;

public:
    /// A peer's end of a connection. The destructor closes it. Its callbacks run on the io_context, never
    /// inside a member function of the end. A callback may call any function of the end.
    class [[nodiscard]] end {
    public:
        /// An end that is closed.
        end() = default;
        /// The source is closed after the move.
        end(end&&) = default;
        /// Closes this end, then takes over `other`.
        end& operator=(end&& other) noexcept {
            close();
            link_ = std::move(other.link_);
            return *this;
        }
        /// Closes this end with `closed`.
        ~end() { close(); }

        /// Whether both ends are open.
        explicit operator bool() const {
            return link_ && link_->peer_end == errc::ok && link_->server_end == errc::ok;
        }

        /// Sends a message. Returns `ok`, `not_connected`, or `too_large` (longer than
        /// `loopback_options::message`).
        errc send(std::string_view bytes, message_type type = message_type::text) {
            if (!*this) return errc::not_connected;
            if (bytes.size() > link_->message_limit) return errc::too_large;
            link_->to_server.push_back({type, std::string{bytes}});
            wake();
            return errc::ok;
        }

        /// Sets the callback `f(message)` for each message, those that wait included. The bytes are valid
        /// during the call. Without a callback, this end does not read.
        void on_message(std::function<void(message)> f) {
            if (!link_) return;
            link_->on_message =
                f ? std::make_shared<const std::function<void(message)>>(std::move(f)) : nullptr;
            wake();
        }

        /// Sets the callback `f(ending, cause)`. It is called once, when the server's side ends the
        /// connection, with the server's close message and the cause.
        void on_closed(std::function<void(const ending&, errc)> f) {
            if (!link_) return;
            link_->on_closed = std::move(f);
            wake();
        }

        /// Whether this end answers pings (default: yes). For tests: an end without answers looks dead to the
        /// server.
        void answer_pings(bool yes) {
            if (link_) link_->answers_pings = yes;
        }

        /// Closes this end. The server gets `cause`, which is `closed` or `lost`. No callback is called after
        /// that.
        void close(errc cause = errc::closed) {
            if (!link_) return;
            link_->on_message = nullptr;
            link_->on_closed = nullptr;
            if (link_->peer_end == errc::ok) link_->peer_end = cause;
            wake();
            link_.reset();
        }

    private:
        friend class loopback;
        explicit end(link_ptr l) : link_{std::move(l)} {}

        void wake() {
            if (link_->wake_server) link_->wake_server();
        }

        link_ptr link_;
    };

    template <class State>
    class connection;
    template <class State, class Sink>
    class engine;

    /// Describes the meeting point on `io`.
    explicit loopback(boost::asio::io_context& io, loopback_options options = {})
        : io_{&io}, options_{std::move(options)}, place_{std::make_shared<detail::loopback_place>()} {}

    /// The io_context of this transport.
    boost::asio::io_context& context() const { return *io_; }

    /// Opens a connection. The end is closed if no engine listens.
    end connect() const {
        auto link = std::make_shared<detail::loopback_link>();
        link->message_limit = options_.message;
        if (!place_->enter || !place_->enter(link)) return {};
        return end{std::move(link)};
    }

private:
    boost::asio::io_context* io_;
    loopback_options options_;
    std::shared_ptr<detail::loopback_place> place_;
};

/// The server's end of a loopback connection. Models Connection.
template <class State>
class loopback::connection {
public:
    /// Made by the engine.
    connection(link_ptr l, const loopback_options& o, std::function<void()> wake)
        : link_{std::move(l)}, options_{&o}, wake_{std::move(wake)} {}

    /// Returns room for a message of at most `n` bytes. If they do not fit, the result is null, and the
    /// connection ends with `slow_consumer`.
    char* reserve(message_type type, std::size_t n) {
        if (cause_ != errc::ok) return nullptr;
        if (!room(n)) {
            link_->to_peer.clear();
            return finish({0, 4001, to_string(errc::slow_consumer)}, errc::slow_consumer), nullptr;
        }
        parcel_ = {type, std::string(n, '\0')};
        return parcel_.bytes.data();
    }

    /// Sends the first `n` bytes of the reserved room.
    void commit(std::size_t n) {
        parcel_.bytes.resize(n);
        link_->waiting += n;
        link_->to_peer.push_back(std::move(parcel_));
        wake_();
    }

    /// Whether `reserve` of `n` bytes would succeed now.
    bool room(std::size_t n) const {
        return cause_ == errc::ok && (link_->to_peer.empty() || link_->waiting + n <= options_->outbox);
    }

    /// A copy of the message that `append` can send on several connections.
    std::shared_ptr<const detail::loopback_link::outgoing> share(message_type type, std::string_view bytes) {
        return std::make_shared<const detail::loopback_link::outgoing>(
            detail::loopback_link::outgoing{type, std::string{bytes}});
    }

    /// Sends a shared message. Returns false if it does not fit. Each end owns its bytes, so this is a copy.
    bool append(const std::shared_ptr<const detail::loopback_link::outgoing>& block) {
        char* p = reserve(block->type, block->bytes.size());
        if (!p) return false;
        block->bytes.copy(p, block->bytes.size());
        commit(block->bytes.size());
        return true;
    }

    /// Admits the peer. This wire has no sub-protocol.
    void accept(std::string_view) {
        if (opening_) known_ = true;
        opening_ = false;
    }

    /// Refuses the peer, if it is not admitted yet.
    void refuse(const ending& e) {
        if (!opening_) return;
        known_ = false;
        close(e, errc::denied);
    }

    /// Stops reading.
    void hold() {
        if (opening_) known_ = true;
        held_ = true;
    }
    /// Reads again. Waiting messages are delivered first.
    void release() {
        held_ = opening_ && held_;
        wake_();
    }

    /// Pings the peer; `alive` of the sink reports the answer. False if the connection has ended.
    bool ping() {
        if (cause_ != errc::ok) return false;
        link_->ping = true;
        wake_();
        return true;
    }

    /// Sends all pending messages and `e`, then closes with `cause`.
    void close(const ending& e, errc cause) {
        opening_ = false;
        if (cause_ == errc::ok) finish(e, cause);
    }

    /// The state of the sink for this connection.
    State& state() { return state_; }

private:
    template <class, class>
    friend class loopback::engine;

    void finish(const ending& e, errc cause) {
        cause_ = cause;
        link_->last_message = e;
        wake_();
    }

    link_ptr link_;
    const loopback_options* options_;
    std::function<void()> wake_;
    detail::loopback_link::outgoing parcel_{};
    errc cause_ = errc::ok; // why the connection ends
    bool opening_ = true;
    bool held_ = false;
    bool known_ = false; // to the sink, which did not get `closed` yet
    State state_{};
};

/// Carries messages between the ends, in turns of the io_context.
template <class State, class Sink>
class loopback::engine {
    using milliseconds = std::chrono::milliseconds;

public:
    /// Made by a listener. `sink` outlives the engine.
    engine(const loopback& net, Sink& sink)
        : net_{net}, sink_{sink}, clock_{boost::asio::use_service<detail::loop_clock>(net.context())},
          timer_{net.context()} {}

    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// Cuts all connections without a callback of the sink.
    ~engine() {
        *token_ = false;
        if (listening_) net_.place_->enter = nullptr;
        for (auto* list : {&connections_, &entering_})
            for (auto& c : *list) {
                c->link_->wake_server = nullptr;
                if (c->link_->server_end == errc::ok) c->link_->server_end = errc::lost;
            }
    }

    /// Starts to accept. `address_in_use` if another engine uses the same meeting point.
    void open(error_code& ec) {
        if (net_.place_->enter) {
            ec = boost::asio::error::address_in_use;
            return;
        }
        listening_ = true;
        net_.place_->enter = [this](link_ptr l) {
            l->wake_server = [this] { wake(); };
            entering_.push_back(
                std::make_unique<connection<State>>(std::move(l), net_.options_, [this] { wake(); }));
            wake();
            return true;
        };
    }

    /// `loopback:` and the name of the options.
    std::string address() const { return "loopback:" + net_.options_.name; }

    /// Accepts no more, and drops connections that are opening. Cuts the rest after `drain`, or at once in a
    /// second call. Then calls `f()`.
    void stop(milliseconds drain, std::function<void()> f) {
        const bool again = std::exchange(stopping_, true);
        if (std::exchange(listening_, false)) net_.place_->enter = nullptr;
        if (f) stopped_ = std::move(f);
        const auto now = clock_.now(clock::now());
        drain_until_ = again ? now : now + drain;
        arm(drain_until_);
        wake();
    }

private:
    void wake() {
        if (std::exchange(waking_, true)) return;
        boost::asio::post(net_.context(), [this, token = token_] {
            if (*token) turn(token);
        });
    }

    // A callback of a peer may destroy the engine, so the token is checked after each call.
    void turn(const std::shared_ptr<bool> token) {
        waking_ = false;
        const auto now = clock_.turn(clock::now(), due_);
        // All messages that were sent are delivered before the sink judges silent peers.
        tick(due_ > now ? now : due_ - clock::duration{1});
        for (auto& c : std::exchange(entering_, {})) {
            auto& entered = *c;
            connections_.push_back(std::move(c));
            if (stopping_) {
                entered.refuse({503, 1001, to_string(errc::stopping)});
                continue;
            }
            guard(entered, [&] { sink_.opening(entered, request{}); });
            if (entered.opening_ && !entered.held_) entered.refuse({500, 1011, "Not Admitted"});
        }
        // A message that is sent in this turn is delivered in this turn. The loop uses an index, since the
        // sink may write to any connection.
        for (std::size_t i = 0; i < connections_.size(); ++i) listen(*connections_[i]);
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            const auto link = connections_[i]->link_;
            while (link->on_message && !link->to_peer.empty()) {
                auto outgoing = std::move(link->to_peer.front());
                link->to_peer.pop_front();
                link->waiting -= outgoing.bytes.size();
                const auto f = link->on_message;
                (*f)({outgoing.bytes, outgoing.type});
                if (!*token) return;
            }
        }
        for (std::size_t i = 0; i < connections_.size();) {
            if (!end_of(*connections_[i], now)) {
                ++i;
                continue;
            }
            const auto link = connections_[i]->link_;
            link->wake_server = nullptr;
            connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(i));
            if (link->on_closed)
                std::exchange(link->on_closed, nullptr)(link->last_message, link->server_end);
            if (!*token) return;
        }
        if (stopping_ && connections_.empty() && entering_.empty()) {
            timer_.cancel();
            if (stopped_) std::exchange(stopped_, nullptr)();
            return;
        }
        tick(now); // a message in this turn may have set a deadline
        arm(due_);
    }

    void tick(time_point t) {
        try {
            due_ = sink_.tick(clock_.tell(t));
        } catch (...) {
            detail::tell_failure(sink_, static_cast<connection<State>*>(nullptr));
            due_ = t + milliseconds{1000};
        }
    }

    // Runs `f` for a connection. If the sink throws, only that connection ends.
    template <class F>
    void guard(connection<State>& c, F f) {
        try {
            f();
        } catch (...) {
            detail::tell_failure(sink_, &c);
            const auto text = to_string(errc::internal_error);
            if (c.opening_ && !c.held_)
                c.refuse({500, 1011, text});
            else
                c.close({500, 1011, text}, errc::internal_error);
        }
    }

    void listen(connection<State>& c) {
        auto& l = *c.link_;
        while (!c.held_ && c.cause_ == errc::ok && !l.to_server.empty()) {
            auto outgoing = std::move(l.to_server.front());
            l.to_server.pop_front();
            guard(c, [&] { sink_.received(c, {outgoing.bytes, outgoing.type}); });
        }
        if (std::exchange(l.ping, false) && l.answers_pings && l.peer_end == errc::ok && c.cause_ == errc::ok)
            guard(c, [&] { sink_.alive(c); });
        const bool heard_all = c.opening_ || (!c.held_ && l.to_server.empty());
        if (heard_all && c.cause_ == errc::ok && l.peer_end != errc::ok) c.finish({0, 1000, {}}, l.peer_end);
        if (c.cause_ != errc::ok && std::exchange(c.known_, false))
            guard(c, [&] { sink_.closed(c, c.cause_); });
    }

    // Whether the connection is over: its output has been read, or will never be read.
    bool end_of(connection<State>& c, time_point now) {
        auto& l = *c.link_;
        if (c.cause_ == errc::ok && stopping_ && (c.opening_ || now >= drain_until_))
            c.finish({503, 1001, {}}, errc::stopping);
        if (c.cause_ == errc::ok) return false;
        if (std::exchange(c.known_, false)) guard(c, [&] { sink_.closed(c, c.cause_); });
        const bool read = l.to_peer.empty() || l.peer_end != errc::ok || c.cause_ == errc::slow_consumer ||
                          (stopping_ && now >= drain_until_);
        if (read) l.server_end = c.cause_;
        return read;
    }

    void arm(time_point t) {
        if (stopping_) t = std::min(t, drain_until_);
        if (t == time_point::max()) return;
        timer_.expires_at(clock_.real(t));
        timer_.async_wait([this, token = token_](error_code ec) {
            if (!ec && *token) turn(token);
        });
    }

    loopback net_;
    Sink& sink_;
    detail::loop_clock& clock_;
    time_point due_ = time_point::max(); // when to call the sink again
    boost::asio::steady_timer timer_;
    // Outlives the engine, for pending handlers.
    std::shared_ptr<bool> token_ = std::make_shared<bool>(true);
    std::vector<std::unique_ptr<connection<State>>> connections_, entering_;
    std::function<void()> stopped_;
    time_point drain_until_ = time_point::max();
    bool listening_ = false;
    bool stopping_ = false;
    bool waking_ = false;
};

static_assert(Transport<loopback> && SharingConnection<loopback::connection<int>>);

} // namespace transport

using transport::loopback;

} // namespace sigfire::inline v0_1
