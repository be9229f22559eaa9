// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/client_request.hpp>
#include <sigfire/client/detail/client_resume.hpp>
#include <sigfire/client/detail/request_log.hpp>
#include <sigfire/client/detail/server_members.hpp>
#include <sigfire/client/json_client.hpp>
#include <sigfire/client/options.hpp>
#include <sigfire/client/server_message.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/pending_calls.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/object.hpp>
#include <sigfire/text/json/read_members.hpp>
#include <sigfire/text/json/scan.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The result of a server's welcome.
struct greeting {
    std::string id;            ///< id of this client
    std::string configuration; ///< RTCConfiguration as JSON text, or empty
    bool recovered = false;    ///< the server resumed the last connection
};

/// A client's side of the protocol: the welcome, requests and their replies, and resuming. Does no I/O, reads
/// no clock.
template <class Waiter>
class client_session {
public:
    pending_calls<Waiter> calls; ///< requests that wait for a reply
    request_log log;             ///< requests that the server may not have

    /** Appends the request `r` to `out`, with a token made of `number`. Its data is JSON or empty.
     *  @returns `malformed` if the message would not be valid JSON in UTF-8 with exactly these members;
     *  `too_large` if it is over `limit` bytes. On an error, `out` is unchanged. */
    static errc compose(std::uint64_t number, client_request r, std::size_t limit, std::string& out) {
        auto& data = r.data.bytes;
        while (!data.empty() && is_json_blank(data.front())) data.remove_prefix(1);
        while (!data.empty() && is_json_blank(data.back())) data.remove_suffix(1);
        const auto token = token_of(number);
        r.token = token;
        const auto size = codec::json_client{}.bound(r);
        if (size == 0) return errc::malformed;
        if (size > limit) return errc::too_large;
        const auto start = out.size();
        out.resize(start + size);
        codec::json_client{}.encode(r, out.data() + start);

        // One check of the whole message covers nesting and UTF-8. It also shows that `data` is one value,
        // not a value with further members behind it.
        json_scanner text{std::string_view{out}.substr(start)};
        server_members seen;
        if (read_members(text, seen) && seen.data == data && seen.id == token) return errc::ok;
        out.resize(start);
        return errc::malformed;
    }

    /** A connection begins. `resume`: the client wants to be resumable, and to resume if it can. `ask`:
     *  the client may ask for that in a request. That is for a welcome without an answer, because no URL
     *  carried the question. */
    void begin(bool resume, bool ask) noexcept {
        stage_ = stage::welcome;
        wanted_ = resume;
        ask_ = ask;
        refused_ = false;
    }

    /// Appends the first message to `out`, for a server that asks for one; nothing if `said` is empty. With
    /// `resume` it carries the members of `resume_query`. Errors are those of `compose`.
    errc hello(const std::optional<client_hello>& said, bool resume, std::size_t limit,
               std::string& out) const {
        if (!said) return errc::ok;
        json_object data;
        if (!said->token.empty()) data.text("token", said->token);
        if (!said->id.empty()) data.text("id", said->id);
        if (resume) data.text("resume", resume_.token()).number("received", resume_.received());
        const auto text = data.take();
        client_request r;
        r.command = "hello";
        r.data.bytes = text;
        return compose(0, r, limit, out);
    }

    /// Whether the server's reply to the `hello` gave the cause of the end.
    bool refused() const noexcept { return refused_; }

    /// The addition to the query of the URL that asks to be resumable and to resume.
    std::string resume_query() const { return resume_.query(); }

    /// Whether the next connection may resume this one.
    bool resumable() const noexcept { return !resume_.token().empty(); }

    /// When to send `confirmation`; `time_point::max()` = there is nothing to confirm.
    time_point deadline() const noexcept { return resume_.deadline(); }

    /// The message with the number of messages that came from the server.
    std::string confirmation() {
        resume_.confirmed();
        return R"({"cmd":"ack","received":)" + std::to_string(resume_.received()) + '}';
    }

    /** Reads a message of the server and calls one or more of these:
     *  - `to.say(std::string)`: a text to send, not by way of `log`.
     *  - `to.on_greeted(greeting)`: once per connection; from then on requests may be sent.
     *  - `to.on_reply(Waiter, const server_reply&)`
     *  - `to.on_said(const server_message&)`
     *
     *  Replies without a waiting operation and further welcomes are ignored. The request for a resume gets
     *  the number `to.fresh()`.
     *  @returns why the connection has to end, or `ok`. `bad_welcome` if the first message is not a
     *  welcome. */
    template <class Handler>
    errc received(message m, time_point now, Handler&& to) {
        reading<Handler> r{*this, now, to};
        const auto e = codec::json_client{}.decode(m, r);
        const auto verdict = r.verdict;
        if (e != errc::ok || verdict != errc::ok) return e != errc::ok ? e : verdict;
        if (!r.heard) counted(now, to); // the server counts it, even if the client ignores it
        return stage_ == stage::welcome ? errc::bad_welcome : errc::ok;
    }

private:
    enum class stage : unsigned char { welcome, resuming, greeted };

