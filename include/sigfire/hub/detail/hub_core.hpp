// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/log.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/deferral.hpp>
#include <sigfire/hub/detail/slots.hpp>
#include <sigfire/hub/detail/told_causes.hpp>
#include <sigfire/hub/detail/waiting_lines.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/feature_context.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub_options.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/hub/router.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::detail {

/// The state of a hub, and the last two stages of its pipeline: deliver and outcome. `Self` is the hub.
template <class Self, class R, class T, class O, class L, class H, class F, class P>
class hub_core {
protected:
    using slot = detail::slot<O>;
    static constexpr auto nowhere = detail::nowhere;

    struct nothing {
        constexpr nothing(auto&&...) noexcept {}
    };

    // A router may be a feature too.
    static constexpr bool has_features = F::size != 0 || Feature<T>;
    // Whether a message may have to wait for a verdict.
    static constexpr bool can_wait = has_on_message<H> || F::defers;
    // Whether code of the host program can run inside of a call of the hub.
    static constexpr bool has_guests =
        has_features || !std::is_same_v<L, no_log> || !std::is_same_v<P, permit_all> ||
        !std::is_same_v<T, direct_router> ||
        (!H::only_observes && (has_on_message<H> || has_on_open<H> || has_on_close<H> || has_on_deliver<H> ||
                               has_on_outcome<H> || has_on_event<H>));

    hub_core(const hub_options& options, R registry, T router, L log, H hooks, F features, P policy)
        : options_(options), registry_(std::move(registry)), router_(std::move(router)), log_(std::move(log)),
          hooks_(std::move(hooks)), features_(std::move(features)), policy_(std::move(policy)),
          lines_(options.deferred_total_bytes) {}
    ~hub_core() { box_->on_ring(nullptr); }

    // --- code of the host program ---

    // Calls `f`. Returns false if `f` threw: then only the current event fails.
    template <class G>
    bool guarded(const G& f) noexcept {
        try {
            f();
            return true;
        } catch (const std::exception& e) {
            failed(e.what());
        } catch (...) {
            failed("unknown exception");
        }
        return false;
    }

    [[gnu::noinline]] void failed(std::string_view what) noexcept {
        if constexpr (!std::is_same_v<L, no_log>) {
            try {
                write(log_level::error, "callback_failed", {{"what", what}});
            } catch (...) { // the log itself failed
            }
        }
    }

    // Calls `g(feature)` for each feature, even if an earlier one threw. Returns false if one did.
    template <class G>
    bool each_feature([[maybe_unused]] G&& g) {
        bool sound = true;
        const auto call = [&](auto& f) { sound = guarded([&] { g(f); }) && sound; };
        features_.each(call);
        if constexpr (Feature<T>) call(router_);
        return sound;
    }
    // Not guarded: an exception is not an answer.
    template <class G>
    bool any_feature([[maybe_unused]] G&& g) {
        if (features_.any(g)) return true;
        if constexpr (Feature<T>) return g(router_);
        return false;
    }

    // While an object of this class lives, the hub is at work: peers that the host program closes end after
    // it.
    class [[nodiscard]] work {
    public:
        explicit work(hub_core& hub) noexcept : hub_(hub) {
            if constexpr (has_guests) ++hub_.depth_;
        }
        work(const work&) = delete;
        work& operator=(const work&) = delete;
        ~work() {
            if constexpr (has_guests)
                if (--hub_.depth_ == 0 && !hub_.put_by_.empty()) [[unlikely]]
                    hub_.catch_up();
        }

    private:
        hub_core& hub_;
    };

    bool at_work() const noexcept { return depth_ != 0; }
    void put_by(std::function<void()> f) { put_by_.push_back(std::move(f)); }
    // Counts as work too: an action that is deferred meanwhile waits for its turn.
    [[gnu::noinline]] void catch_up() noexcept {
        ++depth_;
        while (!put_by_.empty())
            for (const auto& f : std::exchange(put_by_, {})) guarded([&] { f(); });
        --depth_;
    }

