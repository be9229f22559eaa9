// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/error.hpp>
#include <sigfire/net/accept_gate.hpp>

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The connections that a gate has admitted. Calls `leave` once for each. One thread.
class gate_book {
public:
    explicit gate_book(const accept_gate& g) : gate_{g} {}

    /// Whether there is a gate.
    explicit operator bool() const noexcept { return static_cast<bool>(gate_.enter); }

    errc ask(std::string_view remote) const noexcept {
        try {
            return gate_.enter(remote);
        } catch (...) {
            return errc::internal_error;
        }
    }

    /// Notes that the gate returned `ok` for a connection.
    void note(const void* connection, std::string_view remote) { entered_.emplace(connection, remote); }

    /// Asks the gate, unless the gate has admitted that connection with that address.
    errc pass(const void* connection, std::string_view remote) {
        if (!gate_.enter) return errc::ok;
        const auto before = entered_.find(connection);
        if (before != entered_.end() && before->second == remote) return errc::ok;
        if (const auto e = ask(remote); e != errc::ok) return e;
        leave(connection);
        note(connection, remote);
        return errc::ok;
    }

    void leave(const void* connection) noexcept {
        const auto entered = entered_.find(connection);
        if (entered == entered_.end()) return;
        const auto remote = std::move(entered->second);
        entered_.erase(entered);
        try {
            if (gate_.leave) gate_.leave(remote);
        } catch (...) {
            // The connection has ended, whatever the gate does.
        }
    }

private:
    accept_gate gate_;
    std::unordered_map<const void*, std::string> entered_;
};

} // namespace sigfire::inline v0_1::detail
