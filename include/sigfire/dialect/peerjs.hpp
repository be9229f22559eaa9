// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/core/detail/origin.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/dialect/detail/dialect_wire.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/json/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

namespace dialect {

/** Settings of `peerjs`, with the names and defaults of PeerServer. For its `host`, `port`, `ssl` and
 *  `proxied`, set the transport instead. */
struct peerjs_options {
    std::string path = "/";     ///< path before the WebSocket's path and the HTTP routes
    std::string key = "peerjs"; ///< API key that clients must send
    bool strict_key = false;    ///< checks the key of HTTP requests too; PeerServer accepts any key there
    std::chrono::milliseconds alive_timeout{90'000}; ///< a client without a HEARTBEAT for this long is
                                                     ///< disconnected; 0 = never
    std::size_t concurrent_limit = 5000;             ///< most clients at a time; 0 = no limit
    bool allow_discovery = false;                    ///< whether `{key}/peers` lists the ids of all peers
    /** Time after which an EXPIRE answers a message to an absent client. A setting for the hub's `mailbox`,
     *  like `cleanup_out_msgs`. */
    std::chrono::milliseconds expire_timeout{5000}, cleanup_out_msgs{1000}; ///< interval of checks
    std::vector<std::string> cors_origins = {};    ///< origins of pages that may use the HTTP routes;
                                                   ///< empty = all
    std::function<std::string()> generate_id = {}; ///< makes ids for `{key}/id`; empty = UUID, version 4
};

/** The wire of PeerJS clients, as of peerjs 1.5.5 and its server, npm `peer` 1.0.2.
 *
 *  The WebSocket is at `{path}peerjs?key=K&id=ID&token=TOKEN`, with JSON texts
 *  `{"type","src","dst","payload"}`. The HTTP routes are `{path}{key}/id`, `{path}{key}/peers` and `{path}`,
 *  with CORS. The wire uses these optional parts of a hub:
 *  - `mailbox{direct_router{}, o.expire_timeout, {.expiry_interval = o.cleanup_out_msgs}}`: keeps OFFER,
 *    ANSWER and CANDIDATE for an absent client, and sends EXPIRE.
 *  - `identity`: a client that connects again with its id and token replaces its old connection. Also
 *    `concurrent_limit`, the order of `{key}/peers`, and LEAVE without `dst`.
 *  - `heartbeat`: `alive_timeout`.
 *
 *  Improvements over the original: the codec ignores invalid messages, and the queue is bounded. A client
 *  that takes over an id gets OPEN. A `dst` that is a number is the id with these digits. A token has at most
 *  256 bytes. After a LEAVE without `dst`, a client keeps its former id as sender until another client takes
 *  that id.
 *
 *  The codec does not send messages of other wires, because these clients could not read them. Neither
 *  direction allocates. The codec drops messages with an unknown type or without `dst`. One thread at a time.
 */
class peerjs {
public:
    /// The state of a connection: none.
    struct state {};

    /// `decode` checks text messages for UTF-8.
    static constexpr bool checks_utf8 = true;
    /// The format of payloads on this wire.
    static constexpr wire_id format = wire_id::json;

    /** A codec with these options.
     *  @throws std::invalid_argument if no browser could send an origin in `cors_origins`; the text has the
     *    origin */
    explicit peerjs(peerjs_options options = {})
        : options_(std::move(options)), clients_{party::fresh_number(), options_.concurrent_limit} {
        auto& path = options_.path;
        if (!path.starts_with('/')) path.insert(path.begin(), '/');
        if (!path.ends_with('/')) path += '/';
        options_.cors_origins = detail::serialized_origins(std::move(options_.cors_origins));
    }

    /// The options, with the path completed and the origins normalized.
    const peerjs_options& options() const noexcept { return options_; }

    /** Whether a client of this wire sent `e`. On hubs with several wires, the condition for a mailbox that
     *  keeps messages of this wire only. */
    static bool says(const event::send& e) noexcept { return e.data.wire == wire_id::peerjs; }

