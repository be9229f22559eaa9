// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/error.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// Decides which failures of a service to report: the first one after a success, then one a minute. Reads no
/// clock.
class failure_report {
public:
    static constexpr std::chrono::seconds pause{60};

    /// Notes a failure. Returns the number of failures since the last report if this one is to be reported.
    std::optional<std::uint64_t> failed(time_point now) {
        ++count_;
        if (now < next_) return {};
        next_ = now + pause;
        return std::exchange(count_, 0);
    }
    /// Notes a success: the next failure is reported.
    void worked() noexcept {
        next_ = time_point::min();
        count_ = 0;
    }

private:
    time_point next_ = time_point::min();
    std::uint64_t count_ = 0;
};

/// What is wrong with an HTTP exchange of which only `200` is right; empty = nothing.
template <class Answer>
std::string failure_of(error_code failed, const Answer& answer) {
    if (failed) return failed.message();
    if (answer.redirects()) return "the service redirects, with status " + std::to_string(answer.status);
    return answer.status == 200 ? std::string{} : "the status is " + std::to_string(answer.status);
}

} // namespace sigfire::inline v0_1::detail
