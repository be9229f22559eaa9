// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/address_block.hpp>
#include <sigfire/core/event.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/** How to end a connection. An HTTP status refuses an upgrade request; a close code ends a connection that
 *  was accepted. The texts must stay valid until the call that takes the ending returns. */
struct ending {
    unsigned http_status = 400; ///< HTTP status of the refusal. 0 = accept the upgrade, then close: a page in
                                ///< a browser can read close codes only.
    std::uint16_t close_code = 1000; ///< WebSocket close code (RFC 6455, section 7.4). 0 = cut the connection
                                     ///< without a close message; 1005 = send a close message without a code.
    std::string_view text{};         ///< body of the refusal, or close reason (at most 123 bytes), UTF-8
    std::string_view last_message{}; ///< text message to send before the close; empty = none
    std::chrono::seconds retry_after{}; ///< time after which the client may try again (HTTP `Retry-After`);
                                        ///< 0 = not given
    std::string_view content_type{};    ///< media type of `text` as a body; empty = plain text
};

/// How a hook refuses a connection: an `ending` that owns its texts.
struct refusal {
    unsigned http_status = 403;         ///< HTTP status of the refusal; 0 = accept the upgrade, then close
    std::uint16_t close_code = 4403;    ///< WebSocket close code; 4600-4999 = the client must not reconnect
    std::string text{};                 ///< body of the refusal, or close reason (at most 123 bytes), UTF-8
    std::string last_message{};         ///< text message to send before the close; empty = none
    std::chrono::seconds retry_after{}; ///< time after which the client may try again; 0 = not given

    /// An ending with views of these texts. Valid while this refusal exists and does not change.
    operator ending() const noexcept { return {http_status, close_code, text, last_message, retry_after}; }
};

/** Values that hooks attach to a peer: one value for each type. A value never changes once it is stored, and
 *  copies of the notes share the values. Not thread-safe. */
class notes {
    struct holder {
        virtual ~holder() = default;
    };
    template <class T>
    struct holder_of final : holder {
        explicit holder_of(T v) : value(std::move(v)) {}
        T value;
    };
    using key_type = const char*;

    template <class T>
    static constexpr char key_of = 0; // the address tells types apart

public:
    /// Stores `value`, and replaces the value of the same type, if any.
    template <class T>
    void put(T value) {
        auto held = std::make_shared<const holder_of<T>>(std::move(value));
        for (auto& e : entries_)
            if (e.key == &key_of<T>) {
                e.value = std::move(held);
                return;
            }
        entries_.push_back({&key_of<T>, std::move(held)});
    }

    /// The value of type `T`, or null. The pointer is valid while these notes, or a copy, hold the value.
    template <class T>
    const T* find() const noexcept {
        for (const auto& e : entries_)
            if (e.key == &key_of<T>) return &static_cast<const holder_of<T>&>(*e.value).value;
        return nullptr;
    }

    /// Whether no value is stored.
    bool empty() const noexcept { return entries_.empty(); }

private:
    struct entry {
        key_type key;
        std::shared_ptr<const holder> value;
    };
    std::vector<entry> entries_;
};

/// A group of peers with a common limit, see `admission::counted_with`.
struct party {
    std::uint32_t number = 0; ///< number of the party; 0 = no party
    std::size_t limit = 0;    ///< most peers of the party that may be present; 0 = no limit

    /// Returns a number that no other party of this process has. Thread-safe.
    static std::uint32_t fresh_number() noexcept {
        static std::atomic<std::uint32_t> last{0};
        return ++last;
    }
};

/// An RTC configuration that ends, for example with the TURN credentials in it.
struct rtc_lease {
    std::string configuration{};      ///< JSON object, UTF-8; empty = there is none
    std::chrono::milliseconds life{}; ///< time for which it is valid; 0 = it does not end
};

/// How to renew the RTC configuration of a peer: a note of a hook, for the feature `rtc_refresh`.
struct rtc_renewal {
    std::chrono::milliseconds life{}; ///< time for which `admission::rtc_configuration` is valid
    /** Asks for a new configuration for the peer with that id. It runs on the thread of the hub, and returns
     *  soon. It calls `done` once, at once or later, on any thread; an empty configuration is a failure. */
    std::function<void(std::string_view id, std::function<void(rtc_lease)> done)> renew{};
};

/** The terms on which a connection becomes a peer. While the connection opens, the codec fills in the
 *  admission first; then the hooks may change it. */
struct admission {
    std::string remote{};      ///< numeric address of the client; empty = none
    address_block address{};   ///< block of that address, for limits per address
    std::string id{};          ///< id of the peer, UTF-8, 1-256 bytes; empty = the hub draws one
    bool id_generated = false; ///< Whether `id` was drawn by the server side, not asked for by the client. A
                               ///< resume token for another id then wins.
    std::string subprotocol{}; ///< WebSocket sub-protocol for the answer; empty = none
    sigfire::notes attached{}; ///< values from hooks for `on_open`, policies and other hooks
    std::string metadata{};    ///< metadata for the peer's record, if the hub keeps records; empty = none
    wire_id metadata_wire = default_wire; ///< wire of `metadata`
    std::string rtc_configuration{}; ///< RTC configuration for this peer, a JSON object; empty = the codec's
                                     ///< own configuration
    bool permanent = false;          ///< whether the peer's record stays after the peer leaves
    bool resumable = false;          ///< whether the peer wants to resume on another connection later
    std::string token{};        ///< proof that this connection belongs to an earlier peer; empty = a new peer
    std::uint64_t received = 0; ///< with `token`: number of messages that the peer had received from the hub
    bool id_verified = false; ///< Whether the hooks have verified that the id belongs to this peer. The peer
                              ///< then takes the id over at once.
    std::optional<refusal> refused_as{}; ///< how to refuse the connection; empty = as the codec ends a
                                         ///< connection for that cause
    std::chrono::milliseconds heartbeat_timeout{}; ///< longest time between two `event::heartbeat` of the
                                                   ///< peer; 0 = the peer need not send any
    std::chrono::milliseconds valid_for{}; ///< time after which the hub ends the connection; 0 = never
    sigfire::party counted_with{};         ///< the party that counts this peer
    event::rate_terms rate{}; ///< how fast the peer may send, if the hooks have a `rate_limit`; 0 messages
                              ///< per second = as its options say
};

} // namespace sigfire::inline v0_1
