// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A transport of your own: one function passes a message to the server, another one passes it to the peer.

#include <sigfire/sigfire.hpp>

#include <iostream>

struct world {
    std::function<void()> come;                 // the world calls it: a peer connects
    std::function<void(std::string)> say;       // the world calls it: the peer sends a message
    std::function<void(std::string_view)> hear; // the transport calls it: the server sends a message
};

struct function_call {
    boost::asio::io_context* io;
    world* to;
    boost::asio::io_context& context() const { return *io; }
    template <class State>
    struct connection {
        char* reserve(sigfire::message_type, std::size_t n) {
            return out.resize(n), over ? nullptr : out.data();
        }
        void commit(std::size_t n) { to->hear(std::string_view{out}.substr(0, n)); }
        bool room(std::size_t) const { return !over; }
        void accept(std::string_view) {}
        void refuse(sigfire::ending) { over = true; }
        void hold() {}
        void release() {}
        bool ping() { return false; } // this transport has no ping
        void close(sigfire::ending, sigfire::errc) { over = true; }
        State& state() { return kept; }
        world* to;
        std::string out = {};
        State kept = {};
        bool over = false;
    };
    template <class State, class Sink>
    struct engine {
        engine(const function_call& t, Sink& s) : peer{t.to}, sink{s} {}
        void open(sigfire::error_code&) {
            peer.to->come = [this] { sink.opening(peer, {}); };
            peer.to->say = [this](std::string text) { sink.received(peer, {text}); };
        }
        std::string address() const { return "function:"; }
        void stop(std::chrono::milliseconds, std::function<void()> done) { done(); }
        connection<State> peer;
        Sink& sink;
    };
};

int main() {
    boost::asio::io_context io{1};
    std::string heard;
    world w{{}, {}, [&](std::string_view s) { std::cout << (heard = s) << '\n'; }};
    sigfire::server srv{function_call{&io, &w}};
    w.come();
    w.say(R"({"cmd":"offer","target":"nobody","id":1,"data":{"offer":{}}})");
    return heard.find("Peer Not Found") == heard.npos;
}
