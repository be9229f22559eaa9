// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// A step of a call between two peers.
struct call_step {
    /// The kind of step.
    enum type : unsigned char {
        opened, ///< the peer was admitted
        closed, ///< the peer has left
        sent,   ///< the peer sent a message to the other
    };

    std::chrono::system_clock::time_point at; ///< time of the step
    type what;                                ///< the kind of step
    bool by_called;                           ///< whether the called peer took this step
    signal_kind kind;                         ///< of `sent`: the signal
    errc cause;                               ///< of `sent`: the result; of `closed`: why
    bool pending;                             ///< of `sent`: whether there is no result yet
};

/// Where a call ended, as the server saw it.
enum class call_finding : unsigned char {
    complete,        ///< all signals arrived: the fault is not in signaling, but on the way between the peers
    caller_not_seen, ///< the caller has not connected
    caller_gone,     ///< the caller has disconnected before it called
    no_call,         ///< the caller sent no offer and started no session
    call_failed,     ///< the offer or the session did not reach the called peer; see the cause
    call_waits,      ///< the server still decides about the offer, or keeps it for the called peer
    called_not_seen, ///< the offer failed, and the called peer has not connected
    called_gone,     ///< the called peer has disconnected before it answered
    caller_hung_up,  ///< the caller has disconnected, cancelled or ended the call before an answer
    rejected,        ///< the called peer rejected the session, or said bye
    not_answered,    ///< the called peer got the offer and sent no answer
    answer_failed,   ///< the answer did not reach the caller; see the cause
    no_offer,        ///< the called peer accepted the session, and the caller sent no offer
    no_candidates,   ///< neither peer sent an ICE candidate
    no_caller_candidates, ///< the caller sent no ICE candidate
    no_called_candidates, ///< the called peer sent no ICE candidate
    candidates_failed,    ///< ICE candidates did not reach their target; see the cause
    called_dropped,       ///< the called peer has disconnected after the answer
    caller_dropped,       ///< the caller has disconnected after the answer
    ended,                ///< a peer ended the call after the answer
};

/// An explanation of a call.
struct call_report {
    call_finding finding = call_finding::complete; ///< where the call ended
    errc cause = errc::ok;                         ///< the cause, if the finding has one
    std::vector<call_step> steps;                  ///< the steps in memory, the first first

    /// The explanation for a person, in English.
    std::string text() const;
};

/// The name of a finding: that of its enumerator. Static storage.
constexpr std::string_view to_string(call_finding f) noexcept {
    constexpr std::string_view names[] = {
        "complete",          "caller_not_seen", "caller_gone",          "no_call",
        "call_failed",       "call_waits",      "called_not_seen",      "called_gone",
        "caller_hung_up",    "rejected",        "not_answered",         "answer_failed",
        "no_offer",          "no_candidates",   "no_caller_candidates", "no_called_candidates",
        "candidates_failed", "called_dropped",  "caller_dropped",       "ended"};
    return names[static_cast<std::size_t>(f)];
}

inline std::string call_report::text() const {
    constexpr std::string_view texts[] = {
        "All signals arrived. If the peers do not connect, look at ICE: firewalls, and TURN servers.",
        "The caller has not connected to this server.",
        "The caller has disconnected.",
        "The caller is connected, and sent no offer to this peer.",
        "The server did not deliver the offer.",
        "The offer waits in the server.",
        "The called peer has not connected to this server.",
        "The called peer has disconnected, and sent no answer.",
        "The caller ended the call before an answer came.",
        "The called peer rejected the call.",
        "The called peer got the offer, and sent no answer.",
        "The server did not deliver the answer.",
        "The called peer accepted, and the caller sent no offer.",
        "Neither peer sent an ICE candidate. Without trickle ICE, this is normal.",
        "The caller sent no ICE candidate.",
        "The called peer sent no ICE candidate.",
        "The server did not deliver all ICE candidates.",
        "The called peer has disconnected after its answer.",
        "The caller has disconnected after the answer.",
        "A peer ended the call.",
    };
    std::string out{texts[static_cast<std::size_t>(finding)]};
    if (cause != errc::ok) out.append(" Cause: ").append(to_string(cause)).append(".");
    return out;
}

/** Finds out where the last call ended. Decides by the steps alone.
 *  @param steps the steps of both peers, the first first */
