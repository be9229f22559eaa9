// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/json_fields.hpp>
#include <sigfire/core/admission.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/hub/policy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/// Rights in the topics of a pattern.
struct topic_grant {
    std::string topic{}; ///< name of a topic; with `*` at the end, all topics that begin so
    bool join = true;    ///< whether the peer may become a member
    bool publish = true; ///< whether the peer may send to the topic, or to a member through the topic
    bool lookup = true;  ///< whether the peer may list the members
    bool watch = true;   ///< whether the peer may watch changes
    bool set = true;     ///< whether the peer may set and remove state entries
};

/** The rights of a peer, as its token grants them: a note of `admission::attached`. `granted` enforces them.
 *
 *  A list that is missing permits everything, an empty list permits nothing. A pattern is a name, or the
 *  beginning of names with `*` at its end. */
struct grants {
    std::string issuer{};   ///< issuer of the token; empty = none
    std::string subject{};  ///< subject of the token; empty = none
    std::string id{};       ///< id that the token gives to the peer; empty = none
    std::string token_id{}; ///< id of the token (`jti`); empty = none
    /// Commands that act upon peers and topics, as the wire names them: `offer`, `join`.
    std::optional<std::vector<std::string>> commands{};
    std::optional<std::vector<std::string>> targets{}; ///< patterns of the ids of other peers
    std::optional<std::vector<topic_grant>> topics{};  ///< topics; a right in one of them is enough
    bool send = true;                ///< whether the peer may send messages and requests to other peers
    std::string metadata{};          ///< metadata for the record of the peer: a JSON object, or empty
    std::uint32_t message_rate = 0;  ///< messages per second that the token permits; 0 = no limit of its own
    std::uint32_t message_burst = 0; ///< messages at once that the token permits; 0 = no limit of its own
};

namespace detail {

constexpr bool matches(std::string_view pattern, std::string_view name) noexcept {
    return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : pattern == name;
}

/// Whether `pattern` has 1-256 bytes, and a star at its end only.
constexpr bool is_pattern(std::string_view pattern) noexcept {
    return !pattern.empty() && pattern.size() <= 256 && pattern.find('*') >= pattern.size() - 1;
}

inline constexpr std::size_t most_grants = 256;

inline bool read_patterns(const json_fields& in, std::string_view name,
                          std::optional<std::vector<std::string>>& out) {
    if (!in.has(name)) return true;
    return in.texts(name, out.emplace(), most_grants) && std::all_of(out->begin(), out->end(), is_pattern);
}

/// Whether the members of `in` are all on a list. An unknown right is no right, so it is an error.
inline bool knows_all(const json_fields& in, std::initializer_list<std::string_view> known) {
    return std::all_of(in.all().begin(), in.all().end(), [&](const auto& member) {
        return std::find(known.begin(), known.end(), member.first) != known.end();
    });
}

inline bool read_topic(std::string_view json, topic_grant& out) {
    const auto in = json_fields::read(json);
    return in && knows_all(*in, {"topic", "canJoin", "canPublish", "canLookup", "canWatch", "canSet"}) &&
           in->text("topic", out.topic) && is_pattern(out.topic) && in->boolean("canJoin", out.join) &&
           in->boolean("canPublish", out.publish) && in->boolean("canLookup", out.lookup) &&
           in->boolean("canWatch", out.watch) && in->boolean("canSet", out.set);
}

inline bool read_number(std::string_view json, std::uint32_t& out) {
    if (json.empty()) return true;
    const auto n = json_unsigned(json);
    if (!n || *n == 0 || *n > 1'000'000) return false;
    out = static_cast<std::uint32_t>(*n);
    return true;
}

} // namespace detail

/** Reads grants from the claim `sigfire` of a token, a JSON object. Each member is optional:
 *
 *      {"id":"robot-7","commands":["offer","ice"],"targets":["desk","robot-*"],"canSend":true,
 *       "topics":[{"topic":"floor-*","canJoin":true,"canPublish":true,"canLookup":true,"canWatch":true,
 *       "canSet":false}],"metadata":{"name":"Seven"},"rate":{"messages":20,"burst":40}}
 *
 *  A missing right in `topics` is granted, as the rights of a LiveKit grant are. Lists have at most 256
 *  elements. Numbers of `rate` are 1 to 1,000,000.
 *
 *  Error: `malformed` for a member that is unknown, occurs twice or has the wrong type. So a misspelled
 *  limit never grants everything. */
