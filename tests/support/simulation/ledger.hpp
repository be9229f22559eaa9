// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/network.hpp"
#include "support/simulation/session_book.hpp"
#include "support/simulation/simulated_request.hpp"
#include "support/simulation/simulation_options.hpp"
#include "support/simulation/wire_text.hpp"
#include <sigfire/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::test {

/// Writes down all messages between a hub and its peers, and compares them with what a hub promises.
class ledger : public session_book {
public:
    using session_book::session_book;

    /// How many requests were made, replies and deliveries heard.
    std::size_t requests() const noexcept { return requests_.size(); }
    std::size_t answers() const noexcept { return answers_; }
    std::size_t deliveries() const noexcept { return deliveries_; }

    /// A request that is about to be made; its number is its token, and stands in its payload as `n`.
    std::uint32_t request(simulated_request r) {
        requests_.push_back(std::move(r));
        return static_cast<std::uint32_t>(requests_.size());
    }
    simulated_request& operator[](std::uint32_t number) { return requests_[number - 1]; }
    std::uint32_t next_number() const noexcept { return static_cast<std::uint32_t>(requests_.size() + 1); }

    /// A peer heard something from the hub.
    void heard(link& l, std::string_view text) {
        note([&] { return name(l) + " hears " + shown(text); });
        auto& sent = sent_[l.number];
        if (!law(!sent.empty(), [&] { return name(l) + " hears what nobody said"; })) return;
        const auto m = sent.front();
        sent.pop_front();
        law(m.hash == std::hash<std::string_view>{}(text), [&] { return name(l) + " hears something else"; });
        if (m.what == written::answer) {
            ++answers_;
            law(++(*this)[m.number].heard_answers == 1,
                [&] { return name(l) + " hears two replies to " + std::to_string(m.number); });
        } else if (m.what == written::delivery) {
            ++deliveries_;
            for (auto& t : (*this)[m.number].takers)
                if (t.who == m.to)
                    law(++t.heard == 1,
                        [&] { return name(l) + " hears " + std::to_string(m.number) + " twice"; });
        }
    }

    /// Around something that the host program does.
    void before_host() { input_ = {.what = input::host, .from = nullptr}; }
    void after_host() { after_call(nullptr); }

    /// Around a request of the host program.
    void host_asks(std::uint32_t n) { arrive(n, nullptr); }
    void host_hears(std::uint32_t n, errc cause) {
        answer(n, cause, wire_text{{}});
        settle(n);
    }

    void before_received(link& l, std::string_view text) override {
        input_ = {.what = input::received, .from = &l};
        number_ = 0;
        note([&] { return "hub hears from " + name(l) + ": " + shown(text); });
        auto* const s = session_of(l);
        const wire_text m{text};
        input_.nonsense = m.cmd.empty();
        if (s == nullptr || input_.nonsense) return;
        s->spent.clear();
        if (m.cmd == "ack") {
            s->acknowledged = std::max<std::uint64_t>(s->acknowledged, json_number(m.received));
            return;
        }
        if (m.cmd == "resume") {
            input_.asks = true;
            input_.token = m.token;
            input_.count = json_number(m.received);
            if (auto* const old = owner(m.token); old != s) input_.returning = old;
            return;
        }
        if (!m.id.empty()) ++s->heard;
        number_ = json_number(m.inner("n"));
        if (law(number_ != 0 && number_ <= requests_.size(), [&] { return "the network makes up messages"; }))
            arrive(number_, s);
    }

    void after_call(link* l) override {
        if (input_.what == input::received) {
            if (number_ != 0) settle(number_);
            law(!input_.nonsense || l->cause() != errc::ok, [&] { return name(*l) + " may talk nonsense"; });
        }
        number_ = 0;
        session_book::after_call(l);
        for (const auto n : std::exchange(orphans_, {}))
            law((*this)[n].answers == 1 || (*this)[n].from->over || !(*this)[n].from->reachable(),
                [&] { return text(n) + " is not ended though the asked peer has gone"; });
    }

    void committed(link& l, std::string_view text) override {
        note([&] { return "hub to " + name(l) + ": " + shown(text); });
        const wire_text m{text};
        written w{written::other, 0, nullptr, std::hash<std::string_view>{}(text)};
        const bool first = of(l).committed++ == 0;
        if (m.cmd == "welcome") {
            if (law(first, [&] { return name(l) + " is welcomed behind other messages"; })) welcomed(l, m);
        } else if (law(!first, [&] { return name(l) + " is sent something before its welcome"; })) {
            if (!m.ok.empty() && m.id.starts_with('r'))
                resume_replied(l, m);
            else if (auto* const s = session_of(l); s != nullptr)
                say(*s, text, m, w);
            else
                law(false, [&] { return name(l) + " is sent something, but is not on the hub"; });
        }
        sent_[l.number].push_back(w);
    }