inline call_report explain_call(std::vector<call_step> steps) {
    using enum signal_kind;
    call_report out;
    out.steps = std::move(steps);
    const auto& all = out.steps;
    const auto found = [&](call_finding f, errc cause = errc::ok) {
        out.finding = f;
        out.cause = cause;
    };
    // The state of each peer at the end, and at a step.
    const auto last = [&](bool called, std::size_t end) -> const call_step* {
        for (auto i = end; i-- > 0;)
            if (all[i].by_called == called) return &all[i];
        return nullptr;
    };
    const auto gone = [&](bool called, std::size_t begin) -> const call_step* {
        for (auto i = begin; i < all.size(); ++i)
            if (all[i].by_called == called && all[i].what == call_step::closed) return &all[i];
        return nullptr;
    };
    const auto sent_by = [&](bool called, auto... kinds) {
        return [called, kinds...](const call_step& s) {
            return s.what == call_step::sent && s.by_called == called && ((s.kind == kinds) || ...);
        };
    };
    const auto first = [&](std::size_t begin, auto is) -> const call_step* {
        for (auto i = begin; i < all.size(); ++i)
            if (is(all[i])) return &all[i];
        return nullptr;
    };

    // The last attempt begins with the last start of a session, or else the last offer, of the caller. A peer
    // sends further offers in the same call, so the first one since the last end counts.
    std::size_t start = all.size();
    const auto begins = sent_by(false, offer, session_start);
    const auto ends = [&](const call_step& s) {
        return s.what != call_step::sent || s.kind == bye || s.kind == session_end ||
               s.kind == session_cancel || s.kind == session_reject ||
               (begins(s) && !s.pending && !is_verdict(s.cause));
    };
    bool open = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (begins(all[i]) && (!open || all[i].kind == session_start)) start = i, open = true;
        if (ends(all[i])) open = false;
    }
    if (start == all.size()) {
        const auto* const caller = last(false, all.size());
        if (caller == nullptr) return found(call_finding::caller_not_seen), out;
        if (caller->what == call_step::closed) return found(call_finding::caller_gone, caller->cause), out;
        return found(call_finding::no_call), out;
    }
    const auto& call = all[start];
    if (!call.pending && !is_verdict(call.cause)) {
        const auto* const called = last(true, start);
        const bool absent = call.cause == errc::unknown || call.cause == errc::offline;
        if (absent && called == nullptr) return found(call_finding::called_not_seen, call.cause), out;
        if (absent && called->what == call_step::closed)
            return found(call_finding::called_gone, called->cause), out;
        return found(call_finding::call_failed, call.cause), out;
    }
    const auto* const reply = first(start, sent_by(true, answer, session_accept));
    const auto* const refusal = first(start, sent_by(true, session_reject, bye, session_end));
    const auto* const hang_up = first(start, sent_by(false, session_cancel, bye, session_end));
    const auto* const called_left = gone(true, start);
    const auto* const caller_left = gone(false, start);
    const auto before = [&](const call_step* a, const call_step* b) {
        return a != nullptr && (b == nullptr || a < b);
    };
    if (before(refusal, reply)) return found(call_finding::rejected), out;
    if (before(hang_up, reply)) return found(call_finding::caller_hung_up), out;
    if (before(caller_left, reply)) return found(call_finding::caller_hung_up, caller_left->cause), out;
    if (before(called_left, reply)) return found(call_finding::called_gone, called_left->cause), out;
    if (reply == nullptr) {
        if (call.pending || call.cause == errc::held) return found(call_finding::call_waits), out;
        return found(call_finding::not_answered), out;
    }
    const auto* described = reply;
    if (call.kind == session_start) { // the descriptions follow, from either side
        const auto* const offered =
            first(start, [&](const call_step& s) { return s.what == call_step::sent && s.kind == offer; });
        if (offered == nullptr) return found(call_finding::no_offer), out;
        if (!offered->pending && !is_verdict(offered->cause))
            return found(call_finding::call_failed, offered->cause), out;
        described =
            first(start, [&](const call_step& s) { return s.what == call_step::sent && s.kind == answer; });
        if (described == nullptr) {
            if (called_left != nullptr) return found(call_finding::called_dropped, called_left->cause), out;
            if (caller_left != nullptr) return found(call_finding::caller_dropped, caller_left->cause), out;
            if (refusal != nullptr || hang_up != nullptr) return found(call_finding::ended), out;
            return found(call_finding::not_answered), out;
        }
    }
    if (!described->pending && !is_verdict(described->cause))
        return found(call_finding::answer_failed, described->cause), out;
    if (called_left != nullptr) return found(call_finding::called_dropped, called_left->cause), out;
    if (caller_left != nullptr) return found(call_finding::caller_dropped, caller_left->cause), out;
    if (refusal != nullptr || hang_up != nullptr) return found(call_finding::ended), out;
    bool of_caller = false, of_called = false;
    for (auto i = start; i < all.size(); ++i) {
        if (all[i].what != call_step::sent || all[i].kind != candidate) continue;
        (all[i].by_called ? of_called : of_caller) = true;
        if (!all[i].pending && !is_verdict(all[i].cause))
            return found(call_finding::candidates_failed, all[i].cause), out;
    }
    if (!of_caller && !of_called) return found(call_finding::no_candidates), out;
    if (!of_caller) return found(call_finding::no_caller_candidates), out;
    if (!of_called) return found(call_finding::no_called_candidates), out;
    return out;
}

} // namespace sigfire::inline v0_1