    // --- the peers ---

    static bool is_present(const slot& s) noexcept {
        return s.state == standing::online || s.state == standing::away || s.state == standing::function;
    }

    [[gnu::always_inline]] slot* resolve(attachment a) noexcept {
        slot* const s = slots_.find(a.peer);
        return s != nullptr && s->epoch == a.epoch ? s : nullptr;
    }

    [[gnu::noinline]] slot* slot_of(peer_handle peer) noexcept { return slots_.find(peer); }
    [[gnu::noinline]] peer_handle look_up(std::string_view id) const { return registry_.find(id); }

    std::string_view id_of(peer_handle peer) noexcept {
        const auto* const s = slot_of(peer);
        return s != nullptr && (is_present(*s) || s->state == standing::leaving) ? s->id.view()
                                                                                 : std::string_view{};
    }
    bool stands(peer_handle peer, standing how) noexcept {
        const auto* const s = slot_of(peer);
        return s != nullptr && s->state == how;
    }
    const notes* notes_of(peer_handle peer) {
        const auto at = notes_.find(peer.slot);
        return at == notes_.end() || slot_of(peer) == nullptr ? nullptr : &at->second;
    }
    // No block for a function, and in a hub that limits nothing per address.
    address_block address_of(std::uint32_t i) const noexcept {
        return i < addresses_.size() ? addresses_[i] : address_block{};
    }
    void set_address([[maybe_unused]] std::uint32_t i, [[maybe_unused]] const address_block& who) {
        if constexpr (has_features || can_wait) {
            if (i >= addresses_.size() && who) addresses_.resize(slots_.end());
            if (i < addresses_.size()) addresses_[i] = who;
        }
    }
    bool is_member(std::string_view topic, peer_handle peer) {
        bool yes = false;
        guarded([&] { yes = any_feature([&](auto& f) { return f.is_member(topic, peer); }); });
        return yes;
    }

    message_id fresh_id() { return message_id{message_ids_.next()}; }

    id_chars draw_id() {
        auto id = ids_.draw();
        while (registry_.find(view(id))) id = ids_.draw();
        return id;
    }

    // --- deliver: to a connection, a function, or the kept traffic of a peer that is away ---

    // Whether the hooks permit the delivery of `e`. Their `on_close` for a leaving peer has run: it is not
    // asked about.
    template <class E>
    errc may_have([[maybe_unused]] const slot& to, [[maybe_unused]] const E& e) {
        bool yes = true;
        if constexpr (requires { hooks_.on_deliver(peer_handle{}, e); })
            if (const auto who = registry_.find(to.id.view()); slots_.find(who) == &to)
                if (!guarded([&] { yes = hooks_.on_deliver(who, e); })) return errc::internal_error;
        return yes ? errc::ok : errc::denied;
    }

    // Whether that peer can take `e`. Sets `bound` for `put` if the peer is online.
    template <class E>
    errc takes(slot& s, const E& e, std::size_t& bound) {
        if (s.state == standing::online) [[likely]]
            return s.way.ready(e, bound);
        if constexpr (has_features) {
            if (s.state == standing::function) return errc::ok;
            if (s.state == standing::away) {
                const auto who = look_up(s.id.view());
                bool kept = false;
                const auto ask = [&](auto& f) { return f.can_keep(self().context_, who, e); };
                if (!guarded([&] { kept = any_feature(ask); })) return errc::internal_error;
                return kept ? errc::ok : errc::full;
            }
        }
        return errc::offline;
    }

    template <class E>
    [[gnu::always_inline]] errc can_have(slot& s, const E& e, std::size_t& bound) {
        const errc may = may_have(s, e);
        return may == errc::ok ? takes(s, e, bound) : may;
    }

    // `bound` is the value that `takes` has set, or absent.
    template <class E, class... Bound>
    void put(slot& s, const E& e, Bound... bound) {
        if constexpr (has_features)
            if (s.kept) [[unlikely]]
                return put_aside(s, e);
        s.way.deliver(e, bound...);
    }

