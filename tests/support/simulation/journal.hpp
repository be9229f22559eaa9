// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/network.hpp"
#include "support/simulation/wire_text.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sigfire::inline v0_1::test {

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

    /// A message without its random parts.
    std::string shown(std::string_view text) const {
        const wire_text m{text};
        std::string out;
        const auto add = [&](const char* member, std::string_view value) {
            if (!value.empty()) out += (out.empty() ? "" : " ") + std::string{member} + std::string{value};
        };
        add("", m.cmd);
        if (m.id.size() < 12) add("id=", m.id); // the server's own are longer, and drawn
        add("ok=", m.ok);
        add("from ", name(m.origin));
        add("to ", name(m.target));
        add("in ", m.topic);
        add("request=", m.request);
        add("received=", m.received);
        for (const char* const inner : {"n", m.inner("cause").empty() ? "message" : "cause", "held",
                                        "members", "recovered", "received"})
            add((std::string{inner} + "=").c_str(), m.inner(inner));
        return out.empty() ? std::to_string(text.size()) + " bytes" : out;
    }

private:
    std::vector<std::string>* const trace_;
    const network* net_ = nullptr;
    std::string failure_;
    std::unordered_map<std::string, std::string> drawn_;
};

} // namespace sigfire::inline v0_1::test
