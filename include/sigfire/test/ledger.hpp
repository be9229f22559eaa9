// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/error.hpp>
#include <sigfire/test/journal.hpp>
#include <sigfire/test/network.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::test {

/// A request that a simulated peer made, and what became of it.
struct simulated_request {
    link* from = nullptr; ///< where it was said; null: by the host program
    std::string origin, target, command, data;
    errc flaw = errc::ok;       ///< what is wrong with it, if its target is not
    bool arrived = false;       ///< the hub was handed it
    bool in_vain = false;       ///< ... when its sender was not online any more
    unsigned answers = 0;       ///< replies that the hub wrote
    unsigned deliveries = 0;    ///< ... and messages to the target
    unsigned heard_answers = 0; ///< replies that the sender heard
    unsigned heard = 0;         ///< ... and messages that the target heard
    errc answer = errc::ok;     ///< the first reply
    link* taker = nullptr;      ///< whom it was delivered to
};

/// Writes down what passes between a hub and its peers, and compares it with what a hub promises.
class ledger : public network_observer, public journal {
public:
    ledger(std::chrono::milliseconds claim_timeout, bool hooks_judge, std::vector<std::string>* trace)
        : journal(trace), claim_timeout_(claim_timeout), hooks_judge_(hooks_judge) {}

    /// How many requests were made, replies and deliveries heard.
    std::size_t requests() const noexcept { return requests_.size(); }
    std::size_t answers() const noexcept { return answers_; }
    std::size_t deliveries() const noexcept { return deliveries_; }

    // --- what peers say and hear

    /// A link that a peer opened, asking for `id` (empty: any).
    void opened(link& l, std::string id) { of(l).wish = std::move(id); }

    /// The id under which the hub welcomed a link, or empty.
    const std::string& id(const link& l) const { return links_.at(l.number).id; }

    /// A request that is about to be made; its number is its token, and stands in its payload as `n`.
    std::uint32_t request(simulated_request r) {
        requests_.push_back(std::move(r));
        return static_cast<std::uint32_t>(requests_.size());
    }
    simulated_request& operator[](std::uint32_t number) { return requests_[number - 1]; }
    std::uint32_t next_number() const noexcept { return static_cast<std::uint32_t>(requests_.size() + 1); }

    /// A peer heard something from the hub.
    void heard(link& l, std::string_view text) {
        auto& info = of(l);
        note([&] { return name(l) + " hears " + shown(text); });
        if (json_member(text, "cmd") == R"("welcome")") {
            law(info.heard++ == 0, [&] { return name(l) + " was welcomed behind other messages"; });
            return;
        }
        law(info.heard++ != 0, [&] { return name(l) + " heard something before its welcome"; });
        if (!json_member(text, "ok").empty()) {
            ++answers_;
            const auto n = json_number(json_member(text, "id"));
            if (!law(n != 0 && n <= requests_.size(), [&] { return "a reply to nothing: " + shown(text); }))
                return;
            auto& r = (*this)[n];
            law(r.from == &l,
                [&] { return name(l) + " heard the reply to a request of another: " + shown(text); });
            law(++r.heard_answers == 1,
                [&] { return name(l) + " heard two replies to " + std::to_string(n); });
            return;
        }
        ++deliveries_;
        const auto n = number_of(text);
        if (n == 0) return;
        auto& r = (*this)[n];
        law(r.taker == &l, [&] { return name(l) + " heard " + std::to_string(n) + ", which is not for it"; });
        law(++r.heard == 1, [&] { return name(l) + " heard " + std::to_string(n) + " twice"; });
        auto& last = info.last_from[r.from != nullptr ? r.from->number : 0];
        law(last < n, [&] {
            return name(l) + " heard " + std::to_string(n) + " after " + std::to_string(last) +
                   ", which its sender said later";
        });
        last = n;
    }

    // --- what the host program does

    /// Around something that the host program does.
    void before_host() { input_ = {.what = input::host, .from = nullptr}; }
    void after_host() { decide_claims(); }

