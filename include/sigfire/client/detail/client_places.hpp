// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/envelope.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/object.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace sigfire::detail {

/// A request of a client, before it has a number.
struct client_request {
    std::string command{}, to{}, topic{}, data{};
    std::uint64_t number = 0; ///< respond: of the request that this answers
    bool ok = true;           ///< respond: whether it went well
    bool echo = false;        ///< publish
    bool droppable = false;   ///< publish
    std::string metadata{};   ///< join: what stands in `data`

    envelope view() const noexcept {
        envelope e;
        e.what = verb::send;
        e.command = command;
        e.to = to;
        e.topic = topic;
        e.data.bytes = data;
        e.number = number;
        e.status = ok ? errc::ok : errc::denied;
        e.echo = echo;
        e.droppable = droppable;
        return e;
    }
};

/// Where a client is and what it watches, to say so to a server that does not know it any more.
class client_places {
public:
    /// Whether `r` changes any of it.
    static bool concerned(const client_request& r) noexcept {
        return r.command == "join" || r.command == "leave" || r.command == "watch" || r.command == "unwatch";
    }

    /// The server agreed to `r`.
    void agreed(const client_request& r, std::string_view reply) {
        if (r.command == "join") {
            auto group = json_string(json_member(reply, "topic")); // with `match`, the server chooses
            joined_.insert_or_assign(group.empty() ? r.topic : std::move(group), r.metadata);
        } else if (r.command == "leave") {
            left(r.topic);
        } else if (r.command == "watch") {
            watched_.emplace(r.to, r.topic);
        } else if (r.command == "unwatch") {
            watched_.erase({r.to, r.topic});
        }
    }

    void left(const std::string& topic) { joined_.erase(topic); }

    void clear() { joined_.clear(), watched_.clear(); }

    /// Calls `f(client_request)` for each request that brings the client back; the last first.
    template <class F>
    void for_each(F f) const {
        for (const auto& [to, topic] : watched_)
            f(client_request{.command = "watch", .to = to, .topic = topic});
        for (const auto& [topic, metadata] : joined_)
            f(client_request{.command = "join",
                             .topic = topic,
                             .data = json_object{}.json("metadata", metadata).take(),
                             .metadata = metadata});
    }

private:
    std::map<std::string, std::string> joined_;             // metadata by topic
    std::set<std::pair<std::string, std::string>> watched_; // peer or topic, the other is empty
};

} // namespace sigfire::detail
