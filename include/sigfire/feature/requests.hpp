// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/address_shares.hpp>
#include <sigfire/core/detail/deadline_queue.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/detail/stored_event.hpp>
#include <sigfire/hub/feature.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

namespace sigfire::inline v0_1 {

/// Settings of `requests`.
struct requests_options {
    /// Time for an answer, in milliseconds. After that time the request ends with `expired`.
    std::chrono::milliseconds timeout{10'000};
    /// Maximum number of open requests of one peer; a further request is `full`.
    std::size_t per_peer = 100;
    /// Maximum number of open requests of all peers; a further request is `full`. The peers of one address
    /// have at most a quarter of them.
    std::size_t total = 100'000;
};

/** A message to an attached function: a request or another message. The views are valid until the function
 *  returns.
 *
 *  A request without an answer or deferral gets the reply `ok` without data. A function may call the hub. If
 *  the function throws, the request ends with `internal_error`. On the thread of the hub. */
class call {
public:
    /// For hubs: a call for a `send`, `publish`, `request`, `expired` or `session_ended`. Late answers go
    /// into `box`.
    template <class E>
    call(const E& e, std::shared_ptr<detail::late_box> box) noexcept
        : from(e.from), command(command_of(e)), topic(topic_of(e)), data(data_of(e)), cause(cause_of(e)),
          box_(std::move(box)) {}

    const std::string_view from;    ///< id of the sending peer; empty = the host program
    const std::string_view command; ///< `request`, `publish`, `offer`, ...
    const std::string_view topic;   ///< topic of a publication, or empty
    const payload data;             ///< data in the format of the wire of the sender, or empty
    const errc cause;               ///< for `bye` and `session-timeout`: why the session ended; else `ok`

    /// Replies `ok` to a request.
    /// @param value the data of the reply in the format of `wire`, or empty
    /// @param wire the format of `value`
    void reply(std::string value = {}, wire_id wire = default_wire) {
        answer_ = {.answered = true, .data = std::move(value), .wire = wire};
    }
    /// Replies to a request with a failure.
    /// @param why the cause; a verdict such as `ok` becomes `denied`
    /// @param text failure text; empty = the text of the cause
    void refuse(errc why, std::string text = {}) {
        answer_ = {.cause = is_verdict(why) ? errc::denied : why, .text = std::move(text)};
    }
    /// Defers the answer: keep the returned ticket and answer by it.
    deferral defer() { return {box_, answer_.key = box_->next_key()}; }

private:
    friend class requests;

    template <class E>
    static std::string_view command_of(const E& e) noexcept {
        if constexpr (requires { e.command; })
            return e.command;
        else if constexpr (requires { e.cause; })
            return e.cause == errc::expired ? "session-timeout" : "bye";
        else
            return "expired";
    }
    template <class E>
    static std::string_view topic_of([[maybe_unused]] const E& e) noexcept {
        if constexpr (requires { e.topic; })
            return e.topic;
        else
            return {};
    }
    template <class E>
    static payload data_of([[maybe_unused]] const E& e) noexcept {
        if constexpr (requires { e.data; })
            return e.data;
        else
            return {};
    }
    template <class E>
    static errc cause_of([[maybe_unused]] const E& e) noexcept {
        if constexpr (requires { e.cause; })
            return e.cause;
        else
            return errc::ok;
    }

    std::shared_ptr<detail::late_box> box_;
    detail::late_verdict answer_{.answered = true};
};

/** Requests between peers: one peer asks, another peer answers. The hub keeps each request open and ensures
 *  exactly one reply. A part of a server, and of a hub. It also lets functions of the host program be peers,
 *  see `hub::attach`.
 *
 *  A request ends with the answer of the target. It ends at once with `missing_target`, `unknown`, `self`,
 *  `offline` or `full` if the target cannot receive it. It ends with `offline` when the target leaves. It
 *  ends with `expired` after the time-out, or when the connection of the sender continues as another peer. */
class requests : public feature {
    // Defined first, since its return type is deduced.
    auto is_open() const {
        return [this](std::uint64_t number) { return open_.contains(number); };
    }

public:
    /// Takes the settings.
    explicit requests(requests_options options = {}) : options_(options), shares_(options.total) {}

    /// Number of open requests.
    std::size_t size() const noexcept { return open_.size(); }

    /// Writes the metrics of the feature, see `write_metrics`.
    template <class Report>
    void report(Report& out) const {
        out.gauge("open_requests", "Requests between peers without an answer yet.", open_.size());
    }

    /// Attaches the function of the peer `peer`. For `hub::attach`.
    template <class Function>
    void attach(peer_handle peer, Function f) {
        functions_[peer.slot] = std::make_shared<const std::function<void(call&)>>(std::move(f));
    }

    /// Sends a request to its target.
    template <class X>
    void on_request(X& hub, peer_handle from, event::request& e) {
        const auto to = hub.find(e.to);
        errc cause = e.to.empty()            ? errc::missing_target
                     : to == from && !e.echo ? errc::self
                     : has_enough(from)      ? errc::full
                                             : errc::ok;
        if (cause == errc::ok && (!to || (!e.topic.empty() && !hub.is_member(e.topic, to)))) {
            cause = hub.miss(from, e, errc::unknown);
            if (cause == errc::deferred) return;
        }
        if (cause != errc::ok) return hub.reply(from, e.token, cause);
        const auto address = hub.address(from);
        detail::address_shares::attempt room{shares_, address, 1};
        if (!room) return hub.reply(from, e.token, errc::full);
        do last_ = last_ % largest + 1;
        while (open_.contains(last_));
        const auto number = last_;
        const auto id = hub.fresh_id();
        e.id = id.view();
        e.from = hub.id(from);
        e.number = number;
        open_.emplace(number, question{from, to, detail::stored_token{e.token}, address});
        room.keep();
        try {
            asked_.insert({from.slot, number});
            owed_.insert({to.slot, number});
            due_.add(hub.now() + options_.timeout, number, open_.size(), is_open());
            // A function may have answered when this returns.
            cause = hub.send(to, e);
        } catch (...) { // the hub replies
            forget(number);
            throw;
        }
        if (cause != errc::ok) fail(hub, number, cause);
    }

