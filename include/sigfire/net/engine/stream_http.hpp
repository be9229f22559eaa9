// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>
#include <sigfire/net/engine/stream_budget.hpp>
#include <sigfire/net/engine/stream_table.hpp>
#include <sigfire/net/http/request_body.hpp>
#include <sigfire/net/http/upgrade.hpp>
#include <sigfire/net/proxy/forwarded.hpp>

#include <cctype>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// HTTP on a connection that is opening. Collects requests, and answers them now or later.
template <class Wire, class Loop, class State>
class stream_http : protected stream_budget<Wire, Loop, State> {
    using table = stream_table<Wire, Loop, State>;

protected:
    using table::answers_, table::core_;
    using stream_budget<Wire, Loop, State>::stream_budget;
    using typename table::connection;

    // A request with its whole header, and the bytes behind it.
    struct whole_header {
        request_header fields{};
        std::string_view text{};                // all received bytes
        std::size_t size = 0;                   // of the header
        std::unique_ptr<std::string> storage{}; // storage of text, if the request came in pieces
    };

    // Collects the header of a request. False if it is incomplete, or refused.
    bool gather(connection& c, std::span<char> bytes, whole_header& out) {
        if (c.kept_) {
            c.keep({bytes.data(), bytes.size()});
            bytes = {c.kept_->data(), c.kept_->size()};
        }
        out.text = {bytes.data(), bytes.size()};
        const auto end = out.text.find("\r\n\r\n");
        out.size = end == out.text.npos ? out.text.size() : end + 4;
        // No method begins with such a byte. This is TLS or noise, and no blank line would ever come.
        const bool word = out.text.empty() || std::isalpha(static_cast<unsigned char>(out.text.front())) != 0;
        if (!word || out.size > core_.limits.header) {
            table::turn_away(c, word ? errc::header_too_large : errc::bad_handshake);
            return false;
        }
        if (end == out.text.npos) {
            wait_for_more(c, out.text);
            return false;
        }
        if (out.fields.parse(out.text.substr(0, out.size))) return true;
        table::turn_away(c, errc::bad_handshake);
        return false;
    }

    void wait_for_more(connection& c, std::string_view text) {
        if (!c.kept_) c.keep(text);
        if (core_.incomplete > core_.limits.incomplete) this->shed();
    }

    // Reads the body. False if it is incomplete, or refused.
    bool gather_body(connection& c, const whole_header& whole, const request& r, request_body& out) {
        using verdict = request_body::verdict;
        const std::size_t limit = core_.limits.body;
        auto is = out.read(whole.text, limit);
        // The same bound for a body in chunks of one byte each.
        if (is == verdict::incomplete && whole.text.size() > whole.size + 2 * limit) is = verdict::too_large;
        if (is == verdict::good) return true;
        if (is == verdict::incomplete) {
            if (!std::exchange(c.continued_, true) && has_token(r, "Expect", "100-continue"))
                c.write("HTTP/1.1 100 Continue\r\n\r\n");
            wait_for_more(c, whole.text);
        } else {
            table::turn_away(c, is == verdict::bad ? errc::bad_handshake : errc::too_large);
        }
        return false;
    }

    // Whether the client asks for keep-alive and the server grants it.
    bool keeps_alive(const request& r) const {
        return core_.limits.keep_alive.count() != 0 && !this->stopping_ &&
               has_token(r, "Connection", "keep-alive") && !has_token(r, "Connection", "close");
    }

    // Sends a response. `rest` has the bytes behind the request.
    void respond(connection& c, const response& out, bool head, bool keep_alive, std::string_view rest = {}) {
        c.write(compose(out, head, keep_alive));
        if (keep_alive) {
            c.stamp_ = core_.now;
            c.answered_ = true;
            c.continued_ = false;
            c.is_.held = false;
            if (!rest.empty()) c.keep(rest);
            c.is_.released = true; // the bytes behind are the next request
            c.mark();
        } else {
            c.end_opening();
            c.finish(errc::closed);
            c.is_.discards = true;
        }
    }

    // Lent to a handler during its call.
    struct opener : answer_opener {
        opener(stream_http& e, connection& at) : answer_opener{&opener::open_slot}, engine{e}, c{at} {}
        opener(const opener&) = delete;
        opener& operator=(const opener&) = delete;
        ~opener() {
            // The handler gave its answer at once, or threw.
            if (const auto s = waits ? nullptr : slot.lock()) s->engine = nullptr;
        }

        static std::shared_ptr<answer_slot> open_slot(answer_opener& self) {
            auto& d = static_cast<opener&>(self);
            if (d.engine.answers_.size() >= d.engine.core_.limits.answers) return nullptr;
            if (const auto again = d.slot.lock()) return again;
            auto slot = std::make_shared<answer_slot>();
            slot->deliver = &stream_http::deliver;
            slot->engine = &d.engine;
            slot->connection = &d.c;
            d.slot = slot;
            return slot;
        }

        stream_http& engine;
        connection& c;
        std::weak_ptr<answer_slot> slot{};
        bool waits = false;
    };

    static void deliver(void* engine, void* at, const response& r) {
        auto& e = *static_cast<stream_http*>(engine);
        auto& c = *static_cast<connection*>(at);
        const auto found = e.answers_.find(&c);
        if (found == e.answers_.end()) return; // called from inside the handler
        const auto [slot, head, keep_alive] = found->second;
        e.answers_.erase(found);
        if (!c.silent()) e.respond(c, r, head, keep_alive && !e.stopping_);
    }

    // The answer comes later. Until then, nothing is read.
    void wait_for_answer(connection& c, opener& d, bool head, bool keep_alive, std::string_view rest) {
        d.waits = true;
        answers_.insert_or_assign(&c, typename table::pending_answer{d.slot, head, keep_alive});
        c.stamp_ = core_.now;
        c.is_.held = true;
        if (!rest.empty()) c.keep(rest);
        c.mark();
    }

    // Ends requests without an answer in time.
    void expire_answers() {
        for (auto at = answers_.begin(); at != answers_.end();) {
            auto& c = const_cast<connection&>(*at->first);
            const std::chrono::milliseconds age{core_.now - c.stamp_};
            const auto [slot, head, keep_alive] = at->second;
            if (age <= core_.limits.answer_timeout) {
                ++at;
                continue;
            }
            if (const auto s = slot.lock()) s->engine = nullptr;
            at = answers_.erase(at);
            if (!c.silent()) respond(c, refusal_response({503, 0, "No Answer"}), head, false);
        }
    }
};

} // namespace sigfire::inline v0_1::detail