    template <class E>
    [[gnu::noinline]] void put_aside(slot& s, const E& e) {
        const auto who = look_up(s.id.view());
        if (s.state == standing::function)
            return static_cast<void>(each_feature([&](auto& f) { f.on_call(self().context_, who, e); }));
        each_feature([&](auto& f) { f.on_delivery(self().context_, who, e); });
        if (!s.has_way || s.state == standing::away) return;
        // It is kept as sent: a connection that misses it ends.
        if (!guarded([&] { s.way.deliver(e); })) s.way.close(errc::internal_error);
    }

    template <class E>
    [[gnu::noinline]] errc send_event(peer_handle to, const E& e) {
        auto* const s = slot_of(to);
        if (s == nullptr || !is_present(*s)) return errc::offline;
        std::size_t bound = 0;
        if (const errc cause = can_have(*s, e, bound); cause != errc::ok) return cause;
        put(*s, e, bound);
        return errc::ok;
    }

    template <class E>
    [[gnu::noinline]] bool spread_event(peer_handle to, const E& e, fanout& shared, bool droppable) {
        auto* const s = slot_of(to);
        if (s == nullptr || !is_present(*s) || may_have(*s, e) != errc::ok) return true;
        const bool online = s->state == standing::online;
        if (droppable) {
            std::size_t bound = 0;
            if (!(online ? s->way.has_room(e) : takes(*s, e, bound) == errc::ok)) return false;
        }
        if (online && !s->kept)
            s->way.deliver(e, shared);
        else
            put(*s, e);
        return true;
    }

    template <class E>
    [[gnu::noinline]] void send_past(peer_handle to, const E& e) {
        auto* const s = slot_of(to);
        if (s != nullptr && s->state == standing::online) s->way.deliver(e);
    }

    template <class E>
    bool room_for(peer_handle to, const E& e) {
        auto* const s = slot_of(to);
        return s == nullptr || s->state != standing::online || s->way.has_room(e);
    }

    void keep_traffic(peer_handle peer) {
        if (auto* const s = slot_of(peer); s != nullptr && !s->unlisted) s->kept = true;
    }

    // --- outcome: every end of a request, and every refusal ---

    void ends([[maybe_unused]] peer_handle who, [[maybe_unused]] errc cause,
              [[maybe_unused]] request_token token = {}, [[maybe_unused]] std::string_view remote = {}) {
        if constexpr (has_on_outcome<H> && H::only_observes)
            hooks_.on_outcome(outcome{who, cause, remote, token});
        else if constexpr (has_on_outcome<H>)
            guarded([&] { hooks_.on_outcome(outcome{who, cause, remote, token}); });
    }

    static errc cause_of(const auto& e) noexcept {
        if constexpr (requires { e.cause; }) return e.cause;
        return errc::ok;
    }

    // If the reply cannot be encoded, the request ends with `internal_error`.
    template <class E>
    void put_reply(slot& to, const E& e) {
        if (guarded([&] { put(to, e); })) return;
        event::reply failure;
        failure.token = e.token;
        failure.cause = errc::internal_error;
        if constexpr (requires { e.number; }) failure.number = e.number;
        put(to, failure);
    }

    // A leaving peer gets replies too: it sent the request before.
    template <class E>
    [[gnu::noinline]] void reply_event(peer_handle to, const E& e) {
        ends(to, cause_of(e), e.token);
        auto* const s = slot_of(to);
        if (s == nullptr) return;
        if (e.token.empty())
            unanswered(*s, to, cause_of(e));
        else if (is_present(*s))
            put_reply(*s, e);
        else if (s->state == standing::leaving && s->has_way)
            s->way.deliver(e);
        // Not before: a reply that could not be written is none.
        if (in_hand_ != nullptr && in_hand_->from == to && in_hand_->token.bytes == e.token.bytes)
            in_hand_->answered = true;
    }

