// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace sigfire::inline v0_1 {

/// The record of an id.
struct record {
    std::string metadata{};               ///< in the format of `metadata_wire`; empty = none
    wire_id metadata_wire = default_wire; ///< format of `metadata`
    bool permanent = false;               ///< the record stays after its peer has left
    bool online = false;                  ///< a peer with this id is present
    std::int64_t last_seen = 0;           ///< last time online, in ms since 1970 (UTC); 0 = never
};

/** RecordStore: keeps the records of ids. A store may answer later: a coroutine, for example, queries a
 *  database and then calls `f`.
 *  - `s.find(id, f)`: calls `f(const record*)` with the record, valid until `f` returns, or with null.
 *  - `s.put(id, record, f)`: creates or replaces the record, then calls `f(errc)`: `ok`, `full`, ...
 *  - `s.erase(id, f)`: removes the record, then calls `f(errc)`: `ok` or `unknown`.
 *
 *  Laws: the store calls each `f` once, during the operation or later, on the thread of the hub. `f` is
 *  copyable, and does nothing after the end of the hub. Operations on one id take effect in the order of the
 *  calls. An operation may throw. Then it has changed nothing and does not call `f`, and the request ends
 * with `internal_error`. */
template <class S>
concept RecordStore =
    std::movable<S> && requires(S s, std::string id, record r, std::function<void(const record*)> found,
                                std::function<void(errc)> done) {
        s.find(id, found);
        s.put(id, r, done);
        s.erase(id, done);
    };

/// Keeps records in memory until the program ends. Models RecordStore; calls each `f` during the operation.
class memory_records {
public:
    /// Sets the maximum number of records. For a further record, `put` answers `full`.
    explicit memory_records(std::size_t limit = 1'000'000) : limit_(limit) {}

    /// Calls `f(const record*)` with a copy of the record, or with null.
    template <class F>
    void find(const std::string& id, F f) {
        const auto at = records_.find(id);
        if (at == records_.end()) return f(static_cast<const record*>(nullptr));
        const record copy = at->second; // `f` may change the records
        f(&copy);
    }

    /// Creates or replaces a record, then calls `f(errc)`: `ok` or `full`.
    template <class F>
    void put(const std::string& id, record r, F f) {
        if (records_.size() >= limit_ && !records_.contains(id)) return f(errc::full);
        records_[id] = std::move(r);
        f(errc::ok);
    }

    /// Removes a record, then calls `f(errc)`: `ok` or `unknown`.
    template <class F>
    void erase(const std::string& id, F f) {
        f(records_.erase(id) != 0 ? errc::ok : errc::unknown);
    }

    /// Number of records.
    std::size_t size() const noexcept { return records_.size(); }

private:
    std::size_t limit_;
    std::map<std::string, record> records_;
};

static_assert(RecordStore<memory_records>);

} // namespace sigfire::inline v0_1
