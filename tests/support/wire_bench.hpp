// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/concepts.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/feature.hpp>
#include <sigfire/hub/hooks.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/hub/router.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// A hub with listeners of any codecs, without sockets: whole messages go in and come out, as they are. For
/// tests and fuzzing, so a broken law throws.
namespace wire_bench {

using namespace sigfire;
using namespace std::chrono_literals;

/// Something the server did on a connection.
struct said {
    enum kind { open, text, binary, close } what;
    std::string bytes; ///< open: the sub-protocol, or why it was refused; a message; close: the reason
    int code = 0;      ///< open: HTTP status; close: close code
};

inline void law(bool kept, const char* which) {
    if (!kept) throw std::logic_error(which);
}

/// What `decode` hands events to: `f` for those of type `E`; no other may come.
template <class E, class F>
auto only(F f) {
    return [f](auto& e) {
        if constexpr (std::is_same_v<E, std::remove_reference_t<decltype(e)>>)
            f(e);
        else
            law(false, "no event of another type comes");
    };
}

/// What a codec writes of an event, which it has a word for.
template <class Codec, class E>
std::string encoded(const Codec& codec, const E& e, const typename Codec::state& st = {}) {
    std::string text(codec.bound(e, st), '#');
    text.resize(codec.encode(e, st, text.data()));
    return text;
}

/// A peer's end of the wire.
template <class Codec>
struct connection {
    connection_state<Codec> its_state;
    std::deque<said> out;
    std::vector<char> buffer;
    errc ending_for = errc::ok; // why it ends
    bool open = false, held = false, pinged = false, full = false;
    message_type type = message_type::text;

    bool usable() const { return open && ending_for == errc::ok; }
    bool room(std::size_t) const { return usable() && !full; }
    char* reserve(message_type t, std::size_t n) {
        if (!usable()) return nullptr;
        if (full) {
            ending_for = errc::slow_consumer;
            return nullptr;
        }
        type = t;
        buffer.assign(n + 1, '#');
        return buffer.data();
    }
    void commit(std::size_t n) {
        law(n != 0 && n < buffer.size() && buffer.back() == '#', "0 < encode <= bound");
        out.push_back(
            {type == message_type::text ? said::text : said::binary, std::string(buffer.data(), n)});
    }
    void accept(std::string_view subprotocol) {
        open = true;
        out.push_back({said::open, std::string{subprotocol}, 101});
    }
    void refuse(ending e) { out.push_back({said::open, std::string{e.text}, int(e.http_status)}); }
    void hold() { held = true; }
    void release() { held = false; }
    bool ping() { return pinged = usable(); }
    void close(ending e, errc why) {
        if (!usable()) return;
        out.push_back({said::close, std::string{e.text}, e.close_code});
        ending_for = why;
    }
    connection_state<Codec>& state() { return its_state; }
};

template <class F = features<>, class H = no_hooks, class R = direct_router>
using hub_of = hub<local_registry, R, any_channel, no_log, H, F>;

/// A listener and its transport, as small as they get; connections are known by name. The hub outlives it.
template <class Hub, class Codec>
class port {
public:
    explicit port(Hub& h, Codec c = Codec{}) : codec(std::move(c)), hub_(h) {}

    port(const port&) = delete;
    port& operator=(const port&) = delete;

    Codec codec;
    std::map<std::string, connection<Codec>, std::less<>> connections;

    void open(const std::string& name, const request& rq = {"GET", "/", {}, {}}) {
        auto& c = connections[name];
        admission wish;
        std::size_t first = 0;
        errc cause = codec.open(rq, c.its_state.codec, wish);
        if (cause == errc::ok) cause = hub_.admit(rq, wish, first);
        if (cause != errc::ok)
            return c.refuse(wish.refused_as ? static_cast<ending>(*wish.refused_as)
                                            : codec.end(cause, c.its_state.codec));
        c.accept(wish.subprotocol);
        const auto who = hub_.opened(channel<connection<Codec>, Codec>{c, codec}, wish);
        if (who) {
            c.its_state.who = *who;
            return;
        }
        const auto why = static_cast<errc>(who.error().value());
        c.close(codec.end(why, c.its_state.codec), why);
    }

    /// The peer says something; nothing is kept of it but copies.
    void say(const std::string& name, std::string_view bytes, message_type type = message_type::text) {
        auto& c = connections.at(name);
        if (!c.usable() || c.held) return;
        const auto lent = std::make_unique<char[]>(bytes.size()); // as large as it is, for the sanitizers
        std::copy(bytes.begin(), bytes.end(), lent.get());
        const errc why = codec.decode({{lent.get(), bytes.size()}, type}, c.its_state.codec,
                                      [&](auto& e) { hub_.received(c.its_state.who, e); });
        if (why != errc::ok) hub_.close(c.its_state.who, why);
    }

    /// The end of a turn: marked connections are reported, pings are answered.
    void settle() {
        for (auto& [name, c] : connections) {
            if (c.open && c.ending_for != errc::ok) {
                c.open = false;
                hub_.closed(c.its_state.who, c.ending_for);
            }
            if (std::exchange(c.pinged, false) && c.usable()) hub_.alive(c.its_state.who);
        }
    }

    /// The peer closes, or its connection breaks.
    void close(const std::string& name, errc why = errc::closed) {
        auto& c = connections.at(name);
        if (c.ending_for == errc::ok) c.ending_for = why;
        settle();
    }

    /// The messages to a peer since they were last asked for; forgets them.
    std::vector<said> heard(const std::string& name) {
        auto& out = connections.at(name).out;
        std::vector<said> all(out.begin(), out.end());
        out.clear();
        return all;
    }

    /// The messages among that, as they are.
    std::vector<std::string> messages(const std::string& name) {
        std::vector<std::string> texts;
        for (auto& s : heard(name))
            if (s.what == said::text || s.what == said::binary) texts.push_back(std::move(s.bytes));
        return texts;
    }

    peer_handle peer(const std::string& name) { return connections.at(name).its_state.who.peer; }

private:
    Hub& hub_;
};

} // namespace wire_bench