    /** Takes id and token from the query; the last of equal parameters counts. Accepts the first offered
     *  sub-protocol. Errors: `bad_handshake` for another path, `missing_id`, `denied` for a wrong key. The
     *  client gets the last two as messages. */
    errc open(const request& rq, state&, admission& ad) const {
        const auto path = rq.path(), base = std::string_view{options_.path};
        if (!path.starts_with(base) || path.substr(base.size()) != "peerjs") return errc::bad_handshake;
        ad.subprotocol = detail::first_subprotocol(rq);
        ad.id = rq.last_query("id");
        ad.token = rq.last_query("token");
        const auto key = rq.last_query("key");
        if (ad.id.empty() || ad.token.empty() || ad.token.size() > longest_proof || key.empty())
            return errc::missing_id;
        if (key != options_.key) {
            ad.refused_as =
                refusal{0, no_code, {}, R"({"type":"ERROR","payload":{"msg":"Invalid key provided"}})"};
            return errc::denied;
        }
        ad.heartbeat_timeout = options_.alive_timeout;
        ad.counted_with = clients_;
        return errc::ok;
    }

    /** Emits at most one event: `event::send`, also to the sender itself; `event::heartbeat`; or
     * `event::release_id` for a LEAVE without `dst`. Ignores everything else, JSON or not. Error: `bad_utf8`
     * (text messages only). */
    template <class Handler>
    errc decode(message m, state&, Handler&& handler) const {
        detail::json_scanner text{m.view()};
        members in;
        if (text.first() != '{' || !read(text, in)) [[unlikely]]
            return detail::ignored(m);
        char type_buffer[24], dst_buffer[detail::json_name_room], call_buffer[detail::json_name_room];
        const auto type = detail::text_of(in.type, type_buffer);
        const auto* const known =
            std::find_if(std::begin(types), std::end(types), [&](const auto& t) { return t.name == type; });
        if (known == std::end(types)) return errc::ok;
        if (known->heartbeat) return hand_bare(event::heartbeat{}, *known, handler);
        if (!detail::json_truthy(in.dst)) // a LEAVE without `dst` gives up the sender's id
            return known->kind == signal_kind::bye ? hand_bare(event::release_id{}, *known, handler)
                                                   : errc::ok;

        event::send e;
        e.token.wire = e.data.wire = wire_id::peerjs;
        e.command = known->name;
        if (detail::is_json_string(in.dst))
            e.to = detail::text_of(in.dst, dst_buffer);
        else if (in.dst[0] == '-' || (in.dst[0] >= '0' && in.dst[0] <= '9'))
            e.to = in.dst;
        if (e.to.empty()) return errc::ok;
        e.echo = true;
        e.ephemeral = known->kind == signal_kind::none || known->kind == signal_kind::bye;
        e.whole = m;
        e.data.bytes = in.data;
        e.signal.kind = known->kind;
        if (!e.ephemeral)
            e.signal.body = known->kind == signal_kind::candidate ? in.inner.candidate : in.inner.sdp;
        e.signal.call = detail::name_of(in.inner.call, call_buffer);
        handler(e);
        return errc::ok;
    }

    /// Most bytes that `encode` will write.
    std::size_t bound(const event::welcome&, const state&) const noexcept {
        return detail::length(R"({"type":"OPEN"})");
    }
    /// Most bytes that `encode` will write; 0 for messages of other wires, which these clients cannot read.
    std::size_t bound(const event::send& e, const state&) const noexcept {
        if (!says(e)) return 0;
        return frame + e.command.size() + detail::json_text_bound(e.from) + detail::json_text_bound(e.to) +
               e.data.bytes.size();
    }
    /// Most bytes that `encode` will write.
    std::size_t bound(const event::expired& e, const state&) const noexcept {
        return frame + detail::length("EXPIRE") + detail::json_text_bound(e.from) +
               detail::json_text_bound(e.to);
    }
    /// Always 0: this wire has no replies.
    std::size_t bound(const event::reply&, const state&) const noexcept { return 0; }

    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::welcome&, const state&, char* p) const noexcept {
        detail::json_writer out{p};
        out.literal(R"({"type":"OPEN"})");
        return out.size();
    }
    /// Writes `e` at `p`; writes nothing where `bound` is 0.
    std::size_t encode(const event::send& e, const state&, char* p) const noexcept {
        return says(e) ? write(p, e.command, e.from, e.to, e.data.bytes) : 0;
    }
    /// Writes `e` at `p`.
    std::size_t encode(const event::expired& e, const state&, char* p) const noexcept {
        return write(p, "EXPIRE", e.from, e.to, {});
    }
    /// Writes nothing.
    std::size_t encode(const event::reply&, const state&, char*) const noexcept { return 0; }

    /// Always text.
    template <class E>
    message_type type(const E&, const state&) const noexcept {
        return message_type::text;
    }

    /// Always -1, because each message contains its receiver.
    int share_key(const state&) const noexcept { return -1; }