    /// The hub answered the host's own request like this.
    void host_answer(std::uint32_t n, errc cause) {
        auto& r = (*this)[n];
        r.arrived = true;
        answer(n, r, cause);
        settle(n, r);
    }

    // --- what passes at the hub

    void before_tick() override { input_ = {.what = input::tick, .from = nullptr}; }

    void before_opening(link& l) override { input_ = {.what = input::opening, .from = &l}; }

    void before_received(link& l, std::string_view text) override {
        input_ = {.what = input::received, .from = &l};
        note([&] { return "hub hears from " + name(l) + ": " + std::string{shown(text)}; });
        const auto n = json_number(json_member(text, "id"));
        if (n == 0 || n > requests_.size()) return; // nonsense
        input_.number = n;
        auto& r = (*this)[n];
        r.in_vain = !of(l).online;
        law(!std::exchange(r.arrived, true), [&] { return "the network doubled " + std::to_string(n); });
    }

    void before_alive(link& l) override {
        input_ = {.what = input::alive, .from = &l};
        note([&] { return name(l) + " shows a sign of life"; });
    }

    void before_closed(link& l, errc why) override {
        input_ = {.what = input::closed, .from = &l};
        note([&] { return "hub is told that " + name(l) + " is closed: " + std::string{cause_name(why)}; });
        offline(l);
    }

    void after_call(link* l) override {
        if (input_.what == input::opening) after_opening(*l);
        if (input_.what == input::received) {
            if (input_.number != 0)
                settle(input_.number, (*this)[input_.number]);
            else
                law(l->cause() != errc::ok, [&] { return name(*l) + " may talk nonsense"; });
        }
        if (input_.what == input::alive)
            for (auto& c : claims_)
                law(c.holder != l || !c.claimant->held() || c.claimant->cause() != errc::ok,
                    [&] { return name(*c.claimant) + " still waits though the holder lives"; });
        decide_claims();
    }

    void committed(link& l, std::string_view text) override {
        auto& info = of(l);
        note([&] { return "hub to " + name(l) + ": " + shown(text); });
        const bool first = info.committed++ == 0;
        if (json_member(text, "cmd") == R"("welcome")") {
            if (law(first, [&] { return name(l) + " is welcomed twice"; }))
                online(l, json_unquoted(json_member(json_member(text, "data"), "id")));
            return;
        }
        law(!first, [&] { return name(l) + " is sent something before its welcome"; });
        if (const auto ok = json_member(text, "ok"); !ok.empty()) {
            const auto n = json_number(json_member(text, "id"));
            if (!law(n != 0 && n <= requests_.size(), [&] { return "a reply to nothing: " + shown(text); }))
                return;
            auto& r = (*this)[n];
            law(r.from == &l, [&] { return "the reply to " + std::to_string(n) + " goes to " + name(l); });
            const auto cause = json_member(json_member(text, "data"), "cause");
            const auto words = json_member(json_member(text, "data"), "message");
            answer(n, r, ok == "true" ? errc::ok : cause_from(json_unquoted(cause.empty() ? words : cause)));
            return;
        }
        if (const auto n = number_of(text)) deliver(l, text, n, (*this)[n]);
    }

    void pinged(link& l) override {
        note([&] { return "hub asks " + name(l) + " for a sign of life"; });
        input_.pinged = &l;
    }

    void overflowed(link& l) override {
        note([&] { return name(l) + " does not read what it is sent"; });
    }

    void ended_by_server(link& l, errc why) override {
        note([&] { return "hub ends " + name(l) + ": " + std::string{cause_name(why)}; });
        if (why == errc::pong_timeout) {
            const auto c = claim_of(&claim::holder, l);
            law(c != nullptr && now() - c->since >= claim_timeout_,
                [&] { return name(l) + " is ended for its silence before its time is over"; });
        }
        if (why == errc::id_in_use && claim_of(&claim::claimant, l) != nullptr)
            law(input_.what == input::alive && input_.from == claim_of(&claim::claimant, l)->holder,
                [&] { return name(l) + " is refused though the holder did not show a sign of life"; });
        offline(l);
    }

    void broken_law(const link* l, const char* what) override {
        law(false, [&] { return (l != nullptr ? name(*l) + ": " : std::string{}) + what; });
    }

