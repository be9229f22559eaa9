// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "fuzz_script.hpp"
#include "wire_bench.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

/// For fuzzing dialects: bytes of five peers through codec and hub to the bytes of others.
namespace wire_bench {

/** The input is a script: each step is a byte for one of the five and its act, and arguments. A sixth
 *  peer, `good`, behaves and is there all the time. */
template <class Hub, class Codec>
class story {
public:
    /// Checks what a peer was sent; throws, or aborts.
    std::function<void(const said&)> check;
    /// The good peer says something, by `server`, and checks the effects.
    std::function<void()> beat;
    port<Hub, Codec> server;

    story(Hub& h, Codec codec) : server(h, std::move(codec)), hub_(h) { hub_.tick(now_); }

    /// Text for `$0`..`$4` and `$g` in what peers say: how they name each other.
    std::function<std::string(const std::string&)> name_of = [](const std::string& peer) { return peer; };

    void play(std::string_view script) {
        server.open("good");
        for (const auto* name : peers) server.open(name);
        fuzzing::script in{script};
        const auto byte = [&in] { return in.byte(); };
        const auto bytes = [&in](std::size_t n) { return in.bytes(n); };
        while (!in.rest.empty()) {
            const auto b = byte();
            const std::string name = peers[b % peers.size()];
            auto& c = server.connections.at(name);
            switch (b / peers.size() % 8) {
            case 0: server.say(name, bytes(byte()), message_type::binary); break;
            case 1: server.say(name, bytes(byte())); break;
            case 2: server.say(name, named(bytes(byte())), message_type::binary); break;
            case 3:
            case 4: {
                const auto low = byte();
                server.say(name, named(bytes(low + 256 * byte())));
                break;
            }
            case 5: server.close(name, b % 2 ? errc::lost : errc::closed); break;
            case 6: c.full = !c.full; break;
            case 7: now_ += std::chrono::milliseconds{byte() * 100}; break;
            }
            settle();
            beat();
        }
        hub_.stop();
        settle();
        law(hub_.size() == 0, "nobody is left");
    }

private:
    static constexpr std::array<const char*, 5> peers{"0", "1", "2", "3", "4"};

    std::string named(std::string_view text) {
        std::string out;
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] != '$' || i + 1 == text.size())
                out += text[i];
            else if (const auto who = static_cast<unsigned char>(text[++i]); who == 'g')
                out += name_of("good");
            else
                out += name_of(peers[who % peers.size()]);
        return out;
    }

    // A peer that is gone comes anew.
    void settle() {
        hub_.tick(now_);
        server.settle();
        for (auto& [name, c] : server.connections) {
            for (const auto& s : server.heard(name)) check(s);
            if (c.open) continue;
            law(name != "good" || hub_.size() == 0, "a peer that behaves is not closed");
            if (hub_.size() == 0) continue;
            c = {};
            server.open(name);
        }
        server.settle();
    }

    Hub& hub_;
    time_point now_{1h};
};

} // namespace wire_bench
