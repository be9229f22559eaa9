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

namespace sigfire::detail {

/** The state by which a client goes on where a connection ended: the server's token, and how many of its
 *  messages have come. Does no I/O, reads no clock. */
class client_resume {
public:
    static constexpr std::uint32_t messages = 64;      ///< that come before they are confirmed
    static constexpr std::chrono::seconds longest{30}; ///< that a message waits to be confirmed
    static constexpr std::size_t longest_token = 1024; ///< bytes; it has to fit into the header of a request

    /// The proof of this client's identity; empty: it cannot resume.
    std::string_view token() const noexcept { return token_; }
    std::uint64_t received() const noexcept { return received_; }

    /// The server gave a token for next time; empty: it gives none. `anew`: messages are counted from 0.
    void granted(std::string token, bool anew) {
        token_ = std::move(token);
        if (anew) received_ = 0;
        unconfirmed_ = 0;
        confirm_by_ = time_point::max();
    }

    /// A message came that counts. True: it is time to confirm.
    bool heard(time_point now) {
        if (token_.empty()) return false;
        ++received_;
        if (unconfirmed_++ == 0) confirm_by_ = now + longest;
        return unconfirmed_ >= messages;
    }

    /// When it is time to confirm; `time_point::max()` = there is nothing to.
    time_point deadline() const noexcept { return confirm_by_; }

    /// The server is being told how many messages have come.
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
    std::uint32_t unconfirmed_ = 0; // of them
    time_point confirm_by_ = time_point::max();
};

} // namespace sigfire::detail
