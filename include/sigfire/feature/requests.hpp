// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/feature.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sigfire {

/// Settings of `requests`.
struct requests_options {
    std::chrono::milliseconds timeout{10'000}; ///< for an answer; then the request has `expired`
    std::size_t per_peer = 100;                ///< that one peer has open; more are `full`
    std::size_t in_all = 100'000;              ///< that are open; more are `full`
};

/** What a function that is a peer is told: a request, or any other message to it. Its views are valid until
 * the function returns. A request that is neither answered nor deferred is answered `ok` without data. */
class call {
public:
    call(const envelope& e, std::shared_ptr<detail::late_box> box) noexcept
        : from(e.from), command(e.command), topic(e.topic), data(e.data.bytes), format(e.data.format),
          box_(std::move(box)) {}

    const std::string_view from;    ///< id of who says it; empty: the host program
    const std::string_view command; ///< `request`, `publish`, `offer`, ...
    const std::string_view topic;   ///< of a publication
    const std::string_view data;    ///< JSON text, or empty; or as `format` says
    const payload_format format;    ///< of `data`: a peer on `codec::binary` may say MessagePack

    /// Answers a request with `data`, JSON text or empty.
    void reply(std::string data = {}) { answer_ = {0, errc::ok, true, std::move(data)}; }
    /// Answers that it failed, in words of your own if `text` is not empty.
    void refuse(errc cause, std::string text = {}) {
        answer_ = {0, is_verdict(cause) ? errc::denied : cause, false, std::move(text)};
    }
    /// The answer comes later, by the ticket.
    deferral defer() { return {box_, answer_.key = ++box_->last}; }

private:
    friend class requests;

    std::shared_ptr<detail::late_box> box_;
    detail::late_answer answer_{0, errc::ok, true, {}};
};

/** Requests between peers: one asks, the other answers, the hub holds the question open and sees to it that
 * there is exactly one reply. A part of a server, and of a hub; with it, functions of the host program can be
 * peers
 *  (`hub::attach`).
 *
 *  Ends with what the other side answers; with `unknown`, `self`, `offline` or `full` at once; with `offline`
 * when the other side goes; with `expired` when it takes too long. */
class requests : public feature {
    // Up here, since its type is deduced.
    auto is_open() const {
        return [this](std::uint64_t number) { return open_.contains(number); };
    }

public:
    explicit requests(requests_options options = {}) : options_(options) {}

    static constexpr bool takes(verb v) noexcept { return v == verb::request || v == verb::respond; }

    /// How many are open.
    std::size_t size() const noexcept { return open_.size(); }

    /// A function that is the peer `peer`: what `hub::attach` needs.
    template <class Function>
    void attach(peer_handle peer, Function f) {
        functions_[peer.slot] = std::make_shared<const std::function<void(call&)>>(std::move(f));
    }

    template <class D>
    void received(D& desk, peer_handle from, envelope& e) {
        if (e.what == verb::respond) return respond(desk, from, e);
        const std::string token{e.id};
        const auto to = desk.find(e.to);
        errc cause = e.to.empty()            ? errc::missing_target
                     : to == from && !e.echo ? errc::self
                     : open_.size() >= options_.in_all || count(from) >= options_.per_peer ? errc::full
                                                                                           : errc::ok;
        if (cause == errc::ok && (!to || (!e.topic.empty() && !desk.is_member(e.topic, to)))) {
            cause = errc::unknown;
            desk.each([&](auto& f) {
                if (!is_verdict(cause)) cause = f.missed(desk, from, e, cause);
            });
            if (cause == errc::deferred) return;
        }
        if (cause != errc::ok) return desk.reply(from, token, cause);
        do last_ = last_ % largest + 1;
        while (open_.contains(last_));
        const auto number = last_;
        open_.emplace(number, question{from, to, token});
        asked_.insert({from.slot, number});
        owed_.insert({to.slot, number});
        due_.add(desk.now() + options_.timeout, number, open_.size(),
                 [this](std::uint64_t k) { return open_.contains(k); });
        e.id = desk.fresh_id();
        e.number = number;
        // The answer of a function may be in when this returns.
        if (cause = desk.send(to, e); cause != errc::ok) finish(desk, number, cause, {}, {});
    }

