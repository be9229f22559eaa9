// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/client_request.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/object.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::inline v0_1::detail {

/// A request that owns its texts. It has no token yet.
struct stored_request {
    std::string command{}, target{}, topic{};
    std::string data{};         ///< JSON
    std::uint64_t answered = 0; ///< of `respond`
    bool failed = false;        ///< of `respond`
    bool echo = false;          ///< of `publish`
    bool droppable = false;     ///< of `publish`
    std::string metadata{};     ///< of `join`: also part of `data`

    client_request view() const noexcept {
        client_request r;
        r.command = command;
        r.target = target;
        r.topic = topic;
        r.data.bytes = data;
        r.answered = answered;
        r.failed = failed;
        r.echo = echo;
        r.droppable = droppable;
        return r;
    }
};

/// A client's topics and watches, to repeat them to a server that has lost them.
class client_memberships {
public:
    /// Whether `r` changes a membership or a watch.
    static bool concerned(const stored_request& r) noexcept {
        return r.command == "join" || r.command == "leave" || r.command == "watch" || r.command == "unwatch";
    }

    /// The server has agreed to `r`.
    void agreed(const stored_request& r, std::string_view reply) {
        if (r.command == "join") {
            // With `match`, the server chooses the topic.
            auto group = json_string(json_member(reply, "topic"));
            joined_.insert_or_assign(group.empty() ? r.topic : std::move(group), r.metadata);
        } else if (r.command == "leave") {
            left(r.topic);
        } else if (r.command == "watch") {
            watched_.emplace(r.target, r.topic);
        } else if (r.command == "unwatch") {
            watched_.erase({r.target, r.topic});
        }
    }

    void left(const std::string& topic) { joined_.erase(topic); }

    void clear() { joined_.clear(), watched_.clear(); }

    /// Calls `f(stored_request)` for each request that restores the client's state. The last call's request
    /// is to be sent first.
    template <class F>
    void for_each(F f) const {
        for (const auto& [peer, topic] : watched_)
            f(stored_request{.command = "watch", .target = peer, .topic = topic});
        for (const auto& [topic, metadata] : joined_)
            f(stored_request{.command = "join",
                             .topic = topic,
                             .data = json_object{}.json("metadata", metadata).take(),
                             .metadata = metadata});
    }

private:
    std::map<std::string, std::string> joined_;             // metadata by topic
    std::set<std::pair<std::string, std::string>> watched_; // (peer, topic); one of the two is empty
};

} // namespace sigfire::inline v0_1::detail
