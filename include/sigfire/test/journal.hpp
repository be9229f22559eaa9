// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/detail/json_scan.hpp>
#include <sigfire/test/network.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sigfire::test {

/// The value of a member of a JSON object as it stands in the text, or empty.
inline std::string_view json_member(std::string_view object, std::string_view name) {
    std::string_view found;
    if (detail::json_scanner text{object}; text.first() == '{')
        text.object([&](std::string_view n) {
            const auto value = text.value();
            if (n == name) found = value;
            return !value.empty();
        });
    return found;
}

/// What stands between the quotes of a JSON string; of anything else, the text itself.
inline std::string_view json_unquoted(std::string_view raw) {
    return detail::is_json_string(raw) ? detail::json_contents(raw) : raw;
}

/// The number that a JSON text is, or 0.
inline std::uint32_t json_number(std::string_view raw) {
    std::uint32_t n = 0;
    std::from_chars(raw.data(), raw.data() + raw.size(), n);
    return n;
}

/** Keeps the first breach of a law, as text, and all that happens, if it is asked to.
 *
 *  Ids that are drawn at random appear under the name of their link, so equal schedules have equal traces. */
class journal {
public:
    explicit journal(std::vector<std::string>* trace) : trace_(trace) {}

    /// To be told which network it is before anything happens there.
    void watch(const network& net) noexcept { net_ = &net; }

    const std::string& failure() const noexcept { return failure_; }
    bool failed() const noexcept { return !failure_.empty(); }

    /// A breach, `text()`, if `holds` is not true. Returns `holds`.
    template <class Text>
    bool law(bool holds, Text text) {
        if (!holds && failure_.empty()) {
            failure_ = text();
            note([&] { return "BREACH: " + failure_; });
        }
        return holds;
    }

    /// Something happened: `text()`.
    template <class Text>
    void note(Text text) {
        if (trace_ == nullptr) return;
        const auto time =
            std::chrono::duration_cast<std::chrono::milliseconds>(now() - virtual_clock{}.now());
        trace_->push_back(std::to_string(time.count()) + " ms  " + std::string{text()});
    }

    time_point now() const noexcept { return net_->clock.now(); }

    /// What to call a link.
    static std::string name(const link& l) { return l.name + "#" + std::to_string(l.number); }

    /// What to call an id.
    std::string name(std::string_view id) const {
        const auto found = drawn_.find(std::string{id});
        return found != drawn_.end() ? "<" + found->second + ">" : std::string{id};
    }

    /// That id was drawn for that link.
    void drawn(std::string_view id, const link& l) { drawn_[std::string{id}] = name(l); }

    /// A message without what was drawn at random.
    std::string shown(std::string_view text) const {
        std::string out;
        const auto add = [&](std::string_view member, auto f) {
            if (const auto raw = json_member(text, member); !raw.empty())
                out +=
                    (out.empty() ? "" : " ") + std::string{member} + "=" + std::string{f(json_unquoted(raw))};
        };
        const auto as_it_is = [](std::string_view s) { return s; };
        const auto by_name = [this](std::string_view s) { return name(s); };
        add("cmd", as_it_is);
        if (json_member(text, "cmd").empty() || !json_member(text, "target").empty()) add("id", as_it_is);
        add("ok", as_it_is);
        add("origin", by_name);
        add("target", by_name);
        const auto data = json_member(text, "data");
        for (const std::string_view inner : {"n", "cause", "message"})
            if (const auto raw = json_member(data, inner); !raw.empty())
                out += " " + std::string{inner} + "=" + std::string{json_unquoted(raw)};
        return out.empty() ? std::to_string(text.size()) + " bytes" : out;
    }

private:
    std::vector<std::string>* const trace_;
    const network* net_ = nullptr;
    std::string failure_;
    std::unordered_map<std::string, std::string> drawn_;
};

} // namespace sigfire::test
