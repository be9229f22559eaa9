// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/journal.hpp"
#include "support/simulation/network.hpp"
#include "support/simulation/simulated_session.hpp"
#include "support/simulation/simulation_options.hpp"
#include "support/simulation/wire_text.hpp"
#include <sigfire/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::test {

/** The peers on the hub and their ids, as seen from outside, and whether that is right: welcomes,
 *  claims, resumes, ends. */
class session_book : public network_observer, public journal {
public:
    session_book(const simulation_options& o, std::vector<std::string>* trace) : journal(trace), o_(o) {}

    /// What a link asks for when it opens.
    struct wish {
        std::string id;         ///< empty = any
        bool extras = true;     ///< speaks more than Signal-Fire 2021
        bool resumable = false; ///< by the URL
        std::string token{};
        std::uint64_t received = 0;
    };
    void opens(link& l, wish w) { of(l).asked = std::move(w); }

    /// The session that has that link, or null.
    simulated_session* session_of(const link& l) { return of(l).session; }

    /// Those that the hub should know, by id.
    const std::map<std::string, simulated_session*, std::less<>>& holders() const noexcept {
        return holders_;
    }

    simulated_session* holder(std::string_view id) const {
        const auto found = holders_.find(id);
        return found != holders_.end() ? found->second : nullptr;
    }

    /// The session that has that token; null if it is good for nothing.
    simulated_session* owner(std::string_view token) {
        if (!token.empty())
            for (auto& [id, s] : holders_)
                if (s->token == token || s->spent == token) return s;
        return nullptr;
    }

    /// The host program is about to close the holder of that id, or all.
    void host_closes(std::string_view id) {
        if (auto* const s = holder(id); s != nullptr && s->away()) end(*s);
    }
    void host_stops() {
        stopped_ = true;
        while (true) {
            const auto found = std::find_if(holders_.begin(), holders_.end(),
                                            [](const auto& h) { return h.second->away(); });
            if (found == holders_.end()) return;
            end(*found->second);
        }
    }

    void before_tick() override {
        input_ = {.what = input::tick, .from = nullptr};
        for (auto& s : sessions_) {
            if (!s.away() || s.until > now()) continue;
            law(s.until == now(), [&] { return name(s.id) + " is waited for too long"; });
            note([&] { return name(s.id) + " did not come back in time"; });
            end(s);
        }
    }

    void before_opening(link& l) override {
        input_ = {.what = input::opening, .from = &l};
        const auto& asked = of(l).asked;
        input_.count = asked.received;
        input_.token = asked.token;
        if (auto* const s = owner(asked.token); s != nullptr && (asked.id.empty() || asked.id == s->id))
            input_.returning = s;
        else if (auto* const other = holder(asked.id);
                 other != nullptr && other->away() && !is_kept(*other) && !stopped_)
            end(*other); // nobody there to defend it
    }

    void before_alive(link& l) override {
        input_ = {.what = input::alive, .from = &l};
        note([&] { return name(l) + " shows a sign of life"; });
    }

    void before_closed(link& l, errc why) override {
        input_ = {.what = input::closed, .from = &l};
        note([&] { return "hub is told that " + name(l) + " is closed: " + std::string{cause_name(why)}; });
        forget_claims_of(l);
        auto* const s = std::exchange(of(l).session, nullptr);
        if (s == nullptr) return;
        const bool waits = why == errc::lost || why == errc::pong_timeout || why == errc::slow_consumer ||
                           why == errc::overloaded;
        if (!s->resumable || !waits || stopped_ || claim_on(*s) != nullptr) return end(*s);
        note([&] { return name(s->id) + " is away"; });
        s->wire = nullptr;
        s->kept = 0;
        s->until = now() + o_.resume->window;
    }

