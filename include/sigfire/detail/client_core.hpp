// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/codec/json.hpp>
#include <sigfire/concepts.hpp>
#include <sigfire/detail/client_handshake.hpp>
#include <sigfire/detail/client_link.hpp>
#include <sigfire/detail/client_session.hpp>
#include <sigfire/detail/client_stream.hpp>
#include <sigfire/detail/completion.hpp>
#include <sigfire/detail/deadline_timer.hpp>
#include <sigfire/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire {

/// Settings of a client. No deadline is met early; 0 is at once, not never.
struct client_options {
    /// WebSocket sub-protocol to offer. A server may have none; another is a `bad_handshake`.
    std::string subprotocol{codec::json_subprotocol};
    /// Further fields of the upgrade request: `Authorization`, `Cookie`, `Origin`, ...
    std::vector<std::pair<std::string, std::string>> headers{};
    std::chrono::milliseconds connect_timeout{10000}; ///< to be connected, WebSocket handshake included
    std::chrono::milliseconds welcome_timeout{5000};  ///< from then on, to be welcomed
    std::chrono::milliseconds request_timeout{10000}; ///< for the reply to each request
    std::chrono::milliseconds close_timeout{5000};    ///< for the server to agree to a close
    std::size_t inbox = 256;          ///< messages that wait for `receive` before reading stops, at least 1
    std::uint32_t message = 1u << 20; ///< bytes of the longest message in either direction
    std::size_t outbox = 4u << 20;    ///< bytes that wait to be sent before requests are `full`
    std::size_t header = 8192;        ///< bytes of the server's answer to the upgrade request
    std::uint32_t idle_frames = 1000; ///< control and empty frames in a row without a message
};

/// How a server greets.
struct welcome {
    std::string id;            ///< this client's id, by which others reach it
    std::string configuration; ///< RTCConfiguration, JSON text; empty if the server has none
};

/// What another peer says.
struct incoming {
    std::string command; ///< `offer`, `answer`, `ice`, `session-start`, ...
    std::string from;    ///< the other peer's id; empty if the server says it itself
    std::string data;    ///< JSON text; empty if there is none
};

namespace detail {

/** What a client shares with its operations: the state of its connection, and who waits for what. Handlers
 *  are posted, so no code of the user's runs inside. One thread at a time. */
class client_core final : public std::enable_shared_from_this<client_core>, public client_link_events {
    using kind = boost::asio::cancellation_type;

    static auto settle(error_code why) {
        return [why](completion<error_code> done) { done.complete(why); };
    }

public:
    client_core(boost::asio::any_io_executor executor, client_options options)
        : executor_{std::move(executor)}, options_{std::move(options)}, timer_{executor_} {
        options_.inbox = std::max<std::size_t>(options_.inbox, 1);
    }

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    bool online() const noexcept { return phase_ == phase::online; }
    std::string_view id() const noexcept { return id_; }

    /// The client is gone: whatever is under way is aborted, and nothing begins any more.
    void abandon() {
        gone_ = true;
        drop(boost::asio::error::operation_aborted, {0, 1001, {}});
    }

    void connect(const std::string& text, completion<error_code, welcome> done) {
        if (!may_connect(done)) return;
        const auto url = parse_url(text);
        if (!url) return done.complete(url.error(), {});
        auto key = upgrade_key();
        auto request = url->via == scheme::ws
                           ? upgrade_request(*url, key, options_.subprotocol, options_.headers)
                           : std::string{};
        if (!request) return done.complete(request.error(), {});
        const auto link = std::make_shared<client_stream>(
            executor_, *this,
            client_stream_limits{{options_.message, options_.idle_frames, !codec::json_client::checks_utf8},
                                 options_.outbox,
                                 options_.header});
        connecting(link, std::move(done));
        link->open(*url, std::move(*request), std::move(key), options_.subprotocol);
    }

    void connect(const transport::loopback& net, completion<error_code, welcome> done) {
        if (!may_connect(done)) return;
        const auto link = std::make_shared<client_loopback>(*this);
        connecting(link, std::move(done));
        link->open(net);
    }

    void request(std::string_view to, std::string_view command, std::string_view data,
                 completion<error_code> done) {
        if (gone_) return done.complete(boost::asio::error::operation_aborted);
        if (!online()) return done.complete(errc::not_connected);
        const auto number = ++last_;
        std::string text;
        const auto e = session_.compose(number, to, command, data, options_.message, text);
        if (e != errc::ok) return done.complete(e);
        if (!link_->send(text)) return done.complete(errc::full);
        on_cancel(done, kind::terminal | kind::partial, [number](client_core& c) {
            c.session_.calls.forget(number, settle(boost::asio::error::operation_aborted));
        });
        session_.calls.wait(number, std::move(done), clock::now() + options_.request_timeout);
        arm();
    }

    void receive(completion<error_code, incoming> done) {
        if (gone_) return done.complete(boost::asio::error::operation_aborted, {});
        if (!inbox_.empty()) {
            done.complete({}, std::move(inbox_.front()));
            inbox_.pop_front();
            if (link_) link_->resume();
            return;
        }
        if (phase_ == phase::idle) return done.complete(cause_, {});
        const auto number = ++last_;
        on_cancel(done, kind::terminal | kind::partial | kind::total, [number](client_core& c) {
            if (auto at = c.receivers_.extract(number))
                at.mapped().complete(boost::asio::error::operation_aborted, {});
        });
        receivers_.emplace_hint(receivers_.end(), number, std::move(done));
    }