    /// For most causes: a message that clients show, then a close without a code.
    ending end(errc why, const state&) const noexcept {
        const std::string_view text = to_string(why);
        switch (why) {
        case errc::bad_handshake: return {400, no_code, "Bad Request", {}, {}, "text/html"};
        case errc::missing_id:
            return {
                0,
                no_code,
                {},
                R"({"type":"ERROR","payload":{"msg":"No id, token, or key supplied to websocket server"}})"};
        case errc::malformed:
            return {0, no_code, {}, R"({"type":"ERROR","payload":{"msg":"Invalid id provided"}})"};
        case errc::denied: return {0, no_code, {}, R"({"type":"ERROR","payload":{"msg":"Denied"}})"};
        case errc::id_in_use:
            return {0, no_code, {}, R"({"type":"ID-TAKEN","payload":{"msg":"ID is taken"}})"};
        case errc::overloaded:
            return {0,
                    no_code,
                    {},
                    R"({"type":"ERROR","payload":{"msg":"Server has reached its concurrent user limit"}})"};
        case errc::lost: return {400, 0, text};
        case errc::bad_utf8: return {400, 1007, text};
        case errc::stopping: return {503, 1001, text};
        default: return {400, no_code, {}};
        }
    }

    /** Answers requests below `path`: `GET` and `HEAD` of `{path}`, `{key}/id` and `{key}/peers`, and CORS
     *  preflights. Letter case and a slash at the end do not matter. Prepares a 404 for all other requests.
     */
    template <class Directory>
    bool http(const request& rq, response& out, const Directory& here) const {
        const auto path = rq.path(), base = std::string_view{options_.path};
        out.content_type = "text/html; charset=utf-8";
        out.status = 404;
        out.body = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<title>Error</title>\n</head>\n<body>\n<pre>Not Found</pre>\n</body>\n</html>\n";
        const bool below = path.size() < base.size()
                               ? detail::equal_ignoring_case(path, base.substr(0, base.size() - 1))
                               : detail::equal_ignoring_case(path.substr(0, base.size()), base);
        if (!below) return false;
        allow_origin(rq, out);
        if (rq.method == "OPTIONS") return preflight(rq, out), true;
        if (rq.method != "GET" && rq.method != "HEAD") return false;

        auto route = path.substr(std::min(path.size(), base.size()));
        if (route.ends_with('/')) route.remove_suffix(1);
        const auto slash = route.find('/');
        const auto key = route.substr(0, slash);
        const auto last = slash == route.npos ? std::string_view{} : route.substr(slash + 1);
        if (route.empty()) {
            reply(
                out, 200, "application/json; charset=utf-8",
                R"({"name":"PeerJS Server","description":"A server side element to broker connections between )"
                R"(PeerJS clients.","website":"https://peerjs.com/"})");
        } else if (key.empty() || (options_.strict_key && key != options_.key)) {
            return false;
        } else if (detail::equal_ignoring_case(last, "id")) {
            // A generator of the host program may always return the same id.
            int attempts = 100;
            auto id = fresh_id();
            while (--attempts != 0 && here.find(id)) id = fresh_id();
            if (attempts == 0)
                reply(out, 503, "text/plain; charset=utf-8", "Try Again Later");
            else
                reply(out, 200, "text/html; charset=utf-8", std::move(id));
        } else if (!detail::equal_ignoring_case(last, "peers")) {
            return false;
        } else if (!options_.allow_discovery) {
            reply(out, 401, "text/plain; charset=utf-8", "Unauthorized");
        } else {
            reply(out, 200, "application/json; charset=utf-8", list(here));
        }
        return true;
    }

