// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/peer.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/observe/call_report.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Settings of `call_trace`.
struct call_trace_options {
    /// Steps in memory, at 48 bytes each; a further step replaces the oldest.
    std::size_t steps = 65'536;
    /// Refused connections in memory; a further one replaces the oldest.
    std::size_t refusals = 4096;
    /// The clock; time of the system, so that a person can read the times.
    std::chrono::system_clock::time_point (*now)() = [] { return std::chrono::system_clock::now(); };
};

/** Remembers the last signals between peers, to answer why two peers have no call. Models Hook: `call_trace
 *  t; server srv{..., hooks{t, ...}};`. Put it first in the chain. Copies share the memory, so keep one to
 *  ask.
 *
 *  It keeps no payloads and no ids: an id is a keyed hash of 64 bits. A peer is known by the id of its
 *  admission. A message costs two hashes and one reading of the clock, and no allocation. One
 *  thread: that of the hub. */
class call_trace {
public:
    /// Takes the settings, and allocates all memory.
    explicit call_trace(const call_trace_options& options = {}) : all_(std::make_shared<memory>(options)) {}

    /// A refused connection.
    struct refusal {
        std::chrono::system_clock::time_point at; ///< time of the refusal
        std::string remote;                       ///< numeric address; empty = unknown
        errc cause;                               ///< the cause
    };

    /// Notes an admitted peer.
    void on_open(peer_handle peer, const admission& a) {
        auto& m = *all_;
        if (m.ids.size() <= peer.slot) m.ids.resize(peer.slot + 1);
        m.ids[peer.slot] = m.hash(a.id);
        m.add({.what = call_step::opened, .from = m.ids[peer.slot]});
    }
    /// Notes a peer that has left.
    void on_close(peer_handle peer, errc why) {
        all_->add({.what = call_step::closed, .cause = why, .from = all_->id_of(peer)});
    }
    /// Notes a message to a peer.
    void on_event(peer_handle from, const event::send& e) {
        auto& m = *all_;
        m.add({.what = call_step::sent,
               .pending = true,
               .kind = e.signal.kind,
               .from = m.id_of(from),
               .to = m.hash(e.to),
               .token = m.hash(e.token.bytes)});
    }
    /// Notes how a message ended, or a refused connection.
    void on_outcome(const outcome& o) {
        auto& m = *all_;
        if (o.peer)
            m.settle(m.id_of(o.peer), m.hash(o.token.bytes), o.cause);
        else
            m.refuse(o.remote, o.cause);
    }

    /** Explains the last call from one peer to another.
     *  @param from id of the calling peer, UTF-8
     *  @param to id of the called peer, UTF-8
     *  @return the steps that are still in memory, the first of at most 1,000 first, and what is missing */
    call_report why(std::string_view from, std::string_view to) const {
        const auto& m = *all_;
        const auto a = m.hash(from), b = m.hash(to);
        std::vector<call_step> steps;
        m.each([&](const record& r) {
            const bool between =
                r.what == call_step::sent && ((r.from == a && r.to == b) || (r.from == b && r.to == a));
            if (!between && (r.what == call_step::sent || (r.from != a && r.from != b))) return;
            if (steps.size() == 1000) steps.erase(steps.begin(), steps.begin() + 100);
            steps.push_back({r.at, r.what, r.from == b, r.kind, r.cause, r.pending});
        });
        return explain_call(std::move(steps));
    }

    /// The refused connections in memory, the last first. With `remote`, only those of that address.
    std::vector<refusal> refusals(std::string_view remote = {}, std::size_t most = 100) const {
        std::vector<refusal> out;
        for (auto r = all_->refusals.rbegin(); r != all_->refusals.rend() && out.size() < most; ++r)
            if (remote.empty() || r->remote == remote) out.push_back(*r);
        return out;
    }

private:
    struct record {
        std::chrono::system_clock::time_point at{};
        call_step::type what{};
        bool pending = false;
        signal_kind kind{};
        errc cause = errc::ok;
        std::uint64_t from = 0, to = 0, token = 0;
    };
    static_assert(sizeof(record) <= 48);

    struct memory {
        explicit memory(const call_trace_options& o) : options(o), ring(std::max<std::size_t>(o.steps, 1)) {
            std::array<unsigned char, sizeof key> bits;
            detail::random_bytes(bits);
            std::memcpy(&key, bits.data(), bits.size());
        }

        std::uint64_t hash(std::string_view text) const noexcept {
            if (text.empty()) return 0;
            auto h = key;
            for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
            h = (h ^ h >> 32) * 0x9e3779b97f4a7c15;
            return h ^ h >> 29;
        }
        std::uint64_t id_of(peer_handle peer) const noexcept {
            return peer.slot < ids.size() ? ids[peer.slot] : 0;
        }
        void add(record r) {
            r.at = options.now();
            ring[written++ % ring.size()] = r;
        }
        // The message that ended is most often the last one. A deferred one is further back.
        void settle(std::uint64_t from, std::uint64_t token, errc cause) noexcept {
            for (std::size_t i = 0; i < std::min<std::size_t>({written, ring.size(), 256}); ++i) {
                auto& r = ring[(written - 1 - i) % ring.size()];
                if (!r.pending || r.from != from || r.token != token) continue;
                r.pending = false;
                r.cause = cause;
                return;
            }
        }
        void refuse(std::string_view remote, errc cause) {
            if (options.refusals == 0) return;
            if (refusals.size() >= options.refusals) refusals.pop_front();
            refusals.push_back({options.now(), std::string{remote}, cause});
        }
        template <class F>
        void each(F f) const {
            for (std::size_t i = written - std::min(written, ring.size()); i < written; ++i)
                f(ring[i % ring.size()]);
        }

        call_trace_options options;
        std::vector<record> ring;
        std::vector<std::uint64_t> ids; // by slot
        std::deque<refusal> refusals;
        std::size_t written = 0;
        std::uint64_t key = 0;
    };

    std::shared_ptr<memory> all_;
};

} // namespace sigfire::inline v0_1