    void overflowed(link& l) override {
        session_book::overflowed(l);
        law(number_ == 0 || !(*this)[number_].droppable || input_.from == &l,
            [&] { return name(l) + " is ended by a message that may be dropped"; });
        // A mailbox hands out all it has at once: messages without room are lost with the connection.
        if (const auto* const s = session_of(l); s != nullptr)
            for (auto& r : requests_) r.expired |= r.held && r.takers.empty() && r.target == s->id;
    }

    /// After all messages have arrived: everything that could be answered, was; nothing got lost.
    void nothing_is_open() {
        for (std::uint32_t n = 1; n <= requests_.size(); ++n) {
            const auto& r = (*this)[n];
            for (const auto& t : r.takers) {
                const bool excused = r.droppable || t.who->over || t.who->wire == nullptr ||
                                     t.losses != t.who->losses ||
                                     (!t.who->resumable && t.who->wire->broken());
                law(excused || t.heard == 1,
                    [&] { return std::to_string(n) + " got lost on the way to " + name(t.who->id); });
            }
            law(!r.held || !r.takers.empty() || r.expired || r.from->over || !r.from->extras ||
                    r.losses != r.from->losses,
                [&] { return std::to_string(n) + " is neither fetched nor expired"; });
        }
        nobody_waits();
    }

    /// A peer that is well still waits for an answer to this.
    void is_waited_for(std::uint32_t n) {
        law((*this)[n].heard_answers == 1 || !(*this)[n].answerable, [&] {
            return std::to_string(n) + ((*this)[n].arrived ? " was not answered" : " never arrived");
        });
    }

private:
    // The messages written to a link, in order.
    struct written {
        enum kind : unsigned char { other, answer, delivery } what;
        std::uint32_t number;
        simulated_session* to;
        std::size_t hash;
    };

    // A session is sent a message, which both ends count.
    void say(simulated_session& s, std::string_view text, const wire_text& m, written& w) {
        const bool again = s.next < s.said.size();
        if (again)
            law(s.said[s.next] == text,
                [&] { return name(s.id) + " is sent something else again: " + shown(text); });
        else if (s.resumable)
            s.said.emplace_back(text);
        if (s.resumable) ++s.next;
        w.to = &s;
        if (!m.ok.empty()) {
            w.what = written::answer;
            w.number = json_number(m.id);
            if (!law(w.number != 0 && w.number <= requests_.size() && (*this)[w.number].from == &s,
                     [&] { return "a reply to nothing that " + name(s.id) + " asked: " + shown(text); }))
                return void(w = {written::other, 0, nullptr, w.hash});
            if (!again) answer(w.number, m.ok == "true" ? errc::ok : cause_of(m), m);
            return;
        }
        if (m.cmd == "expired") {
            const auto n = json_number(m.inner("request"));
            if (law(n != 0 && n <= requests_.size(),
                    [&] { return "a request that nobody made has expired"; }) &&
                !again)
                expire(s, n, m.origin);
            return;
        }
        if (m.cmd == "presence") return;
        w.what = written::delivery;
        w.number = json_number(m.inner("n"));
        if (!law(w.number != 0 && w.number <= requests_.size(),
                 [&] { return "a message that nobody sent: " + shown(text); }))
            return void(w = {written::other, 0, nullptr, w.hash});
        if (!again) deliver(s, w.number, m);
    }

    static errc cause_of(const wire_text& m) {
        const auto cause = m.inner("cause");
        return cause_from(cause.empty() ? m.inner("message") : cause);
    }

    static std::string text(std::uint32_t n) { return std::to_string(n); }

    // The hub is about to be handed a request.
    void arrive(std::uint32_t n, simulated_session* s) {
        auto& r = (*this)[n];
        law(!std::exchange(r.arrived, true),
            [&] { return text(n) + " comes a second time, though it was counted"; });
        r.at = now();
        r.from = s;
        r.losses = s != nullptr ? s->losses : 0;
        r.addressee = holder(r.target);
        r.was_away = r.addressee != nullptr && r.addressee->away();
        if (r.what == simulated_request::respond) {
            const auto asked = questions_.find(r.hub_number);
            if (asked == questions_.end()) return;
            auto& q = (*this)[asked->second];
            r.member = !q.closed && q.addressee == s && !q.from->over && now() < q.at + o_.requests->timeout;
            if (r.member) q.closed = true, q.response = n;
        }
        if (r.topic.empty()) return;
        auto& in = topics_[r.topic];
        r.members = in.size();
        r.member = std::find(in.begin(), in.end(), s) != in.end();
        if (r.what == simulated_request::publish && r.member) {
            for (auto* const member : in)
                if (member != s || r.echo) r.takers.push_back({member, member->losses, false});
        }
        if (r.what == simulated_request::join && !r.member) in.push_back(s);
        if (r.what == simulated_request::leave) std::erase(in, s);
    }