    void after_call(link* l) override {
        if (input_.what == input::opening) after_opening(*l);
        if (input_.what == input::alive)
            for (const auto& c : claims_)
                law(c.holder->wire != l || c.claimant->cause() != errc::ok,
                    [&] { return name(*c.claimant) + " still waits though the holder lives"; });
        decide_claims();
        for (auto* const s : repeated_)
            law(s->over || !s->reachable() || s->next == s->said.size(),
                [&] { return name(s->id) + " was not sent again all that it missed"; });
        repeated_.clear();
        input_ = {};
    }

    void ended_by_server(link& l, errc why) override {
        note([&] { return "hub ends " + name(l) + ": " + std::string{cause_name(why)}; });
        auto* const s = of(l).session;
        const auto claimed =
            std::find_if(claims_.begin(), claims_.end(), [&](const auto& c) { return c.claimant == &l; });
        if (why == errc::pong_timeout && s != nullptr) {
            const auto* const c = claim_on(*s);
            law(c != nullptr && now() - c->since >= o_.hub.claim_timeout,
                [&] { return name(l) + " is ended for its silence before its time is over"; });
        }
        if (why == errc::id_in_use && claimed != claims_.end())
            law((input_.what == input::alive && input_.from == claimed->holder->wire) ||
                    input_.returning == claimed->holder,
                [&] { return name(l) + " is refused though the holder did not show a sign of life"; });
        if (why == errc::id_in_use && claimed != claims_.end()) claimed->holder->answered = now();
        forget_claims_of(l);
        if (s == nullptr) return;
        of(l).session = nullptr;
        if (why == errc::replaced) {
            law(input_.returning == s, [&] { return name(l) + " is replaced by nobody"; });
            s->wire = nullptr;
            return;
        }
        law(why == errc::pong_timeout || input_.what == input::host || input_.nonsense,
            [&] { return name(l) + " is ended by " + std::string{cause_name(why)} + " without reason"; });
        end(*s);
    }

    void pinged(link& l) override {
        note([&] { return "hub asks " + name(l) + " for a sign of life"; });
        input_.pinged = &l;
    }

    void overflowed(link& l) override {
        note([&] { return name(l) + " does not read what it is sent"; });
    }

    void broken_law(const link* l, const char* what) override {
        law(false, [&] { return (l != nullptr ? name(*l) + ": " : std::string{}) + what; });
    }

protected:
    struct input {
        // what the hub is told right now
        enum kind : unsigned char { none, opening, received, alive, closed, tick, host } what = none;
        link* from = nullptr;
        link* pinged = nullptr;                 // by the hub, meanwhile
        bool nonsense = false;                  // is said
        bool asks = false;                      // to resume
        std::string token{};                    // that was shown
        std::uint64_t count = 0;                // ... with this many messages
        simulated_session* returning = nullptr; // ... the session that has it
    };

    /// Somebody that the hub had is gone.
    virtual void gone(simulated_session&) {}

    /// A welcome was written to a link, which heard nothing before.
    void welcomed(link& l, const wire_text& m) {
        const auto said = json_member(m.data, "resume");
        if (input_.returning != nullptr && input_.what == input::opening) {
            auto& s = *input_.returning;
            law(m.inner("id") == s.id,
                [&] { return name(l) + " came back with a good token, and is another"; });
            return attach(s, l, said);
        }
        const auto& asked = of(l).asked;
        law(json_member(said, "recovered") == (asked.token.empty() ? "" : "false") || !o_.resume,
            [&] { return name(l) + " is told the wrong thing of its token"; });
        auto& s = enter(l, m.inner("id"));
        if (asked.resumable) begin(s, said);
    }