    // --- what has to be true when everything is quiet

    /// After all messages have arrived: everything that could be answered, was; nothing got lost.
    void nothing_is_open() {
        for (std::uint32_t n = 1; n <= requests_.size(); ++n) {
            const auto& r = (*this)[n];
            const bool healthy = r.from != nullptr && r.from->cause() == errc::ok && !r.from->broken();
            law(!healthy || r.arrived, [&] { return std::to_string(n) + " never arrived"; });
            law(!healthy || r.heard_answers == 1, [&] { return std::to_string(n) + " was not answered"; });
            law(r.deliveries == 0 || r.taker->broken() || r.heard == 1,
                [&] { return std::to_string(n) + " got lost on the way to " + name(*r.taker); });
        }
        for (const auto& c : claims_)
            law(!c.claimant->held() || c.claimant->cause() != errc::ok,
                [&] { return name(*c.claimant) + " waits for ever"; });
    }

    /// The links that the hub has online, by id.
    const std::map<std::string, link*, std::less<>>& holders() const noexcept { return holders_; }

private:
    struct input {
        enum kind : unsigned char {
            none,
            opening,
            received,
            alive,
            closed,
            tick,
            host
        } what = none; // what the hub is told right now
        link* from = nullptr;
        std::uint32_t number = 0; // of the request
        link* pinged = nullptr;   // by the hub, meanwhile
    };

    struct link_info {
        std::string wish, id;
        bool online = false;
        unsigned committed = 0, heard = 0;
        std::map<std::uint32_t, std::uint32_t> last_from{}; // by the sender's link
    };

    struct claim {
        link *claimant, *holder;
        time_point since;
    };

    link_info& of(const link& l) {
        if (links_.size() <= l.number) links_.resize(l.number + 1);
        return links_[l.number];
    }

    link* holder(std::string_view id) const {
        const auto found = holders_.find(id);
        return found != holders_.end() ? found->second : nullptr;
    }

    claim* claim_of(link* claim::* side, const link& l) {
        for (auto& c : claims_)
            if (c.*side == &l) return &c;
        return nullptr;
    }

    // The number of the request that is delivered by `text`, or 0.
    std::uint32_t number_of(std::string_view text) {
        const auto n = json_number(json_member(json_member(text, "data"), "n"));
        law(n != 0 && n <= requests_.size(), [&] { return "a message that nobody sent: " + shown(text); });
        return n <= requests_.size() ? n : 0;
    }

    void online(link& l, std::string_view id) {
        auto& info = of(l);
        info.id = id;
        if (info.wish.empty()) drawn(info.id, l);
        law(info.wish.empty() || info.wish == info.id,
            [&] { return name(l) + " asked for " + info.wish + " and is " + info.id; });
        law(!info.id.empty() && holder(info.id) == nullptr,
            [&] { return name(info.id) + " is given to " + name(l) + " though somebody has it"; });
        holders_[info.id] = &l;
        info.online = true;
        if (const auto c = claim_of(&claim::claimant, l))
            law(now() - c->since <= claim_timeout_,
                [&] { return name(l) + " was held for longer than a holder may take"; });
        forget_claims_of(&claim::claimant, l);
    }

    void offline(link& l) {
        auto& info = of(l);
        if (std::exchange(info.online, false)) holders_.erase(info.id);
        forget_claims_of(&claim::claimant, l);
    }

    void forget_claims_of(link* claim::* side, const link& l) {
        std::erase_if(claims_, [&](const claim& c) { return c.*side == &l; });
    }

    void after_opening(link& l) {
        auto& info = of(l);
        auto* const other = holder(info.wish);
        if (l.held() && l.cause() == errc::ok) {
            if (law(other != nullptr, [&] { return name(l) + " is held though its id is free"; }))
                claims_.push_back({&l, other, now()});
            law(input_.pinged == other, [&] { return name(l) + " waits for one that was not asked"; });
        } else if (l.cause() == errc::id_in_use) {
            law(other != nullptr &&
                    (other->cause() != errc::ok || claim_of(&claim::holder, *other) != nullptr),
                [&] { return name(l) + " is refused without a question to the holder"; });
        } else if (l.cause() == errc::ok && !l.told()) {
            law(info.online, [&] { return name(l) + " is neither welcomed, held nor refused"; });
        }
    }

