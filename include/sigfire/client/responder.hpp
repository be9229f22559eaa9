// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/detail/client_core.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace sigfire::inline v0_1 {

/** Answers one request of another peer, which `client::on_request` received. It may be kept, and answer
 * later.
 *
 *  A request gets one answer: further calls do nothing. A responder that is destroyed without an answer
 * refuses the request. So does an answer that cannot be sent: data that is not JSON in UTF-8, or too large.
 * After the client has gone, or has lost its place at the server, an answer is not sent. Thread safety as of
 * the client. */
class responder {
public:
    responder(responder&&) noexcept = default; ///< The source answers nothing afterwards.
    /// Refuses the request of this responder, then takes over that of `from`.
    responder& operator=(responder&& from) noexcept {
        if (this == &from) return *this;
        refuse();
        core_ = std::move(from.core_);
        number_ = from.number_;
        era_ = from.era_;
        return *this;
    }
    ~responder() { refuse(); }

    /// Answers with `data`, JSON text or empty.
    void respond(std::string data) { answer(std::move(data), false); }

    /// Says that the request failed, with `data` that says why, JSON text or empty.
    void refuse(std::string data = {}) { answer(std::move(data), true); }

private:
    friend class client;

    responder(const std::shared_ptr<detail::client_core>& core, std::uint64_t number)
        : core_{core}, number_{number}, era_{core->era()} {}

    void answer(std::string data, bool failed) {
        if (const auto core = std::exchange(core_, {}).lock())
            core->answer_request(number_, era_, std::move(data), failed);
    }

    std::weak_ptr<detail::client_core> core_; // expired: it is answered
    std::uint64_t number_;
    std::uint64_t era_;
};

} // namespace sigfire::inline v0_1