    /// A reply to `resume` was written to a link.
    void resume_replied(link& l, const wire_text& m) {
        if (!law(input_.asks,
                 [&] { return name(l) + " is sent a reply to `resume`, which is said once only"; }))
            return;
        input_.asks = false;
        auto* const fresh = of(l).session;
        auto* const s = input_.returning;
        if (m.ok == "true" && input_.token.empty()) return begin(*fresh, m.data);
        law((m.ok == "true") == (s != nullptr && s != fresh),
            [&] { return name(l) + " showed a token, and the answer to that is wrong"; });
        if (m.ok != "true") {
            law(m.inner("cause") == "expired",
                [&] { return name(l) + " showed a token, and hears a wrong cause"; });
            return;
        }
        law(m.inner("id") == s->id, [&] { return name(l) + " came back by a request, and is another"; });
        of(l).session = nullptr;
        end(*fresh);
        attach(*s, l, m.data);
    }

    /// Counting begins, and the session may outlive its link.
    void begin(simulated_session& s, std::string_view said) {
        s.resumable = true;
        s.token = json_unquoted(json_member(said, "token"));
        law(s.token.size() >= 20, [&] { return name(s.id) + " is resumable, but has no token"; });
        s.spent.clear();
        s.said.clear();
        s.next = s.hidden = 0;
        s.heard = s.acknowledged = 0;
    }

    /// Whether the hub may be keeping as much for a session as it will, so that a payload has no room.
    bool brims(const simulated_session& s, std::size_t payload = 0) const {
        const auto first = std::min<std::size_t>(s.said.size(), s.acknowledged);
        const auto hidden = s.hidden + unseen(s);
        auto bytes = payload + hidden * 2500;
        for (auto i = first; i < s.said.size(); ++i) bytes += s.said[i].size() + 300;
        return s.said.size() - first + hidden >= o_.resume->messages || bytes >= o_.resume->bytes;
    }

    /// How many messages to a session may be kept besides those that are known of.
    virtual std::size_t unseen(const simulated_session&) const { return 0; }

    struct link_info {
        wish asked{};
        simulated_session* session = nullptr;
        unsigned committed = 0;
    };

    link_info& of(const link& l) {
        if (links_.size() <= l.number) links_.resize(l.number + 1);
        return links_[l.number];
    }

    const simulation_options& o_;
    input input_;
    bool stopped_ = false;

private:
    struct claim {
        link* claimant;
        simulated_session* holder;
        time_point since;
    };

    claim* claim_on(const simulated_session& s) {
        for (auto& c : claims_)
            if (c.holder == &s) return &c;
        return nullptr;
    }

    // Whether nobody gets the id of a session without its token.
    bool is_kept(const simulated_session& s) const {
        return s.resumable && o_.resume->window.count() > 0 && !o_.resume->ids_claimable;
    }

    void forget_claims_of(const link& l) {
        std::erase_if(claims_, [&](const claim& c) { return c.claimant == &l; });
    }

    simulated_session& enter(link& l, std::string_view id) {
        auto& s = sessions_.emplace_back();
        s.number = static_cast<std::uint32_t>(sessions_.size());
        s.id = id;
        s.wire = &l;
        s.extras = of(l).asked.extras;
        const auto& wanted = of(l).asked.id;
        if (wanted.empty()) drawn(id, l);
        law(wanted.empty() || wanted == id,
            [&] { return name(l) + " asked for " + wanted + " and is " + s.id; });
        law(!id.empty() && holder(id) == nullptr,
            [&] { return name(id) + " is given to " + name(l) + " though somebody has it"; });
        holders_[s.id] = &s;
        of(l).session = &s;
        for (const auto& c : claims_)
            law(c.claimant != &l || now() - c.since <= o_.hub.claim_timeout,
                [&] { return name(l) + " was held for longer than a holder may take"; });
        forget_claims_of(l);
        return s;
    }