    void decide_claims() {
        // Where the claimant has gone too, its welcome cannot be seen.
        for (const auto& c : std::vector(claims_))
            if (!of(*c.holder).online && !c.claimant->usable()) online(*c.claimant, of(*c.claimant).wish);
        for (const auto& c : claims_)
            law(of(*c.holder).online, [&] { return name(*c.claimant) + " waits for one that is gone"; });
        input_ = {};
    }

    void answer(std::uint32_t n, simulated_request& r, errc cause) {
        law(r.arrived, [&] { return "a reply to " + std::to_string(n) + ", which did not arrive"; });
        law(++r.answers == 1, [&] { return "a second reply to " + std::to_string(n); });
        r.answer = cause;
        if (r.from != nullptr)
            law(r.deliveries == 0, [&] { return std::to_string(n) + " is delivered before its reply"; });
        const auto* const target = holder(r.target);
        const auto wrong = [&](bool justified) {
            law(justified || hooks_judge_, [&] {
                return std::to_string(n) + " ends in " + std::string{cause_name(cause)} + " without reason";
            });
        };
        switch (cause) {
        case errc::ok: return wrong(r.flaw == errc::ok);
        case errc::missing_target: return wrong(r.target.empty());
        case errc::unknown: return wrong(!r.target.empty() && target == nullptr);
        case errc::self: return wrong(target != nullptr && target == r.from);
        case errc::full: return wrong(target != nullptr && target->cause() != errc::ok);
        default:
            return wrong(cause == r.flaw &&
                         (cause == errc::unknown_command || (target != nullptr && target != r.from)));
        }
    }

    // After the call that handed it to the hub.
    void settle(std::uint32_t n, const simulated_request& r) {
        if (r.in_vain)
            return void(law(r.answers + r.deliveries == 0, [&] {
                return "the hub heard " + std::to_string(n) + " from one that is not online";
            }));
        law(r.answers == 1 || (r.from != nullptr && r.from->cause() != errc::ok),
            [&] { return std::to_string(n) + " is not answered"; });
        if (r.answers == 0) return;
        law(r.answer != errc::ok || r.deliveries == 1 || hooks_judge_,
            [&] { return std::to_string(n) + " ended in ok, but was not delivered"; });
        law(r.answer == errc::ok || r.deliveries == 0,
            [&] { return std::to_string(n) + " failed, but was delivered"; });
    }

    void deliver(link& l, std::string_view text, std::uint32_t n, simulated_request& r) {
        law(r.arrived || r.from == nullptr,
            [&] { return std::to_string(n) + " is delivered before it arrived"; });
        law(r.from == nullptr || r.answers == 1 || r.from->cause() != errc::ok,
            [&] { return std::to_string(n) + " is delivered before its reply"; });
        law(++r.deliveries == 1, [&] { return std::to_string(n) + " is delivered twice"; });
        r.taker = &l;
        law(of(l).online && of(l).id == r.target,
            [&] { return "foreign mail: " + std::to_string(n) + " goes to " + name(l); });
        law(json_unquoted(json_member(text, "origin")) == r.origin,
            [&] { return std::to_string(n) + " is delivered in a wrong name"; });
        law(json_unquoted(json_member(text, "cmd")) == r.command &&
                json_member(text, "data").starts_with(std::string_view{r.data}.substr(0, r.data.size() - 1)),
            [&] { return std::to_string(n) + " was changed on its way: " + shown(text); });
    }

    const std::chrono::milliseconds claim_timeout_;
    const bool hooks_judge_;
    std::deque<simulated_request> requests_;
    std::size_t answers_ = 0, deliveries_ = 0;
    std::deque<link_info> links_; // by number
    std::map<std::string, link*, std::less<>> holders_;
    std::vector<claim> claims_;
    input input_;
};

} // namespace sigfire::test
