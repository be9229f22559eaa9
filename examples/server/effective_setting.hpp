// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// A setting in use, for reports.
struct effective_setting {
    std::string name;   ///< of the option, without dashes
    std::string value;  ///< as the option takes it; several values with a space in between. Not redacted
    std::string origin; ///< `default`, `FILE:LINE`, the environment variable, or `command line`
    bool is_default = true;
};

/// What a reload of settings changes: names of options, with a space in between.
struct reload_changes {
    std::string applied;       ///< options that a running server can change
    std::string needs_restart; ///< the other options with a new value
};

/// Compares the settings in use with new ones. A setting counts as changed if its value differs; a new origin
/// alone is no change.
/// @param reloadable the options that a running server can change
inline reload_changes changes_of(std::span<const effective_setting> before,
                                 std::span<const effective_setting> after,
                                 std::span<const std::string_view> reloadable) {
    reload_changes out;
    for (const auto& now : after) {
        const auto same = [&](const effective_setting& e) { return e.name == now.name; };
        const auto was = std::find_if(before.begin(), before.end(), same);
        if (was != before.end() && was->value == now.value) continue;
        const bool can = std::find(reloadable.begin(), reloadable.end(), now.name) != reloadable.end();
        auto& list = can ? out.applied : out.needs_restart;
        list += (list.empty() ? "" : " ") + now.name;
    }
    return out;
}