    // A session continues on a link.
    void attach(simulated_session& s, link& l, std::string_view said) {
        law(s.wire == nullptr || !s.wire->usable(),
            [&] { return name(*s.wire) + " is replaced, but not told so"; });
        if (s.wire != nullptr) of(*s.wire).session = nullptr;
        s.wire = &l;
        of(l).session = &s;
        s.until = time_point::max();
        const std::string token{json_unquoted(json_member(said, "token"))};
        law(token.size() >= 20 && owner(token) == nullptr,
            [&] { return name(s.id) + " gets no token of its own"; });
        const bool misled = s.misled && s.token != input_.token;
        if (s.token == input_.token) s.spent = s.token;
        s.token = token;
        const auto recovered = json_member(said, "recovered");
        law(recovered == "true" || recovered == "false",
            [&] { return name(l) + " is not told whether all is well"; });
        s.misled = recovered != "true";
        if (recovered == "true") {
            law(!misled, [&] { return name(l) + " does not know yet that something is missing"; });
            law(json_number(json_member(said, "received")) == s.heard, [&] {
                return name(l) + " hears that " + std::string{json_member(said, "received")} +
                       " of its requests arrived; they were " + std::to_string(s.heard);
            });
            law(input_.count <= s.said.size(), [&] { return name(l) + " has more than was sent"; });
            s.next = std::min<std::size_t>(s.said.size(), input_.count);
            s.acknowledged = std::max(s.acknowledged, input_.count);
            repeated_.push_back(&s);
        } else {
            law(misled || input_.count < s.acknowledged || brims(s),
                [&] { return name(l) + " is told that something is missing, without reason"; });
            s.said.clear();
            s.next = 0;
            s.heard = s.acknowledged = 0;
            ++s.losses;
        }
        s.hidden = 0;
    }

    void end(simulated_session& s) {
        if (std::exchange(s.over, true)) return;
        if (holder(s.id) == &s) holders_.erase(s.id);
        s.wire = nullptr;
        s.token.clear();
        s.spent.clear();
        gone(s);
    }

    void after_opening(link& l) {
        auto& info = of(l);
        auto* const other = holder(info.asked.id);
        if (input_.returning != nullptr && !stopped_)
            law(info.session == input_.returning, [&] { return name(l) + " showed a good token in vain"; });
        if (l.held() && l.cause() == errc::ok) {
            law(other == nullptr || !is_kept(*other),
                [&] { return name(l) + " is held though the id belongs to a token"; });
            if (law(other != nullptr, [&] { return name(l) + " is held though its id is free"; }))
                claims_.push_back({&l, other, now()});
            law(other == nullptr || input_.pinged == other->wire,
                [&] { return name(l) + " waits for one that was not asked"; });
        } else if (l.cause() == errc::id_in_use) {
            law(other != nullptr && (is_kept(*other) || !other->reachable() || claim_on(*other) != nullptr ||
                                     now() - other->answered < std::chrono::seconds{1}),
                [&] { return name(l) + " is refused without a question to the holder"; });
        } else if (l.cause() == errc::ok && !l.told()) {
            law(info.session != nullptr, [&] { return name(l) + " is neither welcomed, held nor refused"; });
        }
    }

    void decide_claims() {
        // Where the claimant has gone too, its welcome cannot be seen.
        for (const auto& c : std::vector(claims_))
            if (c.holder->over && !c.claimant->usable()) {
                auto& s = enter(*c.claimant, of(*c.claimant).asked.id);
                s.resumable = of(*c.claimant).asked.resumable && o_.resume;
            }
        for (const auto& c : claims_)
            law(!c.holder->over, [&] { return name(*c.claimant) + " waits for one that is gone"; });
    }

    std::deque<simulated_session> sessions_;
    std::deque<link_info> links_; // by number
    std::map<std::string, simulated_session*, std::less<>> holders_;
    std::vector<claim> claims_;
    std::vector<simulated_session*> repeated_; // in this call

protected:
    /// Those that wait for ever.
    void nobody_waits() {
        for (const auto& c : claims_)
            law(c.claimant->cause() != errc::ok, [&] { return name(*c.claimant) + " waits for ever"; });
    }
};

} // namespace sigfire::inline v0_1::test
