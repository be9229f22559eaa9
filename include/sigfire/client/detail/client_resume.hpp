// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/percent.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// The state with which a client resumes: the server's token, and the number of received messages. Does no
/// I/O, reads no clock.
class client_resume {
public:
    static constexpr std::uint32_t messages = 64;      ///< received messages before a confirmation
    static constexpr std::chrono::seconds longest{30}; ///< longest time before a confirmation
    /// Bytes; the token has to fit into a request header.
    static constexpr std::size_t longest_token = 1024;

    /// The token that proves this client's identity. Empty: the client cannot resume.
    std::string_view token() const noexcept { return token_; }
    std::uint64_t received() const noexcept { return received_; }

    /// Takes the server's token for the next connection; empty: there is none. `anew`: the count of messages
    /// starts at 0.
    void granted(std::string token, bool anew) {
        token_ = std::move(token);
        if (anew) received_ = 0;
        unconfirmed_ = 0;
        confirm_by_ = time_point::max();
    }

    /// Counts a message. True if it is time to confirm.
    bool heard(time_point now) {
        if (token_.empty()) return false;
        ++received_;
        if (unconfirmed_++ == 0) confirm_by_ = now + longest;
        return unconfirmed_ >= messages;
    }

    /// When it is time to confirm; `time_point::max()` = there is nothing to confirm.
    time_point deadline() const noexcept { return confirm_by_; }

    /// A confirmation is being sent.
    void confirmed() noexcept {
        unconfirmed_ = 0;
        confirm_by_ = time_point::max();
    }

    /// The addition to the query of a URL.
    std::string query() const {
        if (token_.empty()) return "resume";
        std::string out = "resume=";
        append_percent_encoded(out, token_);
        return out + "&received=" + std::to_string(received_);
    }

private:
    std::string token_;
    std::uint64_t received_ = 0;
    std::uint32_t unconfirmed_ = 0; // received messages without a confirmation
    time_point confirm_by_ = time_point::max();
};

} // namespace sigfire::inline v0_1::detail