    template <class D>
    void invoke(D& desk, peer_handle peer, const envelope& e) {
        const auto at = functions_.find(peer.slot);
        if (at == functions_.end() || e.what == verb::reply) return;
        const auto f = at->second; // it may be replaced meanwhile
        call c{e, desk.late_answers()};
        (*f)(c);
        if (e.what != verb::request) return;
        if (c.answer_.key != 0)
            late_.emplace(c.answer_.key, e.number);
        else
            settle(desk, e.number, c.answer_);
    }

    template <class D>
    bool answered(D& desk, detail::late_answer& late) {
        const auto at = late_.extract(late.key);
        if (at) settle(desk, at.mapped(), late);
        return static_cast<bool>(at);
    }

    template <class D>
    void closed(D& desk, peer_handle peer, errc) {
        for (auto at = asked_.lower_bound({peer.slot, 0}); at != asked_.end() && at->first == peer.slot;
             at = asked_.lower_bound({peer.slot, 0}))
            forget(at->second);
        for (auto at = owed_.lower_bound({peer.slot, 0}); at != owed_.end() && at->first == peer.slot;
             at = owed_.lower_bound({peer.slot, 0}))
            finish(desk, at->second, errc::offline, {}, {});
        functions_.erase(peer.slot);
    }

    template <class D>
    time_point tick(D& desk) {
        return due_.expire(
            desk.now(), [this](std::uint64_t k) { return open_.contains(k); },
            [&](std::uint64_t number) { finish(desk, number, errc::expired, {}, {}); });
    }

private:
    // Numbers start anew behind it: wires with narrow numbers can carry them, and have room for their own.
    static constexpr std::uint64_t largest = (1u << 29) - 1;

    struct question {
        peer_handle from, to;
        std::string token;
    };

    std::size_t count(peer_handle from) const {
        std::size_t n = 0;
        for (auto at = asked_.lower_bound({from.slot, 0}); at != asked_.end() && at->first == from.slot; ++at)
            ++n;
        return n;
    }

    template <class D>
    void respond(D& desk, peer_handle from, envelope& e) {
        const auto at = open_.find(e.number);
        const bool known = at != open_.end() && at->second.to == from;
        desk.reply(from, e.id, known ? errc::ok : errc::expired);
        if (known) finish(desk, e.number, e.status, e.data.bytes, {}, e.data.format);
    }

    template <class D>
    void settle(D& desk, std::uint64_t number, const detail::late_answer& a) {
        const std::string_view text = a.text;
        if (a.answered)
            finish(desk, number, errc::ok, text, {});
        else
            finish(desk, number, a.cause, {}, text);
    }

    question forget(std::uint64_t number) {
        auto q = std::move(open_.extract(number).mapped());
        asked_.erase({q.from.slot, number});
        owed_.erase({q.to.slot, number});
        return q;
    }

    template <class D>
    void finish(D& desk, std::uint64_t number, errc cause, std::string_view data, std::string_view text,
                payload_format format = payload_format::json) {
        if (!open_.contains(number)) return;
        const auto q = forget(number);
        desk.reply(q.from, q.token, cause, data, text, format, number);
    }

    requests_options options_;
    std::map<std::uint64_t, question> open_;                         // by number
    std::set<std::pair<std::uint32_t, std::uint64_t>> asked_, owed_; // slot and number
    detail::deadline_queue<std::uint64_t> due_;
    std::unordered_map<std::uint64_t, std::uint64_t> late_; // functions' tickets
    std::unordered_map<std::uint32_t, std::shared_ptr<const std::function<void(call&)>>> functions_;
    std::uint64_t last_ = 0;
};

} // namespace sigfire
