// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_core.hpp>
#include <sigfire/client/detail/client_sessions.hpp>
#include <sigfire/client/detail/client_start.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/json/object.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire {

/** A session with another peer: one side starts it, the other accepts or rejects it, then both say offers,
 *  answers and candidates until one ends it. From `client::start` or `client::adopt`.
 *
 *      auto s = c.start(other, R"({"name":"Alice"})");
 *      auto metadata = co_await s.accepted();
 *      co_await s.signal("offer", R"({"offer":{"type":"offer","sdp":"..."}})");
 *      auto answer = co_await s.receive();
 *
 *  How it ends: `rejected`, `cancelled` (by the caller), `expired` (nobody answered in time), `ended` (by the
 *  other side), `closed` (by this one), `replaced` (by another session with that peer), the cause for which
 *  the other side went (`lost`, ...) or why this client lost its connection. Each operation completes with
 *  it then.
 *
 *  Operations are as those of a `client`, and so is thread safety. Destroyed, a session is ended. A session
 *  that outlives its client is over. */
class [[nodiscard]] session {
    template <class Token, class... Results>
    static constexpr bool completes = boost::asio::completion_token_for<Token, void(error_code, Results...)>;

public:
    session() = default; ///< one that is over
    session(session&&) = default;
    session& operator=(session&& other) noexcept {
        if (this == &other) return *this;
        drop();
        core_ = std::move(other.core_);
        state_ = std::move(other.state_);
        return *this;
    }
    ~session() { drop(); }

    /// The other side's id; valid as long as this object.
    std::string_view peer() const { return state_ ? std::string_view{state_->peer} : std::string_view{}; }

    /// Whether this side gives way when both make an offer at once (W3C WebRTC, 10.7).
    bool polite() const { return state_ && state_->polite; }

    /// The metadata by which the other side started or accepted it, JSON text or empty; once it is over, of
    /// its end.
    std::string_view metadata() const {
        return state_ ? std::string_view{state_->metadata} : std::string_view{};
    }

    /// Why it is over; no error while it is not.
    error_code cause() const { return state_ ? state_->cause : error_code{errc::closed}; }

    /** Completes once the other side has accepted, with the metadata it gave; or with why it did not, and its
     *  words on that: `{"message":TEXT,...}`. Cancelled, the session goes on. */
    template <class Token = boost::asio::deferred_t>
        requires completes<Token, std::string>
    [[nodiscard]] auto accepted(Token&& token = Token{}) {
        return start<void(error_code, std::string)>(
            token, [](auto& core, auto& s, auto&& done) { core.wait_accepted(s, std::move(done)); });
    }

    /// Accepts a session that the other side started; `metadata` is JSON or empty.
    template <class Token = boost::asio::deferred_t>
        requires completes<Token>
    [[nodiscard]] auto accept(std::string metadata, Token&& token = Token{}) {
        return start<void(error_code)>(
            token,
            [](auto& core, auto& s, auto&& done, std::string& data) {
                core.answer(s, "session-accept", std::move(data), std::move(done));
            },
            std::move(metadata));
    }

    /// Rejects it, saying why in words, and in `data`, which is JSON or empty.
    template <class Token = boost::asio::deferred_t>
        requires completes<Token>
    [[nodiscard]] auto reject(std::string_view text, std::string_view data, Token&& token = Token{}) {
        return start<void(error_code)>(
            token,
            [](auto& core, auto& s, auto&& done, std::string& said) {
                core.answer(s, "session-reject", std::move(said), std::move(done));
            },
            detail::json_object{}.text("message", text).json("data", data).take());
    }

    /// Says `offer`, `answer`, `ice` or `renegotiate` to the other side; see `client::request`.
    template <class Token = boost::asio::deferred_t>
        requires completes<Token>
    [[nodiscard]] auto signal(std::string command, std::string data, Token&& token = Token{}) {
        return start<void(error_code)>(
            token,
            [](auto& core, auto& s, auto&& done, std::string& what, std::string& said) {
                core.signal(s, std::move(what), std::move(said), std::move(done));
            },
            std::move(command), std::move(data));
    }

    /// Takes the next of these from the other side; see `client::receive`.
    template <class Token = boost::asio::deferred_t>
        requires completes<Token, incoming>
    [[nodiscard]] auto receive(Token&& token = Token{}) {
        return start<void(error_code, incoming)>(
            token, [](auto& core, auto& s, auto&& done) { core.receive_from(s, std::move(done)); });
    }

    /// Ends it: cancels it before it was accepted, rejects one that was not answered.
    template <class Token = boost::asio::deferred_t>
        requires completes<Token>
    [[nodiscard]] auto end(Token&& token = Token{}) {
        return start<void(error_code)>(
            token, [](auto& core, auto& s, auto&& done) { core.end_session(s, std::move(done)); });
    }

private:
    friend class client;
    using core_ptr = std::shared_ptr<detail::client_core>;
    using state_ptr = std::shared_ptr<detail::session_state>;

    session(core_ptr core, state_ptr state) : core_{std::move(core)}, state_{std::move(state)} {}

    void drop() {
        if (state_) core_->end_session(state_, {});
        state_.reset();
    }

    // A deferred operation keeps the state, since the session may be gone when it is started.
    template <class Signature, class Token, class F, class... Args>
    auto start(Token& token, F f, Args... args) {
        return detail::start_operation<Signature>(
            token, core_,
            [s = state_, f](auto& core, auto&& done, Args&... given) {
                f(core, s, std::move(done), given...);
            },
            std::move(args)...);
    }

    core_ptr core_;
    state_ptr state_;
};

} // namespace sigfire
