// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/options.hpp>
#include <sigfire/core/asio/completion.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/pending_calls.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/json/member.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The stage of a session.
enum class session_stage : unsigned char { calling, ringing, open, over };

/// The state that a session object and its client share. Does no I/O.
struct session_state {
    std::string peer;
    /// From the other side's start or acceptance; when the session is over, from its end.
    std::string metadata;
    bool polite = false;
    session_stage stage = session_stage::calling;
    error_code cause{}; ///< why the session is over
    std::deque<incoming> inbox;
    // Pending operations by number, in order of arrival.
    std::map<std::uint64_t, completion<error_code, std::string>> callers;
    std::map<std::uint64_t, completion<error_code, incoming>> receivers;

    void accepted(std::string data) {
        if (stage != session_stage::calling) return;
        stage = session_stage::open;
        metadata = std::move(data);
        for (auto& [number, done] : std::exchange(callers, {})) done.complete({}, metadata);
    }

    void say(incoming said) {
        if (receivers.empty())
            inbox.push_back(std::move(said));
        else
            receivers.extract(receivers.begin()).mapped().complete({}, std::move(said));
    }

    void end(error_code why, std::string data = {}) {
        if (stage == session_stage::over) return;
        stage = session_stage::over;
        cause = why;
        metadata = std::move(data);
        for (auto& [number, done] : std::exchange(callers, {})) done.complete(why, metadata);
        for (auto& [number, done] : std::exchange(receivers, {})) done.complete(why, {});
    }
};

/// The sessions of a client that are not over, at most one with each peer.
class client_sessions {
public:
    using ptr = std::shared_ptr<session_state>;

    pending_calls<std::weak_ptr<session_state>> calling; ///< sessions without an answer yet

    ptr find(const std::string& peer) const {
        const auto at = sessions_.find(peer);
        return at == sessions_.end() ? nullptr : at->second;
    }

    /// Begins a session with `peer`. An existing session with that peer ends with `replaced`.
    ptr begin(std::string peer, session_stage stage, bool polite) {
        end(peer, errc::replaced);
        const auto s = std::make_shared<session_state>();
        s->peer = std::move(peer);
        s->stage = stage;
        s->polite = polite;
        return sessions_[s->peer] = s;
    }

    void end(const std::string& peer, error_code why, std::string data = {}) {
        if (auto at = sessions_.extract(peer)) at.mapped()->end(why, std::move(data));
    }

    void end_all(error_code why) {
        for (auto& [peer, s] : std::exchange(sessions_, {})) s->end(why);
    }

    /// Whether a message belongs to a session. If so, `said` is taken.
    bool hear(incoming& said) {
        if (sessions_.empty() || said.kind != incoming_kind::message) return false;
        const auto s = find(said.from);
        if (!s) return false;
        const std::string_view what = said.command;
        if (what == "session-accept")
            s->accepted(std::move(said.data));
        else if (what == "session-reject")
            end(said.from, errc::rejected, std::move(said.data));
        else if (what == "session-cancel")
            end(said.from, errc::cancelled, std::move(said.data));
        else if (what == "session-timeout")
            end(said.from, errc::expired, std::move(said.data));
        else if (what == "session-end")
            end(said.from, errc::ended, std::move(said.data));
        else if (what == "bye") {
            const auto cause = json_string(json_member(said.data, "cause"));
            end(said.from, cause.empty() ? errc::ended : cause_from(cause), std::move(said.data));
        } else if (what == "offer" || what == "answer" || what == "ice" || what == "renegotiate")
            s->say(std::move(said));
        else
            return false;
        return true;
    }

    /// Number of messages that wait to be received.
    std::size_t waiting() const {
        std::size_t n = 0;
        for (const auto& [peer, s] : sessions_) n += s->inbox.size();
        return n;
    }

private:
    std::map<std::string, ptr> sessions_;
};

} // namespace sigfire::inline v0_1::detail
