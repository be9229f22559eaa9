// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "print_errc.hpp"

#include <sigfire/codec/json.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/policy.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A hub with chosen parts and peers by name, which talk JSON with it: no sockets, and the test sets the
/// time.
namespace hub_world {

using namespace sigfire;
using namespace std::chrono_literals;
using script = std::vector<std::string>;

inline void same(const script& got, const script& expected) {
    BOOST_CHECK_EQUAL_COLLECTIONS(got.begin(), got.end(), expected.begin(), expected.end());
}

/// The token in a welcome or reply, or empty.
inline std::string token_in(std::string_view text) {
    const std::string_view begin = R"("token":")";
    const auto at = text.find(begin);
    return at == text.npos ? std::string{} : std::string{text.substr(at + begin.size(), 21)};
}

/// The messages sent and their receivers, in the order in which they were sent.
using conversation = std::vector<std::pair<std::string, std::string>>;

/// Counts how often it encodes: a message to many is encoded once.
struct counting_json : codec::json {
    mutable std::size_t encoded = 0;

    /// Not a byte more than it takes: an event that changes behind its bound is found out.
    template <class E>
        requires detail::has_word<codec::json, E>
    std::size_t bound(const E& e, const state& st) const {
        std::string room(json::bound(e, st), '#');
        return room.empty() ? 0 : json::encode(e, st, room.data());
    }

    template <class E>
        requires detail::has_word<codec::json, E>
    std::size_t encode(const E& e, const state& st, char* p) const {
        ++encoded;
        return json::encode(e, st, p);
    }
};

/// A peer's end of the wire. It has no room when the test says that it is `full`.
template <class K>
struct basic_connection {
    connection_state<K> its_state;
    std::string name;
    conversation* heard = nullptr;
    bool* marked = nullptr; // some connection needs to be seen to at the end of the turn
    std::string buffer;
    errc ending_for = errc::ok; // why it ends; `ok` while it is open
    std::size_t sent = 0;       // messages so far
    bool full = false, held = false, pinged = false, answers_pings = true;

    bool usable() const { return ending_for == errc::ok; }
    bool room(std::size_t) const { return usable() && !full; }
    char* reserve(message_type type, std::size_t n) {
        BOOST_TEST((type == message_type::text));
        if (!usable()) return nullptr;
        if (!room(n)) {
            end(errc::slow_consumer);
            return nullptr;
        }
        buffer.assign(n, '#');
        return buffer.data();
    }
    void commit(std::size_t n) {
        BOOST_TEST_REQUIRE(n <= buffer.size());
        ++sent;
        heard->emplace_back(name, buffer.substr(0, n));
    }
    void accept(std::string_view) {}
    void refuse(ending) {}
    void hold() { held = true; }
    void release() { held = false; }
    bool ping() { return *marked = pinged = usable(); }
    void close(ending, errc why) { end(why); }
    void end(errc why) {
        if (usable()) ending_for = why;
        *marked = true;
    }
    connection_state<K>& state() { return its_state; }
};
using connection = basic_connection<counting_json>;

/// How a peer comes. `id`: empty = the hub draws one. Without `extras` it talks Signal-Fire 2021.
struct entrance {
    std::string id = {};
    std::string target = {}; ///< of the upgrade request: `/?resume`
    bool extras = true;
    std::string token = {}; ///< as a codec would find it in the request
    bool permanent = false; ///< as a hook would have it
    std::string metadata = {};
    address_block address = {};
    std::uint64_t received = 0; ///< with a token
};

/** `hub_bench b{features{topics{}, presence{}}};`, and if need be a router, hooks, and options of the hub.
 *
 *  `K` is a codec that has JSON on the outside, as the peers say and hear it, with anything inside.
 *
 *  A peer is known by the name it was connected under, which also is its id unless it is told otherwise; that
 *  of its connection after it has come back under another name. Its messages are as on its wire, but that
 *  the hub's own ids, which differ in each run, are left out: `{"cmd":"welcome","data":{"id":"ann"}}`. */
template <class F = features<>, class H = no_hooks, class R = direct_router, class K = counting_json,
          class P = permit_all, class L = no_log>
class hub_bench {
public:
    using connection = basic_connection<K>;
    using way = channel<connection, K>;
    using hub_type = hub<local_registry, R, way, L, H, F, P>;

    explicit hub_bench(F parts = F{}, H chain = H{}, R router = R{}, const hub_options& options = {},
                       P policy = P{}, L log = L{})
        : h(options, {}, std::move(router), std::move(log), std::move(chain), std::move(parts),
            std::move(policy)) {
        h.set_scheduler([this](std::function<void()> f) { late_.push_back(std::move(f)); });
        tick();
    }
    explicit hub_bench(F parts, R router, const hub_options& options = {})
        : hub_bench(std::move(parts), H{}, std::move(router), options) {}