    // The prefix makes a token true in JavaScript for any number.
    static constexpr char prefix[] = "r";

    static std::string token_of(std::uint64_t number) {
        return '"' + (prefix + std::to_string(number)) + '"';
    }

    // The number of the request that a reply's token names; 0 = no request of this client.
    static std::uint64_t number_of(std::string_view token) noexcept {
        if (token.size() < 4 || token[0] != '"' || token[1] != prefix[0]) return 0;
        return pending_calls<Waiter>::number(token.substr(2, token.size() - 3));
    }

    // Reads the contents of one message.
    template <class Handler>
    struct reading {
        client_session& session;
        time_point now;
        Handler& to;
        errc verdict = errc::ok;
        bool heard = false;

        void operator()(const server_welcome& w) {
            heard = true;
            if (session.stage_ == stage::welcome) verdict = session.welcomed(w, to);
        }
        void operator()(const server_reply& r) {
            heard = true;
            if (session.stage_ == stage::welcome) {
                session.refused_ = r.token == token_of(0) && !is_verdict(r.cause);
                if (session.refused_) verdict = r.cause;
                return;
            }
            const auto number = number_of(r.token);
            if (session.stage_ == stage::resuming) { // no other request has been sent yet
                if (number == session.asked_) verdict = session.answered(r, to);
                return;
            }
            session.counted(now, to);
            session.log.answered(number);
            session.calls.forget(number, [&](Waiter w) { to.on_reply(std::move(w), r); });
        }
        void operator()(const server_message& said) {
            heard = true;
            if (session.stage_ == stage::welcome) return;
            session.counted(now, to);
            to.on_said(said);
        }
    };

    template <class Handler>
    void counted(time_point now, Handler& to) {
        if (stage_ == stage::greeted && resume_.heard(now)) to.say(confirmation());
    }

    template <class Handler>
    errc welcomed(const server_welcome& w, Handler& to) {
        greeting_ = {std::string{w.id}, std::string{w.configuration.bytes}};
        if (wanted_ && !w.granted.empty()) return go_on(w.granted.bytes, to);
        if (wanted_ && ask_) return ask(to), errc::ok;
        return go_on({}, to);
    }

    template <class Handler>
    void ask(Handler& to) {
        stage_ = stage::resuming;
        asked_ = to.fresh();
        const auto token = token_of(asked_);
        client_request r;
        r.command = "resume";
        r.token = token;
        if (resumable()) {
            r.resuming = resume_.token();
            r.received = resume_.received();
        }
        std::string text(codec::json_client{}.bound(r), '\0');
        codec::json_client{}.encode(r, text.data());
        to.say(std::move(text));
    }

    template <class Handler>
    errc answered(const server_reply& r, Handler& to) {
        if (is_verdict(r.cause)) {
            if (auto id = json_string(json_member(r.data.bytes, "id")); !id.empty()) {
                if (id.size() > longest_peer_id) return errc::bad_welcome;
                greeting_.id = std::move(id);
            }
            return go_on(r.data.bytes, to);
        }
        if (!resumable()) return go_on({}, to);
        resume_.granted({}, true); // the old connection cannot be resumed; the next one shall be resumable
        ask(to);
        return errc::ok;
    }

    // `granted`: the server's data about resuming, or empty.
    template <class Handler>
    errc go_on(std::string_view granted, Handler& to) {
        auto token = json_string(json_member(granted, "token"));
        if (token.size() > client_resume::longest_token) token.clear();
        greeting_.recovered = resumable() && !token.empty() && json_member(granted, "recovered") == "true";
        if (greeting_.recovered) {
            const auto received = json_unsigned(json_member(granted, "received"));
            if (!received || !log.go_back_to(*received)) return errc::protocol_violation;
        } else {
            log.restart(!token.empty());
        }
        resume_.granted(std::move(token), !greeting_.recovered);
        stage_ = stage::greeted;
        if (greeting_.recovered) to.say(confirmation());
        to.on_greeted(std::move(greeting_));
        return errc::ok;
    }

    client_resume resume_;
    greeting greeting_;
    std::uint64_t asked_ = 0; // number of the request for a resume
    stage stage_ = stage::welcome;
    bool wanted_ = false;
    bool ask_ = false;
    bool refused_ = false;
};

} // namespace sigfire::inline v0_1::detail
