// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A transport of your own: messages come in by a function call and go out to another. Real ones do the same
// with a socket, a serial line or shared memory in between.

#include <sigfire/sigfire.hpp>

#include <functional>
#include <iostream>
#include <optional>

// Where the world meets the server: `come` and `say` are the world's, `hear` is called back.
struct wire {
    std::function<void()> come;
    std::function<void(std::string)> say;
    std::function<void(std::string_view)> hear;
};

struct function_call {
    boost::asio::io_context* io;
    wire* to;
    boost::asio::io_context& context() const { return *io; }

    template <class State>
    struct connection {
        wire* to;
        std::string out;
        State kept{};
        bool over = false;
        char* reserve(sigfire::message_type, std::size_t n) {
            return out.resize(n), over ? nullptr : out.data();
        }
        void commit(std::size_t n) { to->hear(std::string_view{out}.substr(0, n)); }
        bool room(std::size_t) const { return !over; }
        void accept(std::string_view) {}
        void refuse(sigfire::ending) { over = true; }
        void hold() {}
        void release() {}
        bool ping() { return false; } // so whoever holds an id keeps it
        void close(sigfire::ending, sigfire::errc) { over = true; }
        State& state() { return kept; }
    };

    template <class State, class Sink>
    struct engine {
        engine(const function_call& t, Sink& s) : to{t.to}, sink{s} {}
        void open(sigfire::error_code&) {
            to->come = [this] { sink.opening(only.emplace(connection<State>{to}), {}); };
            to->say = [this](std::string text) { sink.received(*only, {text}); };
        }
        std::string address() const { return "function:"; }
        void stop(std::chrono::milliseconds, std::function<void()> done) { done ? done() : void(); }
        wire* to;
        Sink& sink;
        std::optional<connection<State>> only; // one peer at a time is enough to show it
    };
};
static_assert(sigfire::Transport<function_call>);

int main() {
    boost::asio::io_context io{1};
    wire w;
    std::string heard;
    w.hear = [&](std::string_view text) { std::cout << (heard = text) << '\n'; };
    sigfire::server srv{function_call{&io, &w}};
    w.come();
    w.say(R"({"cmd":"offer","target":"nobody","id":1,"data":{"offer":{}}})");
    return heard.find("Peer Not Found") == heard.npos;
}