private:
    // Doxygen 1.9.4 misreads the braces in the string literals below.
    /// @cond
    struct inner_members {
        std::string_view sdp, candidate, call;

        std::string_view* find(std::string_view name) noexcept {
            if (detail::is(name, "sdp")) return &sdp;
            if (detail::is(name, "candidate")) return &candidate;
            if (detail::is(name, "connectionId")) return &call;
            return nullptr;
        }
    };
    struct members {
        std::string_view type, dst, data;
        inner_members inner; // of the payload

        std::string_view* find(std::string_view name) noexcept {
            if (detail::is(name, "type")) return &type;
            if (detail::is(name, "payload")) return &data;
            if (detail::is(name, "dst")) return &dst;
            return nullptr;
        }
    };

    struct message_kind {
        std::string_view name;
        signal_kind kind;
        bool heartbeat;
    };

    static constexpr message_kind types[] = {
        {"OFFER", signal_kind::offer, false},         {"ANSWER", signal_kind::answer, false},
        {"CANDIDATE", signal_kind::candidate, false}, {"LEAVE", signal_kind::bye, false},
        {"EXPIRE", signal_kind::none, false},         {"HEARTBEAT", signal_kind::none, true},
    };
    static constexpr std::uint16_t no_code = 1005;
    static constexpr std::size_t longest_proof = 256;
    static constexpr std::size_t frame = detail::length(R"({"type":"","src":"","dst":"","payload":})");

    // Reads the object that is the whole text. The last of equal members counts, with its contents.
    static bool read(detail::json_scanner& text, members& in) noexcept {
        const auto find = [&in](std::string_view name) { return in.find(name); };
        const auto find_inner = [&in](std::string_view name) { return in.inner.find(name); };
        const auto whole = detail::read_object(text, find, [&](std::string_view* view) {
            if (view != &in.data) return detail::read_value(text, *view);
            in.inner = {};
            if (text.member_first() != '{') return detail::read_value(text, in.data);
            in.data = detail::read_object(text, find_inner, [&text](std::string_view* inner) {
                return detail::read_value(text, *inner);
            });
            return !in.data.empty();
        });
        return !whole.empty() && text.finished();
    }

    template <class E, class Handler>
    static errc hand_bare(E e, const message_kind& known, Handler& handler) {
        e.token.wire = wire_id::peerjs;
        e.command = known.name;
        handler(e);
        return errc::ok;
    }

    static std::size_t write(char* p, std::string_view type, std::string_view from, std::string_view to,
                             std::string_view data) noexcept {
        detail::json_writer out{p};
        out.literal(R"({"type":")");
        out.raw(type);
        out.literal(R"(","src":")");
        out.text(from);
        out.literal(R"(","dst":")");
        out.text(to);
        if (!data.empty()) {
            out.literal(R"(","payload":)");
            out.raw(data);
            out.literal("}");
        } else {
            out.literal(R"("})");
        }
        return out.size();
    }

    void allow_origin(const request& rq, response& out) const {
        const auto origin = rq["Origin"];
        const auto& allowed = options_.cors_origins;
        if (!origin.empty() &&
            (allowed.empty() || std::find(allowed.begin(), allowed.end(), origin) != allowed.end()))
            out.headers.emplace_back("Access-Control-Allow-Origin", origin);
        out.headers.emplace_back("Vary", "Origin");
    }

    static void preflight(const request& rq, response& out) {
        out.headers.emplace_back("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
        out.headers.emplace_back("Vary", "Access-Control-Request-Headers");
        if (const auto asked = rq["Access-Control-Request-Headers"]; !asked.empty())
            out.headers.emplace_back("Access-Control-Allow-Headers", asked);
        // A page from the internet may use a server in its user's private network.
        if (rq["Access-Control-Request-Private-Network"] == "true")
            out.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
        reply(out, 204, {}, {});
    }

    static void reply(response& out, unsigned status, std::string_view type, std::string body) {
        out.status = status;
        out.content_type = type;
        out.body = std::move(body);
    }

    std::string fresh_id() const {
        if (options_.generate_id) return options_.generate_id();
        std::array<unsigned char, 16> bits;
        detail::random_bytes(bits);
        bits[6] = static_cast<unsigned char>((bits[6] & 0x0f) | 0x40); // version and variant: RFC 9562,
                                                                       // section 5.4
        bits[8] = static_cast<unsigned char>((bits[8] & 0x3f) | 0x80);
        std::string id;
        for (std::size_t i = 0; i < bits.size(); ++i) {
            if (i == 4 || i == 6 || i == 8 || i == 10) id += '-';
            for (const int shift : {4, 0}) id += "0123456789abcdef"[bits[i] >> shift & 15];
        }
        return id;
    }

    template <class Directory>
    static std::string list(const Directory& here) {
        std::string out = "[";
        here.for_each_peer([&out](std::string_view id, peer_handle) {
            out += out.size() == 1 ? "\"" : ",\"";
            detail::json_escape(id, [&out](char c) { out += c; });
            out += '"';
        });
        return out += ']';
    }

    peerjs_options options_;
    party clients_; // limited by `concurrent_limit`
    /// @endcond
};

} // namespace dialect

static_assert(Codec<dialect::peerjs>);

} // namespace sigfire::inline v0_1