    // The hub wrote a reply to a request.
    void answer(std::uint32_t n, errc cause, const wire_text& m) {
        using kind = simulated_request::kind;
        auto& r = (*this)[n];
        law(r.arrived, [&] { return "a reply to " + text(n) + ", which did not arrive"; });
        law(++r.answers == 1, [&] { return "a second reply to " + text(n); });
        r.answer = cause;
        r.closed = true;
        const auto* const t = r.addressee;
        const bool seen = std::any_of(r.takers.begin(), r.takers.end(), [](const auto& x) { return x.seen; });
        if (!r.by_host && r.what != kind::question)
            law(!seen, [&] { return text(n) + " is delivered before its reply"; });
        const auto wrong = [&](bool justified) {
            law(justified || o_.hooks_judge,
                [&] { return text(n) + " ends in " + std::string{cause_name(cause)} + " without reason"; });
        };
        if (r.what == kind::question && r.response != 0) { // somebody has answered
            const auto& by = (*this)[r.response];
            law(json_number(m.inner("n")) == r.response && by.fails == (cause != errc::ok),
                [&] { return text(n) + " has an answer that is not " + text(r.response); });
            return;
        }
        switch (cause) {
        case errc::ok:
            // A peer without the extras is not told that its message is held.
            if (m.inner("held") == "true" ||
                (r.from != nullptr && !r.from->extras && t == nullptr && o_.mailbox.count() != 0 &&
                 r.what == kind::relay && r.flaw == errc::ok)) {
                r.held = true;
                return wrong(o_.mailbox.count() != 0 && t == nullptr && r.what == kind::relay);
            }
            if (r.what == kind::relay) return wrong(r.flaw == errc::ok && t != nullptr);
            if (r.what == kind::join)
                law(json_number(m.inner("members")) == topics_[r.topic].size(),
                    [&] { return text(n) + " is told a wrong number of members"; });
            return wrong(r.what == kind::join || (r.what != kind::question && r.member));
        case errc::missing_target: return wrong(r.target.empty() && r.topic.empty());
        case errc::unknown:
            if (r.what == kind::publish) return wrong(r.members == 0);
            if (r.what == kind::leave) return wrong(!r.member);
            return wrong(
                !r.target.empty() && t == nullptr &&
                (o_.mailbox.count() == 0 || r.flaw != errc::ok || r.by_host || r.what != kind::relay));
        case errc::self: return wrong(t != nullptr && t == r.from);
        case errc::full:
            return wrong(t != nullptr &&
                         (r.was_away ? brims(*t, r.data.size()) : t->over || !t->reachable()));
        case errc::offline: return wrong(r.what == kind::question && t != nullptr && t->over);
        case errc::expired:
            if (r.what == kind::respond) return wrong(!r.member);
            return wrong(r.what == kind::question && now() == r.at + o_.requests->timeout);
        case errc::denied: return wrong(r.what == kind::publish && r.members != 0 && !r.member);
        case errc::unknown_command:
            return wrong(cause == r.flaw || (r.what == kind::question && t != nullptr && !t->extras));
        default: return wrong(cause == r.flaw && t != nullptr && t != r.from);
        }
    }

