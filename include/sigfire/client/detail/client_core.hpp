// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_dial.hpp>
#include <sigfire/client/detail/client_inbox.hpp>
#include <sigfire/client/detail/client_link.hpp>
#include <sigfire/client/detail/client_liveness.hpp>
#include <sigfire/client/detail/client_memberships.hpp>
#include <sigfire/client/detail/client_session.hpp>
#include <sigfire/client/detail/client_sessions.hpp>
#include <sigfire/client/detail/client_waiter.hpp>
#include <sigfire/client/detail/reconnect_policy.hpp>
#include <sigfire/client/detail/session_operations.hpp>
#include <sigfire/client/json_client.hpp>
#include <sigfire/client/options.hpp>
#include <sigfire/client/server_message.hpp>
#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/asio/deadline_timer.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sigfire::inline v0_1 {

namespace detail {

/// The part of a client that its operations share: the state of its connection, and the pending operations.
/// Handlers are posted, so no user code runs inside. One thread at a time.
class client_core final : public std::enable_shared_from_this<client_core>,
                          public client_link_events,
                          public session_operations<client_core> {
    using kind = boost::asio::cancellation_type;

    static auto settle(error_code why) {
        return [why](client_waiter w) { w.settle(why); };
    }

public:
    client_core(boost::asio::any_io_executor executor, client_options options)
        : executor_{std::move(executor)}, options_{std::move(options)}, timer_{executor_},
          liveness_{options_.ping_interval} {
        options_.inbox = std::max<std::size_t>(options_.inbox, 1);
    }

    const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    bool online() const noexcept { return phase_ == phase::online; }
    std::string_view id() const noexcept { return id_; }

    /// The client is destroyed: aborts all pending operations, and rejects new ones.
    void abandon() {
        gone_ = true;
        drop(boost::asio::error::operation_aborted, {0, 1001, {}});
    }

    void connect(client_place to, completion<error_code, welcome> done) {
        if (gone_) return done.complete(boost::asio::error::operation_aborted, {});
        if (phase_ != phase::idle) return done.complete(boost::asio::error::already_connected, {});
        session_ = {};
        if (const auto ec = set_out(to)) return done.complete(ec, {});
        place_ = std::move(to);
        inbox_.clear();
        memberships_.clear();
        policy_.reset();
        if (options_.reconnect) policy_.emplace(*options_.reconnect);
        connect_ = std::move(done);
        const auto number = connection_ = ++last_;
        on_cancel(connect_, kind::terminal | kind::partial, [number](client_core& c) {
            if (c.connect_ && c.connection_ == number)
                c.drop(boost::asio::error::operation_aborted, {0, 0, {}});
        });
    }

    /// Sends `r`. `done` is empty if no operation waits for the reply.
    void request(const stored_request& r, client_waiter done) {
        if (gone_) return done.settle(boost::asio::error::operation_aborted);
        if (!online() && !returning_) return done.settle(errc::not_connected);
        const auto number = ++last_;
        auto& log = session_.log;
        std::string text;
        auto wrong = session_.compose(number, r.view(), options_.message, text);
        // Translation makes a message at most three times as long.
        if (wrong == errc::ok && options_.format && text.size() > options_.message / 3 &&
            options_.format->from_json(text)->size() > options_.message)
            wrong = errc::too_large;
        if (wrong != errc::ok) return done.settle(wrong);
        if (!log.keep(number, std::move(text), options_.outbox)) return done.settle(errc::full);
        if (online()) {
            flush();
            if (log.unsent(number)) return log.withdraw(number), done.settle(errc::full);
        }
        on_cancel(done, kind::terminal | kind::partial, [number](client_core& c) {
            c.session_.log.withdraw(number);
            c.session_.calls.forget(number, settle(boost::asio::error::operation_aborted));
        });
        if (policy_ && client_memberships::concerned(r))
            done.then = [this, r](error_code why, const server_reply& reply) {
                if (!why) memberships_.agreed(r, reply.data.bytes);
            };
        wait(number, std::move(done));
    }

    /// Calls `f` for requests of other peers, which then do not wait for `receive`; an empty one: they do.
    void on_request(std::function<void(incoming&)> f) { on_request_ = std::move(f); }

    /// How often the server has forgotten this client: numbers of requests before have no meaning then.
    std::uint64_t era() const noexcept { return era_; }

    /// Answers request `number` of that era; one that cannot be sent becomes a refusal.
    void answer_request(std::uint64_t number, std::uint64_t era, std::string data, bool failed) {
        if (era != era_ || gone_) return;
        client_waiter w;
        w.then = [this, number, era](error_code why, const server_reply&) {
            if (why == errc::malformed || why == errc::too_large) answer_request(number, era, {}, true);
        };
        request({.command = "respond", .data = std::move(data), .answered = number, .failed = failed},
                std::move(w));
    }

    void receive(completion<error_code, incoming> done) {
        if (gone_) return done.complete(boost::asio::error::operation_aborted, {});
        if (inbox_.give(done)) return read_on();
        if (phase_ == phase::idle) return done.complete(cause_, {});
        const auto number = ++last_;
        on_cancel(done, kind::terminal | kind::partial | kind::total,
                  [number](client_core& c) { c.inbox_.cancel(number); });
        inbox_.wait(number, std::move(done));
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
        returning_ = false;
        if (phase_ != phase::online) return drop(errc::closed, {0, 1000, {}});
        enter(phase::closing, options_.close_timeout);
        link_->finish();
        read_on();
    }

private:
    enum class phase : unsigned char { idle, waiting, connecting, greeting, online, closing };

    template <class Completion, class F>
    void on_cancel(const Completion& done, kind kinds, F f) {
        done.on_cancel(kinds, [weak = weak_from_this(), f] {
            if (const auto self = weak.lock()) f(*self);
        });
    }

    // Starts a connection. Returns why `to` or the options cannot be used, if so.
    error_code set_out(const client_place& to) {
        std::string hello;
        const errc wrong = session_.hello(options_.hello, resumes(), options_.message, hello);
        if (wrong != errc::ok) return wrong;
        auto link = dial(executor_, *this, to, options_, resumes() ? session_.resume_query() : "", hello);
        if (!link) return link.error();
        link_ = std::move(*link);
        enter(phase::connecting, options_.connect_timeout);
        return {};
    }

    void wait(std::uint64_t number, client_waiter w) {
        w.number = number;
        session_.calls.wait(number, std::move(w), clock::now() + options_.request_timeout);
        arm();
    }

    // The user takes messages, so the client reads again.
    void read_on() {
        liveness_.release(clock::now());
        if (link_) link_->resume();
    }

    bool resumes() const { return options_.reconnect && options_.reconnect->resumable; }

    void enter(phase next, std::chrono::milliseconds limit) {
        phase_ = next;
        deadline_ = clock::now() + limit;
        arm();
    }

    // --- called by the link ---

    void on_open(bool extras) override {
        session_.begin(resumes(), extras);
        enter(phase::greeting, options_.welcome_timeout);
    }

    void on_bytes() override { liveness_.heard(clock::now()); }

    bool on_message(message m) override {
        const auto e = session_.received(m, clock::now(), *this);
        if (e != errc::ok) {
            const bool silly = phase_ == phase::greeting && !session_.refused();
            drop(silly ? errc::bad_welcome : e, json_client{}.end(e));
            return false;
        }
        if (phase_ == phase::online) flush(), arm();
        const bool more = inbox_.size() + sessions_.waiting() < options_.inbox || phase_ == phase::closing;
        if (!more) liveness_.hold();
        return more;
    }

    void on_end(error_code why, std::uint16_t close_code) override { end(why, close_code); }

    // --- called by the session ---

    template <class Waiter>
    friend class client_session;

    std::uint64_t fresh() { return ++last_; }

    void say(const std::string& text) { link_->send(text); }

    void on_greeted(greeting g) {
        phase_ = phase::online;
        deadline_ = time_point::max();
        id_ = g.id;
        const auto now = clock::now();
        liveness_.begin(now);
        if (policy_) policy_->succeeded(now);
        if (connect_) return std::exchange(connect_, {}).complete({}, {id_, std::move(g.configuration)});
        returning_ = false;
        if (!g.recovered) forget_sent(errc::lost);
        inbox_.tell_online(g.recovered, std::move(g.configuration));
        if (!g.recovered) memberships_.for_each([this](const stored_request& r) { restore(r); });
    }

    void on_reply(client_waiter waiter, const server_reply& r) {
        waiter.settle(is_verdict(r.cause) ? error_code{} : r.cause, r);
    }

    void on_said(const server_message& m) {
        incoming said{std::string{m.command}, std::string{m.from}, std::string{m.data.bytes}};
        said.topic = m.topic;
        said.request = m.number;
        said.role = m.role;
        if (sessions_.hear(said)) return;
        if (on_request_ && said.command == "request") return on_request_(said);
        if (phase_ != phase::closing || inbox_.awaited() || inbox_.size() < options_.inbox)
            inbox_.tell(std::move(said));
    }

    void flush() {
        session_.log.flush([this](const std::string& text) { return link_->send(text); });
    }

    // These requests go before the kept ones, which may depend on them.
    void restore(const stored_request& r) {
        const auto number = ++last_;
        std::string text;
        if (session_.compose(number, r.view(), options_.message, text) != errc::ok) return;
        session_.log.keep_first(number, std::move(text));
        client_waiter w;
        w.then = [this, r](error_code why, const server_reply&) {
            // Without a reply, the server may still have done it.
            if (!why || why == errc::lost || why == errc::request_timeout || !online()) return;
            if (r.command == "join") memberships_.left(r.topic);
            incoming news;
            news.kind = incoming_kind::refused;
            news.command = r.command;
            news.from = r.target;
            news.topic = r.topic;
            news.cause = why;
            inbox_.tell(std::move(news));
        };
        wait(number, std::move(w));
    }

    // The server has no state of the last connection.
    void forget_sent(error_code why) {
        ++era_;
        sessions_.end_all(why);
        session_.calls.forget_if([this](std::uint64_t n) { return !session_.log.unsent(n); }, settle(why));
    }

    // --- how a connection ends ---

    void drop(error_code why, const ending& last_message) {
        if (link_) link_->abandon(last_message);
        end(why);
    }

    void end(error_code why, std::uint16_t close_code = 0) {
        if (phase_ == phase::idle) return;
        link_.reset();
        liveness_.end();
        if (returns(why, close_code)) return;
        phase_ = phase::idle;
        returning_ = false;
        cause_ = why;
        timer_.cancel();
        deadline_ = time_point::max();
        if (connect_) std::exchange(connect_, {}).complete(why, {});
        session_.calls.expire(time_point::max(), settle(why));
        sessions_.end_all(why);
        sessions_.calling = {};
        inbox_.cancel_all(why);
        for (auto& [number, done] : std::exchange(closers_, {}))
            done.complete(why == errc::closed ? error_code{} : why);
    }

    // Whether the client reconnects: it was online or tries to get online, and neither the client nor the
    // server forbids that.
    bool returns(error_code why, std::uint16_t close_code) {
        const bool stood = phase_ == phase::online;
        if (!policy_ || gone_ || !closers_.empty()) return false;
        if (!stood && !returning_ && !(connect_ && policy_->options().retry_first_connect)) return false;
        const auto when = policy_->next(why, close_code, clock::now(), chance());
        if (when == time_point::max()) return false;
        phase_ = phase::waiting;
        deadline_ = when;
        returning_ = !connect_;
        if (stood) {
            if (!session_.resumable()) forget_sent(why);
            inbox_.tell_offline(why);
        }
        arm();
        return true;
    }

    void again() {
        auto to = place_;
        const auto transform = policy_->options().url;
        if (const auto url = std::get_if<std::string>(&to); url && transform) {
            try {
                *url = transform(*url);
            } catch (...) { // an attempt that failed
                return end(errc::internal_error);
            }
            if (phase_ != phase::waiting) return;
        }
        if (const auto ec = set_out(to)) end(ec);
    }

    // Uniform in 0..1.
    static double chance() {
        std::array<unsigned char, 2> bytes;
        random_bytes(bytes);
        return (bytes[0] * 256 + bytes[1]) / 65535.0;
    }

    void arm() {
        timer_.arm(std::min({deadline_, session_.calls.deadline(), session_.deadline(),
                             sessions_.calling.deadline(), liveness_.deadline()}),
                   weak_from_this());
    }

    // Pings the server. On a wire without pings, every request gets a reply, whether it succeeds or fails.
    void probe() {
        if (link_->ping() || liveness_.held()) return;
        request(stored_request{.command = "exists"}, {});
    }

    friend class deadline_timer;
    friend class session_operations<client_core>;

    void tick(time_point now) {
        if (phase_ == phase::idle) return;
        session_.calls.expire(now, [this](client_waiter w) {
            session_.log.withdraw(w.number);
            w.settle(errc::request_timeout);
        });
        expire_sessions(now);
        if (now >= session_.deadline()) {
            const auto text = session_.confirmation();
            if (link_) link_->send(text);
        }
        const auto verdict = liveness_.look(now);
        if (verdict == client_liveness::verdict::gone)
            return drop(errc::pong_timeout, json_client{}.end(errc::pong_timeout));
        if (verdict == client_liveness::verdict::ask && phase_ == phase::online) probe();
        if (now < deadline_) return arm();
        if (phase_ == phase::waiting) return again();
        const auto why = phase_ == phase::connecting ? errc::connect_timeout
                         : phase_ == phase::greeting ? errc::welcome_timeout
                                                     : errc::close_timeout;
        drop(why, json_client{}.end(why));
    }

    boost::asio::any_io_executor executor_;
    client_options options_;
    deadline_timer timer_;
    client_liveness liveness_;          // of the server
    std::shared_ptr<client_link> link_; // null while idle or waiting
    client_session<client_waiter> session_;
    client_place place_;                     // as given to `connect`
    client_memberships memberships_;         // kept if the client reconnects
    std::optional<reconnect_policy> policy_; // of this connection and its successors
    completion<error_code, welcome> connect_;
    std::map<std::uint64_t, completion<error_code>> closers_; // in order of arrival
    client_inbox inbox_;
    std::function<void(incoming&)> on_request_;
    std::string id_;
    error_code cause_ = errc::not_connected;  // why there is no connection, while idle
    time_point deadline_ = time_point::max(); // when the phase times out
    std::uint64_t last_ = 0;                  // last number in use
    std::uint64_t connection_ = 0;
    std::uint64_t era_ = 0;
    phase phase_ = phase::idle;
    bool returning_ = false; // was online, and reconnects
    bool gone_ = false;
};

} // namespace detail

} // namespace sigfire::inline v0_1