    // Not inline, for rare cases: relayed messages keep their inlining.
    [[gnu::noinline]] void reply_seldom(slot& to, peer_handle who, request_token token, errc cause,
                                        std::string_view text = {}, payload data = {},
                                        politeness role = politeness::none,
                                        std::chrono::milliseconds retry_after = {}) {
        ends(who, cause, token);
        if (token.empty()) return unanswered(to, who, cause);
        event::reply e;
        e.token = token;
        e.cause = cause;
        e.text = text;
        e.data = data;
        e.role = role;
        e.retry_after = retry_after;
        put(to, e);
    }

    // Flattened and without `put`: here the compiler instantiates the codec only for a short reply.
    [[gnu::flatten]] void reply(slot& to, peer_handle who, request_token token, errc cause,
                                politeness role = politeness::none) {
        if constexpr (has_features)
            if (to.kept) [[unlikely]]
                return reply_seldom(to, who, token, cause, {}, {}, role);
        ends(who, cause, token);
        if (token.empty()) return unanswered(to, who, cause);
        event::reply e;
        e.token = token;
        e.cause = cause;
        e.role = role;
        to.way.deliver(e);
    }

    // A request without a token has ended. Only the log can report a failure, once per cause, since each
    // message may fail. An absent target is normal.
    void unanswered(slot& s, peer_handle who, errc cause) {
        if constexpr (!std::is_same_v<L, no_log>)
            if (!is_verdict(cause)) [[unlikely]]
                guarded([&] {
                    if (!is_present(s) || !told_.add(who, cause)) return;
                    const bool daily = cause == errc::unknown || cause == errc::offline;
                    note(daily ? log_level::debug : log_level::warn, "request_refused", s.id.view(), cause);
                });
    }

    // --- log ---

    static constexpr bool is_fault(errc why) noexcept {
        return why != errc::closed && why != errc::lost && why != errc::stopping;
    }

    void note(log_level level, std::string_view name, std::string_view id) {
        if constexpr (!std::is_same_v<L, no_log>) guarded([&] { write(level, name, {{"id", id}}); });
    }
    void note(log_level level, std::string_view name, std::string_view id, errc why) {
        if constexpr (!std::is_same_v<L, no_log>)
            guarded([&] { write(level, name, {{"id", id}, {"cause", cause_name(why)}}); });
    }
    void write(log_level level, std::string_view name, std::initializer_list<log_field> fields) {
        log_(level, name, {fields.begin(), fields.size()});
    }

    Self& self() noexcept { return static_cast<Self&>(*this); }

    // The request that a feature is processing.
    struct request_in_hand {
        peer_handle from;
        request_token token;
        bool answered = false;
    };

    hub_options options_;
    R registry_;
    T router_;
    [[no_unique_address]] L log_;
    [[no_unique_address]] H hooks_;
    [[no_unique_address]] F features_;
    [[no_unique_address]] P policy_;
    [[no_unique_address]] std::conditional_t<can_wait, waiting_lines, nothing> lines_;
    std::shared_ptr<late_box> box_ = std::make_shared<late_box>();
    slot_table<O> slots_;
    id_source ids_;
    message_ids message_ids_{ids_.draw()};
    [[no_unique_address]] std::conditional_t<std::is_same_v<L, no_log>, nothing, told_causes> told_;
    std::unordered_map<std::uint32_t, notes> notes_; // of peers that have notes, by slot
    std::vector<address_block> addresses_;           // by slot, if a part has limits per address
    std::vector<std::function<void()>> put_by_;      // actions of the host program, for the end of the work
    std::size_t depth_ = 0;                          // number of nested inputs at work
    std::uint64_t ticket_ = 0;                       // taken by the feature that is being asked
    request_in_hand* in_hand_ = nullptr;
    time_point now_{};
    errc stop_cause_ = errc::ok; // the cause of `stop` or `drain`, after it
    bool ready_ = true;
    std::chrono::seconds retry_after_{}; // for refused connections, after `drain`
    bool stirred_ = false;               // a feature was called, so its last deadline may be out of date
};

} // namespace sigfire::inline v0_1::detail