    hub_bench(const hub_bench&) = delete;
    hub_bench& operator=(const hub_bench&) = delete;

    K codec; // before the hub: the channels of the hub use it
    std::map<std::string, connection, std::less<>> connections;
    hub_type h;

    // --- peers come and go ---

    /// Lets a peer in, and forgets what it is told first, which it tells: the welcome. Empty: it was refused.
    std::string connect(const std::string& name) { return connect(name, {.id = name}); }
    std::string connect(const std::string& name, const entrance& how) {
        const auto before = heard_.size();
        enter(name, how);
        if (heard_.size() == before || heard_[before].first != name) return {};
        auto welcome = plain(heard_[before].second);
        heard_.erase(heard_.begin() + static_cast<std::ptrdiff_t>(before));
        return welcome;
    }

    /// The peer closes its connection, or it breaks.
    void close(const std::string& name, errc why = errc::closed) {
        at(name).end(why);
        settle();
    }
    void lose(const std::string& name) { close(name, errc::lost); }

    /// Whether the connection is open: nobody has closed it, and it has not broken.
    bool is_open(const std::string& name) const { return connections.contains(name); }
    /// Why a connection ended; `ok` if it is still open.
    errc ended(const std::string& name) const {
        const auto found = ended_.find(name);
        return found == ended_.end() ? errc::ok : found->second;
    }

    connection& at(const std::string& name) {
        const auto found = connections.find(name);
        BOOST_TEST_REQUIRE((found != connections.end()), name << " is not connected");
        return found->second;
    }
    peer_handle peer(const std::string& name) { return at(name).its_state.who.peer; }

    template <class X>
    X& get() {
        return h.template get<X>();
    }
    /// What the hub lets its features do, for what the host program does with a feature.
    feature_context<hub_type>& context() { return h.context(); }

    // --- what peers say and hear ---

    /// The peer says `text`, a whole message.
    void say(const std::string& name, std::string text) {
        auto& c = at(name);
        BOOST_TEST_REQUIRE(c.usable());
        tick();
        const errc why = codec.decode({text, message_type::text}, c.its_state.codec,
                                      [&](auto& e) { h.received(c.its_state.who, e); });
        if (why != errc::ok) h.close(c.its_state.who, why);
        std::fill(text.begin(), text.end(), '#'); // nothing may be kept of it but copies
        settle();
    }

    /** The peer asks `request`, which has no id: `{"cmd":"leave","topic":"t"}`. Returns what it is told at
     *  once: `ok`, `ok {"members":1}`, a cause, `denied: In other words`, `failed 7` with somebody's data, or
     *  nothing. That there is but one reply is checked. */
    std::string ask(const std::string& name, std::string_view request) {
        BOOST_TEST_REQUIRE(request.starts_with('{'));
        const auto id = ++asked_;
        say(name,
            R"({"id":)" + std::to_string(id) + (request == "{}" ? "" : ",") + std::string{request.substr(1)});
        return reply(name, id);
    }
    /// The number that `ask` gave the last request.
    unsigned asked() const { return asked_; }
    /// The reply to the request number `id` that came since, as `ask` has it.
    std::string reply(const std::string& name, unsigned id) {
        const auto begin = R"({"id":)" + std::to_string(id) + R"(,"ok":)";
        std::string said;
        for (auto i = heard_.begin(); i != heard_.end();) {
            if (i->first != name || !i->second.starts_with(begin)) {
                ++i;
                continue;
            }
            BOOST_TEST(said.empty(), "two replies to one request of " << name << ": " << i->second);
            said = brief(i->second.substr(begin.size()));
            i = heard_.erase(i);
        }
        return said;
    }

    /// What a peer has heard since it was last asked for.
    script heard(std::string_view name) {
        script out;
        std::erase_if(heard_, [&](const auto& m) {
            if (m.first == name) out.push_back(plain(m.second));
            return m.first == name;
        });
        return out;
    }
    /// What all have heard, each with its name in front, in the order sent.
    script heard_by_all() {
        script out;
        for (const auto& [name, text] : std::exchange(heard_, {})) out.push_back(name + " " + plain(text));
        return out;
    }

    // --- time ---

