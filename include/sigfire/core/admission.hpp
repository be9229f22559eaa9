// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/event.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire {

/** How a connection is ended: by HTTP status while the upgrade can still be refused, else by close code. The
 * texts outlive the call that is handed the ending. */
struct ending {
    unsigned http_status = 400;      ///< for a refused upgrade; 0 = accept it, then close: only close codes
                                     ///< can be read by the page in a browser
    std::uint16_t close_code = 1000; ///< RFC 6455 section 7.4; 0 = no close message, cut the connection;
                                     ///< 1005 = a close message without a code
    std::string_view text{};         ///< body of the refusal, or close reason (at most 123 bytes)
    std::string_view farewell{};     ///< a text message to send before the close, if any
    std::chrono::seconds retry_after{}; ///< when the client may try again (HTTP `Retry-After`); 0 = not said
    std::string_view content_type{};    ///< media type of `text` as a body; empty = plain text
};

/// How a hook refuses a connection: an `ending` that owns its texts.
struct refusal {
    unsigned http_status = 403;         ///< 0 = accept the upgrade, then close
    std::uint16_t close_code = 4403;    ///< 4600-4999: the client must not come back
    std::string text{};                 ///< body of the refusal, or close reason (at most 123 bytes), UTF-8
    std::string farewell{};             ///< a text message to send before the close, if any
    std::chrono::seconds retry_after{}; ///< when the client may try again; 0 = not said

    /// Views of this refusal.
    operator ending() const noexcept { return {http_status, close_code, text, farewell, retry_after}; }
};

/** Values that hooks attach to a peer: one for each type. Several hooks keep different types. A value is not
 * changed once it was put in; copies of the notes share the values. One thread at a time. */
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
    static constexpr char key_of = 0; // its address tells types apart

public:
    /// Puts a value in; it takes the place of an older one of its type.
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

    /// The value of that type, or null. Valid as long as these notes, or a copy, have it.
    template <class T>
    const T* find() const noexcept {
        for (const auto& e : entries_)
            if (e.key == &key_of<T>) return &static_cast<const holder_of<T>&>(*e.value).value;
        return nullptr;
    }

    bool empty() const noexcept { return entries_.empty(); }

private:
    struct entry {
        key_type key;
        std::shared_ptr<const holder> value;
    };
    std::vector<entry> entries_;
};

/// Peers that are counted together, see `admission::party`.
struct party {
    std::uint32_t number = 0; ///< 0: no party
    std::size_t limit = 0;    ///< peers of it that may be here; 0 = any number

    /// A number that no other party of this process has. Thread-safe.
    static std::uint32_t fresh_number() noexcept {
        static std::atomic<std::uint32_t> last{0};
        return ++last;
    }
};

/** How a connection is let in: filled by the codec, then by hooks, while the connection opens. */
struct admission {
    std::string remote{};      ///< numeric address of the other side; empty if none
    std::string id{};          ///< the id the peer shall have, UTF-8, 1-256 bytes; empty = the hub draws one
    bool id_drawn = false;     ///< `id` is no wish of the peer: a proof that it is another one counts more
    std::string subprotocol{}; ///< WebSocket sub-protocol to answer with; empty = none
    sigfire::notes attached{}; ///< that hooks hand to `on_open`, to policies and to each other
    std::string metadata{};    ///< for the peer's record, if the hub keeps records; empty = none
    wire_id metadata_wire = default_wire; ///< how the metadata are written
    std::string rtc_configuration{};      ///< of this peer, JSON object; empty = as the codec has it
    bool permanent = false;               ///< whether the record stays when the peer goes
    bool resumable = false;               ///< the peer wants to be able to continue on another connection
    std::string token{};                  ///< proof that it is a peer of before; empty = it is new
    std::uint64_t received = 0;           ///< with `token`: how many messages of the hub it had
    bool proven = false; ///< the hooks know that the id is this peer's: it takes the id over at once
    std::optional<refusal> refused_as{};           ///< how to refuse it; empty = as the codec ends that cause
    std::chrono::milliseconds heartbeat_timeout{}; ///< it has to send `alive` that often; 0 = it need not
    std::chrono::milliseconds valid_for{};         ///< the connection ends after that time; 0 = never
    sigfire::party counted_with{};                 ///< the party that it is counted with
};

} // namespace sigfire