    void close(completion<error_code> done) {
        if (gone_) return done.complete(boost::asio::error::operation_aborted);
        if (phase_ == phase::idle) return done.complete(errc::not_connected);
        const auto number = ++last_;
        on_cancel(done, kind::terminal | kind::partial, [number](client_core& c) {
            if (c.closers_.contains(number)) c.drop(boost::asio::error::operation_aborted, {0, 0, {}});
        });
        closers_.emplace_hint(closers_.end(), number, std::move(done));
        if (phase_ == phase::closing) return;
        if (phase_ != phase::online) return drop(errc::closed, {0, 1000, {}});
        enter(phase::closing, options_.close_timeout);
        link_->finish();
        link_->resume();
    }

private:
    enum class phase : unsigned char { idle, connecting, greeting, online, closing };

    template <class Completion, class F>
    void on_cancel(const Completion& done, kind kinds, F f) {
        done.on_cancel(kinds, [weak = weak_from_this(), f] {
            if (const auto self = weak.lock()) f(*self);
        });
    }

    bool may_connect(completion<error_code, welcome>& done) {
        if (gone_) return done.complete(boost::asio::error::operation_aborted, {}), false;
        if (phase_ != phase::idle) return done.complete(boost::asio::error::already_connected, {}), false;
        return true;
    }

    void connecting(std::shared_ptr<client_link> link, completion<error_code, welcome> done) {
        inbox_.clear();
        session_ = {};
        link_ = std::move(link);
        connect_ = std::move(done);
        const auto number = connection_ = ++last_;
        on_cancel(connect_, kind::terminal | kind::partial, [number](client_core& c) {
            if (c.connect_ && c.connection_ == number)
                c.drop(boost::asio::error::operation_aborted, {0, 0, {}});
        });
        enter(phase::connecting, options_.connect_timeout);
    }

    void enter(phase next, std::chrono::milliseconds limit) {
        phase_ = next;
        deadline_ = clock::now() + limit;
        arm();
    }

    // --- what the link tells ---

    void on_open() override { enter(phase::greeting, options_.welcome_timeout); }

    bool on_message(message m) override {
        const auto e = session_.received(m, *this);
        if (e == errc::ok) return inbox_.size() < options_.inbox || phase_ == phase::closing;
        const bool greeted = phase_ != phase::greeting;
        drop(greeted ? e : errc::bad_welcome, codec::json_client{}.end(e, {}));
        return false;
    }

    void on_end(error_code why) override { end(why); }

    // --- what the session tells ---

    template <class Waiter>
    friend class client_session;

    void on_welcome(envelope& e) {
        phase_ = phase::online;
        deadline_ = time_point::max();
        id_ = e.to;
        std::exchange(connect_, {}).complete({}, {id_, std::string{e.data.bytes}});
    }

    void on_reply(completion<error_code> waiter, errc status) {
        waiter.complete(is_verdict(status) ? error_code{} : status);
    }

    void on_signal(envelope& e) {
        incoming said{std::string{e.command}, std::string{e.from}, std::string{e.data.bytes}};
        if (!receivers_.empty())
            receivers_.extract(receivers_.begin()).mapped().complete({}, std::move(said));
        else if (inbox_.size() < options_.inbox) // or else this client is closing
            inbox_.push_back(std::move(said));
    }

    // --- how it ends ---

    void drop(error_code why, const ending& farewell) {
        if (link_) link_->abandon(farewell);
        end(why);
    }

    void end(error_code why) {
        if (phase_ == phase::idle) return;
        link_.reset();
        phase_ = phase::idle;
        cause_ = why;
        timer_.cancel();
        deadline_ = time_point::max();
        if (connect_) std::exchange(connect_, {}).complete(why, {});
        session_.calls.expire(time_point::max(), settle(why));
        for (auto& [number, done] : std::exchange(receivers_, {})) done.complete(why, {});
        for (auto& [number, done] : std::exchange(closers_, {}))
            done.complete(why == errc::closed ? error_code{} : why);
    }

    void arm() { timer_.arm(std::min(deadline_, session_.calls.deadline()), weak_from_this()); }

    friend class deadline_timer;

    void tick(time_point now) {
        if (phase_ == phase::idle) return;
        session_.calls.expire(now, settle(errc::request_timeout));
        if (now < deadline_) return arm();
        const auto why = phase_ == phase::connecting ? errc::connect_timeout
                         : phase_ == phase::greeting ? errc::welcome_timeout
                                                     : errc::close_timeout;
        drop(why, codec::json_client{}.end(why, {}));
    }

    boost::asio::any_io_executor executor_;
    client_options options_;
    deadline_timer timer_;
    std::shared_ptr<client_link> link_; // null while idle
    client_session<completion<error_code>> session_;
    completion<error_code, welcome> connect_;
    // Who waits, by number, in the order they came.
    std::map<std::uint64_t, completion<error_code, incoming>> receivers_;
    std::map<std::uint64_t, completion<error_code>> closers_;
    std::deque<incoming> inbox_;
    std::string id_;
    error_code cause_ = errc::not_connected;  // why there is no connection, while idle
    time_point deadline_ = time_point::max(); // of the phase
    std::uint64_t last_ = 0;                  // number drawn
    std::uint64_t connection_ = 0;
    phase phase_ = phase::idle;
    bool gone_ = false;
};

} // namespace detail

} // namespace sigfire