    // After the call that handed a request to the hub.
    void settle(std::uint32_t n) {
        using kind = simulated_request::kind;
        auto& r = (*this)[n];
        const bool gone = r.from != nullptr && !r.from->reachable();
        r.reply_lost = r.answers == 0 && gone;
        law(r.answers == 1 || gone || r.what == kind::question || !r.answerable,
            [&] { return text(n) + " is not answered"; });
        if (r.what == kind::publish) {
            for (auto& t : r.takers) {
                if (t.seen) continue;
                law(r.answers == 0 || r.answer != errc::ok || r.droppable || !t.who->reachable(),
                    [&] { return text(n) + " is not delivered to " + name(t.who->id); });
                ++t.who->hidden;
            }
            if (r.answers != 0 && r.answer != errc::ok) r.takers.clear();
            return;
        }
        const bool taken = !r.takers.empty();
        if (r.what == kind::question) {
            if (r.answers == 0 && !taken && r.addressee != nullptr && r.addressee->extras) expect(r);
            return;
        }
        if (r.what != kind::relay || r.answers == 0) return;
        law(r.answer == errc::ok || !taken, [&] { return text(n) + " failed, but is delivered"; });
        if (r.answer != errc::ok || r.held || taken) return;
        if (r.was_away) {
            law(r.addressee->kept < o_.resume->messages,
                [&] { return text(n) + " is kept beyond all bounds"; });
            return expect(r);
        }
        law(o_.hooks_judge, [&] { return text(n) + " ended in ok, but is not delivered"; });
    }

    // It is kept for a peer that is away.
    void expect(simulated_request& r) {
        r.takers.push_back({r.addressee, r.addressee->losses, false});
        ++r.addressee->hidden;
        ++r.addressee->kept;
    }

    // The hub wrote a message to a session, for the first time.
    void deliver(simulated_session& s, std::uint32_t n, const wire_text& m) {
        using kind = simulated_request::kind;
        auto& r = (*this)[n];
        law(r.arrived, [&] { return text(n) + " is delivered, but did not arrive"; });
        law(r.by_host || r.what == kind::question || r.answers == 1 || r.reply_lost || !r.from->reachable(),
            [&] { return text(n) + " is delivered before its reply"; });
        auto found =
            std::find_if(r.takers.begin(), r.takers.end(), [&](const auto& t) { return t.who == &s; });
        if (found == r.takers.end() && r.what != kind::publish && r.takers.empty() && s.id == r.target &&
            (r.held || &s == r.addressee))
            found = r.takers.insert(found, {&s, s.losses, false});
        if (!law(found != r.takers.end(),
                 [&] { return "foreign mail: " + text(n) + " goes to " + name(s.id); }))
            return;
        law(!std::exchange(found->seen, true), [&] { return text(n) + " is delivered twice"; });
        law(&s != r.from || r.what == kind::publish, [&] { return text(n) + " is delivered to its sender"; });
        law(m.origin == (r.from != nullptr ? r.from->id : ""),
            [&] { return text(n) + " is delivered in a wrong name"; });
        law(m.cmd == r.command && m.topic == r.topic &&
                m.data.starts_with(std::string_view{r.data}.substr(0, r.data.size() - 1)),
            [&] { return text(n) + " was changed on its way: " + std::string{m.cmd}; });
        auto& last = last_[{r.from != nullptr ? r.from->number : 0, s.number}];
        law(last < n, [&] { return text(n) + " comes after " + text(last) + ", which was said later"; });
        last = n;
        if (r.what != kind::question) return;
        r.hub_number = json_number(m.request);
        questions_[r.hub_number] = n;
        law(r.hub_number != 0, [&] { return text(n) + " cannot be answered: it has no number"; });
    }

    // The hub tells a session that nobody fetched its message.
    void expire(simulated_session& s, std::uint32_t n, std::string_view origin) {
        auto& r = (*this)[n];
        law(r.held && r.from == &s && r.takers.empty() && origin == r.target &&
                !std::exchange(r.expired, true),
            [&] { return text(n) + " has not expired"; });
    }

    void gone(simulated_session& s) override {
        for (auto& [topic, in] : topics_) std::erase(in, &s);
        for (std::uint32_t n = 1; n <= requests_.size(); ++n) {
            auto& r = (*this)[n];
            if (r.what == simulated_request::question && r.arrived && !r.closed && r.addressee == &s)
                orphans_.push_back(n);
        }
    }

    std::size_t unseen(const simulated_session& s) const override {
        return static_cast<std::size_t>(std::count_if(requests_.begin(), requests_.end(), [&](const auto& r) {
            return r.from == &s && (r.held || (r.what == simulated_request::question && r.answers == 0));
        }));
    }

    std::deque<simulated_request> requests_;
    std::map<std::uint32_t, std::uint32_t> questions_; // by the hub's number
    std::uint32_t number_ = 0;                         // of the request in hand
    std::vector<std::uint32_t> orphans_;               // questions to a peer that has gone in this call
    std::size_t answers_ = 0, deliveries_ = 0;
    std::map<std::uint32_t, std::deque<written>> sent_;                          // by link
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> last_;      // by sender and receiver
    std::map<std::string, std::vector<simulated_session*>, std::less<>> topics_; // the members of each
};

} // namespace sigfire::inline v0_1::test
