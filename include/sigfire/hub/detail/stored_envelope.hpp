// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/envelope.hpp>

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace sigfire::detail {

/// An envelope that owns what its views show, in one piece of memory. What lies in its `whole` stays there.
class stored_envelope {
public:
    explicit stored_envelope(const envelope& e) : envelope_(e), size_(size_of(e)) {
        const std::string_view whole = e.whole.view();
        bytes_ = std::make_unique_for_overwrite<char[]>(size_);
        char* p = bytes_.get();
        const auto copy = [&p](std::string_view v) {
            if (!v.empty()) std::memcpy(p, v.data(), v.size());
            return std::string_view{std::exchange(p, p + v.size()), v.size()};
        };
        const auto kept = copy(whole);
        envelope_.whole.bytes = {bytes_.get(), whole.size()};
        const auto move = [](std::string_view& v, std::string_view from, std::string_view to) {
            v = {to.data() + (v.data() - from.data()), v.size()};
        };
        const bool has_signal = within(e.data.signal, e.data.bytes);
        for_each_view(envelope_, [&](std::string_view& v) {
            if (within(v, whole))
                move(v, whole, kept);
            else
                v = copy(v);
        });
        if (has_signal)
            move(envelope_.data.signal, e.data.bytes, envelope_.data.bytes);
        else
            envelope_.data.signal = {};
    }

    envelope& get() noexcept { return envelope_; }
    const envelope& get() const noexcept { return envelope_; }

    /// Bytes it holds.
    std::size_t size() const noexcept { return size_; }

    /// Bytes that it would hold.
    static std::size_t size_of(envelope e) noexcept {
        const std::string_view whole = e.whole.view();
        auto size = whole.size();
        for_each_view(e, [&](std::string_view& v) { size += within(v, whole) ? 0 : v.size(); });
        return size;
    }

private:
    template <class F>
    static void for_each_view(envelope& e, F f) {
        for (auto* v : {&e.id, &e.command, &e.from, &e.to, &e.topic, &e.data.bytes}) f(*v);
    }

    static bool within(std::string_view v, std::string_view whole) noexcept {
        return !v.empty() && std::less_equal<>{}(whole.data(), v.data()) &&
               std::less_equal<>{}(v.data() + v.size(), whole.data() + whole.size());
    }

    envelope envelope_;
    std::unique_ptr<char[]> bytes_;
    std::size_t size_;
};

} // namespace sigfire::detail
