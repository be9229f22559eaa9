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

namespace sigfire::inline v0_1 {

/** A session with another peer. One side starts the session; the other accepts or rejects it. Then both
 *  send offers, answers and candidates until one side ends it. Sessions come from `client::start` and
 *  `client::adopt`.
 *
 *      auto s = c.start(other, R"({"name":"Alice"})");
 *      auto metadata = co_await s.accepted();
 *      co_await s.signal("offer", R"({"offer":{"type":"offer","sdp":"..."}})");
 *      auto answer = co_await s.receive();
 *
 *  A session ends with one of these causes. Each pending operation then completes with that cause:
 *
 *  - `rejected`: the other side rejected the session
 *  - `cancelled`: the caller cancelled the session
 *  - `expired`: the other side did not answer in time
 *  - `ended`: the other side ended the session
 *  - `closed`: this side ended the session
 *  - `replaced`: another session with that peer began
 *  - the cause for which the other peer disconnected (`lost`, ...)
 *  - the cause for which this client lost its connection
 *
 *  Tokens, cancellation and thread safety are those of `client`. The destructor ends the session. A
 *  session that outlives its client is over. */
class [[nodiscard]] session {
    template <class Token, class... Results>
    static constexpr bool completes = boost::asio::completion_token_for<Token, void(error_code, Results...)>;

public:
    session() = default; ///< a session that is over
    /// The source is over after the move.
    session(session&&) = default;
    /// Ends this session, then takes over `other`, which is over after that.
    session& operator=(session&& other) noexcept {
        if (this == &other) return *this;
        drop();
        core_ = std::move(other.core_);
        state_ = std::move(other.state_);
        return *this;
    }
    /// Ends the session if it is not over.
    ~session() { drop(); }

    /// The id of the other peer. Valid as long as this object.
    std::string_view peer() const { return state_ ? std::string_view{state_->peer} : std::string_view{}; }

    /// Whether this side gives way when both sides send an offer at once (W3C WebRTC, 10.7).
    bool polite() const { return state_ && state_->polite; }

    /// The metadata of the other side's start or acceptance, JSON text or empty. When the session is over:
    /// the data of its end. Valid until the session changes its state.
    std::string_view metadata() const {
        return state_ ? std::string_view{state_->metadata} : std::string_view{};
    }

    /// Why the session is over; no error while it is not.
    error_code cause() const { return state_ ? state_->cause : error_code{errc::closed}; }

    /** Completes when the other side has accepted, with its metadata (JSON text or empty). If the session
     *  ends first, it completes with the cause and the data of the end: `{"message":TEXT,...}`. When this
     *  operation is cancelled, the session stays as it is. */
    template <class Token = boost::asio::deferred_t>
        requires completes<Token, std::string>
    [[nodiscard]] auto accepted(Token&& token = Token{}) {
        return start<void(error_code, std::string)>(
            token, [](auto& core, auto& s, auto&& done) { core.wait_accepted(s, std::move(done)); });
    }

    /// Accepts a session that the other side started. `metadata` is JSON text or empty. `malformed` if this
    /// side started the session, or has answered already.
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

    /// Rejects a session that the other side started, with a reason in words (`text`) and in `data`, JSON or
    /// empty. Errors are those of `accept`.
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

    /// Sends `offer`, `answer`, `ice` or `renegotiate` to the other side. Errors are those of
    /// `client::send`.
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

    /// Takes the next such message of the other side, and waits for one if none is there. See
    /// `client::receive`.
    template <class Token = boost::asio::deferred_t>
        requires completes<Token, incoming>
    [[nodiscard]] auto receive(Token&& token = Token{}) {
        return start<void(error_code, incoming)>(
            token, [](auto& core, auto& s, auto&& done) { core.receive_from(s, std::move(done)); });
    }

    /// Ends the session. Before acceptance, this cancels a session of this side, and rejects one of the other
    /// side.
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

    // A deferred operation owns the state, since the session may be gone when the operation starts.
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

} // namespace sigfire::inline v0_1
