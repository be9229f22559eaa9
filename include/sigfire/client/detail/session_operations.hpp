// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_memberships.hpp>
#include <sigfire/client/detail/client_sessions.hpp>
#include <sigfire/client/detail/client_waiter.hpp>
#include <sigfire/client/options.hpp>
#include <sigfire/client/server_message.hpp>
#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/error.hpp>

#include <memory>
#include <string>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The operations of sessions, as a part of a client's `Core`.
template <class Core>
class session_operations {
    using kind = boost::asio::cancellation_type;

public:
    using session_ptr = client_sessions::ptr;

    session_ptr start(std::string to, std::string metadata) {
        const bool twice = sessions_.find(to) != nullptr;
        const auto s =
            twice ? std::make_shared<session_state>() : sessions_.begin(to, session_stage::calling, false);
        if (twice) {
            s->peer = std::move(to);
            s->end(boost::asio::error::already_connected);
            return s;
        }
        client_waiter w;
        w.then = [this, s](error_code why, const server_reply& reply) {
            if (why) return over(s, why, std::string{reply.data.bytes});
            s->polite = reply.role == politeness::polite;
        };
        core().request({.command = "session-start", .target = s->peer, .data = std::move(metadata)},
                       std::move(w));
        if (s->stage != session_stage::calling) return s;
        sessions_.calling.wait(core().fresh(), s, clock::now() + core().options_.session_timeout);
        core().arm();
        return s;
    }

    session_ptr adopt(const incoming& start) {
        const bool polite = start.role != politeness::impolite;
        if (start.command != "session-start" || start.from.empty() || core().phase_ == Core::phase::idle) {
            const auto s = std::make_shared<session_state>();
            s->peer = start.from;
            s->end(core().phase_ == Core::phase::idle ? core().cause_ : errc::malformed);
            return s;
        }
        const auto s = sessions_.begin(start.from, session_stage::ringing, polite);
        s->metadata = start.data;
        // Messages since then belong to the session, up to the start of another one.
        core().inbox_.sift(
            [&s](const incoming& said) { return said.from == s->peer && said.command == "session-start"; },
            [this](incoming& said) { return sessions_.hear(said); });
        return s;
    }

    void wait_accepted(const session_ptr& s, completion<error_code, std::string> done) {
        if (core().gone_) return done.complete(boost::asio::error::operation_aborted, {});
        if (s->stage != session_stage::calling) return done.complete(s->cause, s->metadata);
        const auto number = core().fresh();
        core().on_cancel(done, kind::terminal | kind::partial | kind::total,
                         [number, weak = std::weak_ptr{s}](Core&) {
                             const auto still = weak.lock();
                             if (!still) return;
                             if (auto at = still->callers.extract(number))
                                 at.mapped().complete(boost::asio::error::operation_aborted, {});
                         });
        s->callers.emplace_hint(s->callers.end(), number, std::move(done));
    }

    void receive_from(const session_ptr& s, completion<error_code, incoming> done) {
        if (core().gone_) return done.complete(boost::asio::error::operation_aborted, {});
        if (!s->inbox.empty()) {
            done.complete({}, std::move(s->inbox.front()));
            s->inbox.pop_front();
            core().read_on();
            return;
        }
        if (s->stage == session_stage::over) return done.complete(s->cause, {});
        const auto number = core().fresh();
        core().on_cancel(done, kind::terminal | kind::partial | kind::total,
                         [number, weak = std::weak_ptr{s}](Core&) {
                             const auto still = weak.lock();
                             if (!still) return;
                             if (auto at = still->receivers.extract(number))
                                 at.mapped().complete(boost::asio::error::operation_aborted, {});
                         });
        s->receivers.emplace_hint(s->receivers.end(), number, std::move(done));
    }

    /// Accepts or rejects a session that the other side started.
    void answer(const session_ptr& s, std::string command, std::string data, completion<error_code> done) {
        if (s->stage == session_stage::over) return done.complete(s->cause);
        if (s->stage != session_stage::ringing) return done.complete(errc::malformed);
        const bool yes = command == "session-accept";
        client_waiter w{std::move(done)};
        w.then = [this, s](error_code why, const server_reply&) {
            if (why) over(s, why);
        };
        if (yes)
            s->stage = session_stage::open;
        else
            over(s, errc::closed);
        core().request({.command = std::move(command), .target = s->peer, .data = std::move(data)},
                       std::move(w));
    }

    void signal(const session_ptr& s, std::string command, std::string data, completion<error_code> done) {
        if (s->stage == session_stage::over) return done.complete(s->cause);
        core().request({.command = std::move(command), .target = s->peer, .data = std::move(data)},
                       std::move(done));
    }

    void end_session(const session_ptr& s, client_waiter done) {
        if (s->stage == session_stage::over) return done.settle(s->cause);
        const auto command = s->stage == session_stage::calling   ? "session-cancel"
                             : s->stage == session_stage::ringing ? "session-reject"
                                                                  : "session-end";
        over(s, errc::closed);
        core().request({.command = command, .target = s->peer}, std::move(done));
    }

protected:
    // Ends the session, unless it is over or another one has replaced it.
    void over(const session_ptr& s, error_code why, std::string data = {}) {
        if (sessions_.find(s->peer) == s) sessions_.end(s->peer, why, std::move(data));
    }

    void expire_sessions(time_point now) {
        sessions_.calling.expire(now, [this](const std::weak_ptr<session_state>& w) {
            const auto s = w.lock();
            if (!s || s->stage != session_stage::calling) return;
            core().request({.command = "session-cancel", .target = s->peer}, {});
            over(s, errc::expired);
        });
    }

    client_sessions sessions_;

private:
    Core& core() { return static_cast<Core&>(*this); }
};

} // namespace sigfire::inline v0_1::detail