inline result<grants> parse_grants(std::string_view json) {
    const auto in = detail::json_fields::read(json);
    grants out;
    if (!in ||
        !detail::knows_all(*in, {"id", "commands", "targets", "topics", "canSend", "metadata", "rate"}) ||
        !in->text("id", out.id) || !detail::read_patterns(*in, "targets", out.targets) ||
        !in->boolean("canSend", out.send))
        return make_error_code(errc::malformed);
    if (in->has("commands") && !in->texts("commands", out.commands.emplace(), detail::most_grants))
        return make_error_code(errc::malformed);
    if (const auto list = in->raw("topics"); !list.empty()) {
        bool sound = list.front() == '[';
        auto& topics = out.topics.emplace();
        detail::json_elements(list, [&](std::string_view element) {
            sound = sound && topics.size() < detail::most_grants &&
                    detail::read_topic(element, topics.emplace_back());
        });
        if (!sound) return make_error_code(errc::malformed);
    }
    out.metadata = in->raw("metadata");
    if (!out.metadata.empty() && out.metadata.front() != '{') return make_error_code(errc::malformed);
    if (const auto json_rate = in->raw("rate"); !json_rate.empty()) {
        const auto rate = detail::json_fields::read(json_rate);
        if (!rate || !detail::knows_all(*rate, {"messages", "burst"}) ||
            !detail::read_number(rate->raw("messages"), out.message_rate) ||
            !detail::read_number(rate->raw("burst"), out.message_burst))
            return make_error_code(errc::malformed);
    }
    return out;
}

/** Enforces the grants of each peer. Models Policy; a part of a server and of a hub. A refusal is
 *  `denied`: it depends on the grants alone, so it does not tell whether the target exists.
 *
 *  | the peer wants to | it needs |
 *  | --- | --- |
 *  | do anything below | its command in `commands` |
 *  | send a message or a request to a peer | `send`, and the id in `targets` |
 *  | send to a topic, or to a peer through a topic | `send`, and `publish` in the topic |
 *  | publish | `publish` in the topic |
 *  | join; list members; set or remove an entry | `join`; `lookup`; `set` in the topic |
 *  | take another id, on wires where peers name themselves | a token that gives it no id, or that id |
 *  | watch a topic; a peer | `watch` in the topic; the id in `targets` |
 *  | read the record of another id | the id in `targets` |
 *
 *  A peer may always name itself. The hub does not ask about answers to requests, about leaving a topic, or
 *  about the peer's own record. A message that a policy passes may still end with another cause. */
class granted {
public:
    /// Refuses everything to a peer without grants.
    granted() = default;
    /// Treats a peer without grants as if it had `otherwise`.
    explicit granted(grants otherwise) : otherwise_(std::move(otherwise)) {}
    /// Returns a policy that permits everything at no cost, for programs that choose at run time.
    static granted everything() {
        granted g;
        g.idle_ = true;
        return g;
    }

    /// Whether this policy permits everything.
    bool is_idle() const noexcept { return idle_; }

    /// Decides about one action: `ok` or `denied`.
    template <class Here>
    errc permit(const act& a, const Here& here) const {
        if (is_idle()) return errc::ok;
        const auto* const noted = here.notes_of(a.from);
        const auto* has = noted != nullptr ? noted->template find<grants>() : nullptr;
        if (has == nullptr && otherwise_) has = &*otherwise_;
        return has != nullptr && permits(*has, a) ? errc::ok : errc::denied;
    }

    /// Whether `has` permits an action. Needs no hub.
    static bool permits(const grants& has, const act& a) {
        if (has.commands &&
            std::find(has.commands->begin(), has.commands->end(), a.command) == has.commands->end())
            return false;
        const bool sends = a.what == action::send || a.what == action::request;
        if (sends && !has.send) return false;
        if (a.what == action::join && !a.to_id.empty() && !has.id.empty() && a.to_id != has.id) return false;
        return may_reach(has, a) && (a.topic.empty() || !has.topics || may_use(*has.topics, a));
    }

private:
    static bool may_reach(const grants& has, const act& a) {
        if (!has.targets || a.what == action::join || a.to_id.empty() || a.to_id == a.from_id) return true;
        return std::any_of(has.targets->begin(), has.targets->end(),
                           [&](const std::string& pattern) { return detail::matches(pattern, a.to_id); });
    }

    static bool may_use(const std::vector<topic_grant>& topics, const act& a) {
        return std::any_of(topics.begin(), topics.end(), [&](const topic_grant& g) {
            return has_right(g, a.what) && detail::matches(g.topic, a.topic);
        });
    }

    static bool has_right(const topic_grant& g, action what) noexcept {
        switch (what) {
        case action::send:
        case action::request:
        case action::publish: return g.publish;
        case action::join: return g.join;
        case action::lookup: return g.lookup;
        case action::watch: return g.watch;
        case action::set: return g.set;
        case action::info: break;
        }
        return true;
    }

    std::optional<grants> otherwise_;
    bool idle_ = false;
};

static_assert(Policy<granted>, "sigfire: Policy requirements not met");

} // namespace sigfire::inline v0_1
