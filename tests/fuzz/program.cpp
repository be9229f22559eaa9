// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// The server program behind one listener for all client families: its page, its wires, its features and time.
// The input is a script; each step is a byte that names a connection and its act. For all acts:
// - the page and `/healthz` are there for a browser that asks in between;
// - each plain HTTP request is answered by one whole response;
// - in the end all connections are closed, and neither the hub nor its features have anybody left.
#include "../../examples/server/parts.hpp"
#include "../../examples/server/serve_page.hpp"
#include "../../examples/server/wires.hpp"
#include "../support/fuzz_server.hpp"

#include <sigfire/core/log.hpp>
#include <sigfire/hub/channel.hpp>
#include <sigfire/hub/hub.hpp>
#include <sigfire/hub/registry.hpp>
#include <sigfire/listener.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

using namespace sigfire;
using namespace std::chrono_literals;

namespace {

using fuzzing::require, fuzzing::script;
using peer = memory::basic_peer<framing::websocket<framing::role::client>>;
using silent_hub = hub<local_registry, mailbox<>, any_channel, no_log, no_hooks, program_features>;

settings everything() {
    settings s;
    s.rtc_configuration = R"({"iceServers":[]})";
    s.mailbox = 5s;
    s.sessions = true;
    s.peerjs_options.allow_discovery = true;
    return s;
}

struct connection {
    explicit connection(boost::asio::io_context& io) : at{io} {}

    peer at;
    bool asked = false; // something is on the wire: this is no new connection any more
};

class story {
public:
    explicit story(std::string_view input) : in_{input} {
        error_code ec;
        listener_.open(ec);
        require(!ec);
        for (int i = 0; i < 3; ++i) all_.emplace_back(io_);
        while (!in_.rest.empty()) {
            step();
            memory::run(io_);
            browse();
        }
        memory::advance(io_, 5s, 1s);
        hub_.stop();
        bool done = false;
        listener_.stop(2s, [&] { done = true; });
        memory::advance(io_, 3s, 500ms);
        require(done);
        for (const auto& c : all_) require(c.at.at->server_closed);
        for (const auto& c : gone_) require(c.at.at->server_closed);
        require(hub_.size() == 0);
        require(hub_.get<requests>().size() == 0 && hub_.get<sessions>().size() == 0);
        require(hub_.get<resume>().away_peers() == 0 && hub_.get<identity>().names() == 0);
        require(hub_.get<heartbeat>().size() == 0 && hub_.get<presence>().slow() == 0);
        const auto& table = hub_.get<topics>().table();
        require(table.size() == 0 && table.memberships() == 0);
    }

private:
    static constexpr std::array<std::string_view, 8> methods{"GET", "HEAD",   "OPTIONS", "POST",
                                                             "PUT", "DELETE", "CONNECT", "get"};
    static constexpr std::array<std::string_view, 16> targets{"/",
                                                              "/index.html",
                                                              "/page.js",
                                                              "/page.css",
                                                              "/peerjs/id",
                                                              "/peerjs/peers",
                                                              "/peerjs",
                                                              "/healthz",
                                                              "?x",
                                                              "*",
                                                              "#x",
                                                              "x:80",
                                                              "http://h?x",
                                                              "/socket-signal",
                                                              "/signal-fire-2016",
                                                              "/y-webrtc"};
    static constexpr std::array<std::string_view, 8> upgrade_targets{"/",
                                                                     "/peerjs?key=peerjs&id=a&token=t",
                                                                     "/peerjs?key=peerjs&id=b&token=u",
                                                                     "/socket-signal",
                                                                     "/y-webrtc",
                                                                     "/signal-fire-2016",
                                                                     "/?id=a",
                                                                     "/?resume"};
    static constexpr std::array<std::string_view, 4> subprotocols{
        "", "Sec-WebSocket-Protocol: sigfire.v1.json\r\n", "Sec-WebSocket-Protocol: sigfire.v1.msgpack\r\n",
        "Sec-WebSocket-Protocol: Signal-Fire@3\r\n"};

    void step() {
        const auto b = in_.byte();
        auto& c = all_[b % all_.size()];
        switch (b / all_.size() % 9) {
        case 0: open(c); break;
        case 1: ask(c); break;
        case 2: write(c, c.at.sealed(in_.bytes(in_.byte()))); break;
        case 3: write(c, c.at.sealed(in_.bytes(in_.byte()), message_type::binary)); break;
        case 4: write(c, in_.bytes(in_.byte())); break;
        case 5: c.at.shut(); break;
        case 6: c.at.reset(); break;
        case 7: memory::advance(io_, std::chrono::milliseconds{in_.byte() * 100}, 1s); break;
        case 8: renew(c); break;
        }
        c.at.read();
    }

    void write(connection& c, std::string_view bytes) {
        c.asked = true;
        c.at.write(bytes);
    }

    void renew(connection& c) {
        c.at.shut();
        gone_.push_back(std::exchange(c, connection{io_}));
        while (gone_.size() > 50 && gone_.front().at.at->server_closed) gone_.pop_front();
    }

    void open(connection& c) {
        if (c.asked) renew(c);
        const auto b = in_.byte();
        write(c, memory::upgrade_request(subprotocols[b / 8 % 4], upgrade_targets[b % 8]));
    }

    // A plain request of a connection of its own: answered, once and whole.
    void ask(connection& c) {
        renew(c);
        const auto b = in_.byte();
        const auto method = methods[b / 16 % 8];
        auto target = std::string{targets[b % 16]};
        const auto extra = in_.bytes(in_.byte() % 16);
        // a character that cannot stand in a target ends the request line in another way: not tried here
        for (const char ch : extra)
            if (ch > ' ' && ch < 0x7f) target += ch;
        write(c, std::string{method} + ' ' + target + " HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n\r\n");
        memory::run(io_);
        answer(c.at, method == "HEAD");
    }

    std::string answer(peer& p, bool head) {
        const auto header = p.read_header();
        require(header.starts_with("HTTP/1.1 ") && header.ends_with("\r\n\r\n"));
        const auto body = p.read();
        const auto length = header.find("\r\nContent-Length: ");
        require(length != header.npos);
        if (!head)
            require(std::to_string(body.size()) ==
                    header.substr(length + 18, header.find("\r\n", length + 2) - length - 18));
        require(p.at->server_shut);
        return header.substr(0, 12);
    }

    void browse() {
        for (const auto* request : {"GET / HTTP/1.1\r\nHost: h\r\nAccept: text/html\r\n\r\n",
                                    "GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"}) {
            peer p{io_};
            p.write(request);
            memory::run(io_);
            require(answer(p, false) == "HTTP/1.1 200");
            p.shut();
            memory::run(io_);
            require(p.at->server_closed);
        }
    }

    script in_;
    boost::asio::io_context io_;
    settings settings_ = everything();
    memory::options options_{.limits = {.message = 4096, .outbox = 16'000, .incomplete = 10'000}};
    silent_hub hub_{
        {}, {}, mailbox_for_others(settings_),
        {}, {}, features_of(settings_, token_gate{io_, settings_, json_log{{.level = spdlog::level::off}}})};
    listener<memory::websocket, wires, silent_hub, plain_http> listener_{
        memory::websocket{io_, options_}, wires_of(family::all, settings_), hub_, plain_http{true}};
    std::deque<connection> all_, gone_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    story{std::string_view{reinterpret_cast<const char*>(data), size}};
    return 0;
}
