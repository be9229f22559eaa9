// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/observe/prometheus_text.hpp>
#include <sigfire/observe/stream_metrics.hpp>
#include <sigfire/version.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1 {

namespace detail {

inline constexpr std::size_t causes = static_cast<std::size_t>(errc::ended) + 1;

template <class E, class List>
inline constexpr std::size_t index_in = 0;
template <class E, class First, class... Es>
inline constexpr std::size_t index_in<E, event_list<First, Es...>> =
    std::same_as<E, First> ? 0 : 1 + index_in<E, event_list<Es...>>;

// As in incoming_events.
inline constexpr std::string_view incoming_verbs[] = {
    "send",   "publish", "request",   "respond",    "join",   "leave",        "lookup", "set",
    "unset",  "watch",   "unwatch",   "create",     "update", "erase",        "info",   "exists",
    "resume", "ack",     "heartbeat", "release_id", "ping",   "authenticate", "custom"};

} // namespace detail

/** Counts the messages, requests and peers of a hub. Models Hook: `metrics m; server srv{..., hooks{m}};`.
 *  Put it first in the chain. Copies share the counters, so keep one to read them.
 *
 *  One thread: that of the hub. A relayed message costs two additions. */
class metrics {
public:
    /// The counters since the start.
    struct counters {
        std::array<std::uint64_t, std::size(detail::incoming_verbs)> received{}; ///< events by type
        std::array<std::uint64_t, detail::causes> requests{};                    ///< ended requests by cause
        std::array<std::uint64_t, detail::causes> refused{}; ///< refused connections by cause
        std::array<std::uint64_t, detail::causes> closed{};  ///< peers that have left, by cause
        std::uint64_t opened = 0;                            ///< admitted peers
    };

    /// The members neither throw nor call the hub.
    static constexpr bool only_observes = true;

    /// All counters are 0.
    metrics() : all_(std::make_shared<counters>()) {}

    /// The counters; valid as long as this object or a copy.
    const counters& count() const noexcept { return *all_; }

    /// Counts an event.
    template <class E>
    void on_event(peer_handle, const E&) noexcept {
        static_assert(std::size(detail::incoming_verbs) == detail::index_in<void, incoming_events>);
        ++all_->received[detail::index_in<E, incoming_events>];
    }
    /// Counts the end of a request, or a refused connection.
    void on_outcome(const outcome& o) noexcept {
        if (o.cause == errc::ok) [[likely]] // the path of relayed messages: one addition
            ++all_->requests[0];
        else
            count_failure(static_cast<bool>(o.peer), o.cause);
    }
    /// Counts an admitted peer.
    void on_open(peer_handle, const admission&) noexcept { ++all_->opened; }
    /// Counts a peer that has left.
    void on_close(peer_handle, errc why) noexcept { ++all_->closed[static_cast<std::size_t>(why)]; }

    /// Writes the counters. For `write_metrics`.
    void write(prometheus_text& out) const {
        const auto& c = *all_;
        for (std::size_t i = 0; i < c.received.size(); ++i)
            out.counter("messages_received_total", "Messages of peers by verb.", c.received[i],
                        {{"verb", detail::incoming_verbs[i]}});
        const auto by_cause = [&](std::string_view name, std::string_view help, const auto& counts) {
            for (std::size_t i = 0; i < counts.size(); ++i)
                if (counts[i] != 0)
                    out.counter(name, help, counts[i], {{"cause", cause_name(static_cast<errc>(i))}});
        };
        by_cause("requests_total", "Ended requests by cause.", c.requests);
        by_cause("connections_refused_total", "Refused connections by cause.", c.refused);
        by_cause("connections_closed_total", "Connections that have ended, by cause.", c.closed);
        out.counter("connections_opened_total", "Admitted connections.", c.opened);
        std::uint64_t refused = 0;
        for (const auto n : c.refused) refused += n;
        out.counter("admissions_total", "Admissions by result.", c.opened, {{"result", "admitted"}});
        out.counter("admissions_total", "Admissions by result.", refused, {{"result", "refused"}});
    }

private:
    [[gnu::noinline]] void count_failure(bool of_peer, errc cause) noexcept {
        ++(of_peer ? all_->requests : all_->refused)[static_cast<std::size_t>(cause)];
    }

    std::shared_ptr<counters> all_;
};

/** Writes the metrics of a hub: those of `counted`, and those of each feature with a member `report`, a
 *  template `void report(auto& out) const`. On the thread of the hub.
 *  @param out where to write
 *  @param hub the hub
 *  @param counted the metrics of the hub */
template <class Hub>
void write_metrics(prometheus_text& out, Hub& hub, const metrics& counted) {
    out.gauge("build_info", "Version of sigfire; always 1.", std::uint64_t{1}, {{"version", version}});
    counted.write(out);
    std::uint64_t online = 0, away = 0, functions = 0;
    auto& context = hub.context();
    hub.for_each([&](std::string_view, peer_handle p) {
        ++(context.is_online(p) ? online : context.is_away(p) ? away : functions);
    });
    for (const auto& [state, n] : {std::pair{"online", online}, {"away", away}, {"function", functions}})
        out.gauge("peers", "Present peers by state.", n, {{"state", state}});
    context.each([&](auto& f) {
        if constexpr (requires { f.report(out); }) f.report(out);
    });
}

} // namespace sigfire::inline v0_1