    /// Forwards an answer to the peer that asked. The cause is `expired` if the request is no longer open.
    template <class X>
    void on_request(X& hub, peer_handle from, event::respond& e) {
        const auto at = open_.find(e.number);
        const bool known = at != open_.end() && at->second.to == from;
        hub.reply(from, e.token, known ? errc::ok : errc::expired);
        if (!known) return;
        event::reply said;
        said.cause = e.outcome;
        said.data = e.data;
        finish(hub, e.number, said);
    }

    /// Calls the function of the peer.
    template <class X, class E>
    void on_call(X& hub, peer_handle peer, const E& e) {
        if constexpr (detail::is_one_of<E, event_list<event::send, event::publish, event::request,
                                                      event::expired, event::session_ended>>) {
            const auto at = functions_.find(peer.slot);
            if (at == functions_.end()) return;
            const auto f = at->second; // a copy: the call may replace the function
            call c{e, hub.late_answers()};
            [[maybe_unused]] std::uint64_t number = 0;
            if constexpr (std::is_same_v<E, event::request>) number = e.number;
            // After the call only `c` is valid: the function may call the hub.
            try {
                (*f)(c);
            } catch (...) {
                c.answer_ = {.cause = errc::internal_error};
            }
            if constexpr (std::is_same_v<E, event::request>) {
                if (c.answer_.key != 0)
                    late_.emplace(c.answer_.key, number);
                else
                    settle(hub, number, c.answer_);
            }
        }
    }

    /// Sends the late answer of a function.
    template <class X>
    bool on_verdict(X& hub, detail::late_verdict& late) {
        const auto at = late_.extract(late.key);
        if (at) settle(hub, at.mapped(), late);
        return static_cast<bool>(at);
    }

    /// Ends the open requests of the peer with `expired`, and those to the peer with `offline`.
    template <class X>
    void on_close(X& hub, peer_handle peer, errc) {
        functions_.erase(peer.slot);
        // One at a time: each message may cause more changes.
        while (const auto number = first_of(asked_, peer)) fail(hub, number, errc::expired);
        while (const auto number = first_of(owed_, peer)) fail(hub, number, errc::offline);
    }

    /// Ends requests without an answer in time, with `expired`.
    template <class X>
    time_point on_tick(X& hub) {
        return due_.expire(hub.now(), is_open(),
                           [&](std::uint64_t number) { fail(hub, number, errc::expired); });
    }

private:
    using numbers = std::set<std::pair<std::uint32_t, std::uint64_t>>; // slot and number

    // The last number before a restart at 1: wires with narrow numbers can carry it, beside numbers of their
    // own.
    static constexpr std::uint64_t largest = (1u << 29) - 1;

    struct question {
        peer_handle from, to;
        detail::stored_token token;
        address_block address; // of the asking peer
    };
    using questions = std::unordered_map<std::uint64_t, question>; // by number

    // The first open request of a peer; 0 = none.
    static std::uint64_t first_of(const numbers& all, peer_handle peer) {
        const auto at = all.lower_bound({peer.slot, 0});
        return at == all.end() || at->first != peer.slot ? 0 : at->second;
    }

    // Stops counting at the limit.
    bool has_enough(peer_handle from) const {
        std::size_t n = 0;
        for (auto at = asked_.lower_bound({from.slot, 0});
             n < options_.per_peer && at != asked_.end() && at->first == from.slot; ++at)
            ++n;
        return n >= options_.per_peer;
    }

    questions::node_type forget(std::uint64_t number) {
        auto at = open_.extract(number);
        if (at) {
            shares_.give(at.mapped().address, 1);
            asked_.erase({at.mapped().from.slot, number});
            owed_.erase({at.mapped().to.slot, number});
        }
        return at;
    }

    template <class X>
    void settle(X& hub, std::uint64_t number, const detail::late_verdict& a) {
        event::reply said;
        said.cause = a.answered ? errc::ok : a.cause;
        if (a.answered)
            said.data = {a.data, a.wire};
        else
            said.text = a.text;
        finish(hub, number, said);
    }

    template <class X>
    void fail(X& hub, std::uint64_t number, errc cause) {
        event::reply said;
        said.cause = cause;
        finish(hub, number, said);
    }

    template <class X>
    void finish(X& hub, std::uint64_t number, event::reply& said) {
        const auto at = forget(number);
        if (!at) return;
        const auto& q = at.mapped();
        said.token = q.token;
        said.number = number;
        hub.reply(q.from, said);
    }

    requests_options options_;
    detail::address_shares shares_; // of open requests
    questions open_;
    numbers asked_, owed_;
    detail::deadline_queue<std::uint64_t> due_;
    std::unordered_map<std::uint64_t, std::uint64_t> late_; // tickets of functions: key and number
    std::unordered_map<std::uint32_t, std::shared_ptr<const std::function<void(call&)>>> functions_;
    std::uint64_t last_ = 0;
};

} // namespace sigfire::inline v0_1