    /// Time passes as it does for a loop: the hub is called whenever it wanted to be.
    void advance(clock::duration d) {
        const auto end = now + d;
        for (auto due = tick(); due <= end;) {
            // A hub that is busy asks for a turn at once, and another, but not for ever.
            BOOST_TEST_REQUIRE((due > now || ++idle_ < 100'000));
            if (due > now) idle_ = 0;
            now = std::max(now, due);
            due = tick();
            settle();
        }
        now = end;
        tick();
        settle();
    }
    /// One tick. How long the hub can do without another; `duration::max()` = for ever.
    clock::duration pause() {
        const auto due = tick();
        settle();
        return due == time_point::max() ? clock::duration::max() : due - now;
    }

    /// The end of a turn: late answers are heard, marked connections are closed.
    void settle() {
        while (!late_.empty()) {
            const auto calls = std::exchange(late_, {});
            for (const auto& f : calls) f();
        }
        while (std::exchange(marked_, false)) // to look at all of them each time would take long
            for (auto i = connections.begin(); i != connections.end();) {
                auto& c = i->second;
                if (c.usable()) {
                    if (std::exchange(c.pinged, false) && c.answers_pings) h.alive(c.its_state.who);
                    ++i;
                    continue;
                }
                ended_[i->first] = c.ending_for;
                h.closed(c.its_state.who, c.ending_for); // while its connection is there
                i = connections.erase(i);
            }
    }

    time_point now{1h};

private:
    time_point tick() { return h.tick(now); }

    void enter(const std::string& name, const entrance& how) {
        BOOST_TEST_REQUIRE(!connections.contains(name), name << " is connected already");
        ended_.erase(name);
        auto& c = connections[name];
        c.name = name;
        c.heard = &heard_;
        c.marked = &marked_;
        tick();
        const request rq{how.extras ? "" : "GET", how.target, {}, {}};
        admission wish;
        BOOST_TEST_REQUIRE((codec.open(rq, c.its_state.codec, wish) == errc::ok));
        if (!how.id.empty()) wish.id = how.id;
        if (!how.token.empty()) wish.token = how.token;
        if (how.received != 0) wish.received = how.received;
        wish.permanent = how.permanent;
        wish.address = how.address;
        wish.metadata = how.metadata;
        errc refused = errc::ok;
        std::size_t first = 0;
        refused = h.admit(rq, wish, first);
        if (refused == errc::ok) {
            const auto who = h.opened({c, codec}, wish);
            if (who) {
                c.its_state.who = *who;
                return settle();
            }
            refused = static_cast<errc>(who.error().value());
        }
        ended_[name] = refused;
        connections.erase(name);
    }

    // Without the hub's own id: only an object with a command is the hub's message.
    std::string plain(const std::string& text) {
        const std::string_view begin = R"({"id":")";
        if (!text.starts_with(begin)) return text;
        const auto end = text.find('"', begin.size());
        if (text.compare(end, 9, R"(","cmd":")") != 0) return text;
        BOOST_TEST(end - begin.size() == 21u, text);
        return "{" + text.substr(end + 2);
    }

    // A reply, from the value of `ok` on.
    static std::string brief(std::string_view rest) {
        rest.remove_suffix(1);
        const std::string_view yes = "true", data = R"(,"data":)";
        const bool ok = rest.starts_with(yes);
        rest.remove_prefix(ok ? yes.size() : 5);
        if (rest.starts_with(data)) rest.remove_prefix(data.size());
        if (ok) return rest.empty() ? "ok" : "ok " + std::string{rest};
        const std::string_view begin = R"({"message":")", middle = R"(","cause":")";
        const auto at = rest.find(middle);
        if (!rest.starts_with(begin)) return "failed " + std::string{rest};
        const auto text = rest.substr(begin.size(), std::min(at, rest.size() - 2) - begin.size());
        if (at == rest.npos) return std::string{text}; // a wire without causes
        auto cause = rest.substr(at + middle.size());
        cause.remove_suffix(2);
        if (text == to_string(cause_from(cause))) return std::string{cause};
        return std::string{cause} + ": " + std::string{text};
    }

    conversation heard_;
    std::map<std::string, errc> ended_;
    std::vector<std::function<void()>> late_;
    unsigned asked_ = 1000; // unlike the numbers of the tests themselves
    unsigned idle_ = 0;
    bool marked_ = false;
};

template <class F>
hub_bench(F) -> hub_bench<F>;
template <class F, class H>
    requires detail::is_hooks<H>::value
hub_bench(F, H) -> hub_bench<F, H>;
template <class F, class H, class R>
    requires detail::is_hooks<H>::value
hub_bench(F, H, R) -> hub_bench<F, H, R>;
template <class F, class H, class R>
    requires detail::is_hooks<H>::value
hub_bench(F, H, R, hub_options) -> hub_bench<F, H, R>;
template <class F, class R>
    requires(!detail::is_hooks<R>::value)
hub_bench(F, R) -> hub_bench<F, no_hooks, R>;
template <class F, class R>
    requires(!detail::is_hooks<R>::value)
hub_bench(F, R, hub_options) -> hub_bench<F, no_hooks, R>;

} // namespace hub_world
