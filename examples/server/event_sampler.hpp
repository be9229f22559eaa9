// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/** Limits the lines of each kind of event, and counts the others. Time is an argument. Not thread-safe.
 *
 *  A window of one second begins with the first line of a kind. At most 64 kinds have a limit of their own;
 *  further kinds share one. */
class event_sampler {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// @param most lines in a second and kind; 0 = no limit
    explicit event_sampler(std::uint32_t most) : most_{most} {}

    /// Changes the limit, from the next event on.
    void set_limit(std::uint32_t most) noexcept { most_ = most; }

    /// Whether a line of that kind may be written now. A line that may not is counted.
    bool admit(std::string_view kind, time_point now) {
        if (most_ == 0) return true;
        auto& k = of(kind);
        if (now - k.begin >= window) {
            k.begin = now;
            k.written = 0;
        }
        if (k.written < most_) {
            ++k.written;
            return true;
        }
        ++k.suppressed;
        return false;
    }

    /// Calls `f(kind, count)` for each kind with suppressed lines, once its second is over. Returns whether
    /// other kinds have some.
    template <class F>
    bool tell(time_point now, F f) {
        bool more = false;
        for (auto& k : kinds_) {
            if (k.suppressed == 0) continue;
            if (now - k.begin >= window)
                f(std::string_view{k.name}, std::exchange(k.suppressed, 0));
            else
                more = true;
        }
        return more;
    }

private:
    static constexpr std::chrono::seconds window{1};
    static constexpr std::size_t most_kinds = 64;

    struct kind_of_event {
        std::string name;
        time_point begin{};
        std::uint32_t written = 0;
        std::uint64_t suppressed = 0;
    };

    kind_of_event& of(std::string_view name) {
        for (auto& k : kinds_)
            if (k.name == name) return k;
        if (kinds_.size() == most_kinds) name = "other";
        if (kinds_.size() > most_kinds) return kinds_.back();
        return kinds_.emplace_back(kind_of_event{std::string{name}, time_point{}});
    }

    std::uint32_t most_;
    std::vector<kind_of_event> kinds_;
};
