// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// A feature of your own: it counts the joins of each topic, and replies to the command `visits`.

#include <sigfire/sigfire.hpp>

#include <iostream>
#include <map>

class visits : public sigfire::feature {
public:
    explicit visits(std::size_t topics = 1000) : most_(topics) {} // limits the memory that peers can use

    template <class X>
    void on_membership(X&, std::string_view topic, sigfire::peer_handle, sigfire::membership what,
                       sigfire::payload, sigfire::errc) {
        if (what != sigfire::membership::joined) return;
        if (const auto known = counts_.find(topic); known != counts_.end())
            ++known->second;
        else if (counts_.size() < most_)
            counts_.emplace(topic, 1);
    }

    template <class X>
    void on_request(X& hub, sigfire::peer_handle from, sigfire::event::custom& e) {
        if (e.command != "visits") return hub.reply(from, e.token, sigfire::errc::unknown_command);
        const auto known = counts_.find(e.topic);
        if (known == counts_.end()) return hub.reply(from, e.token, sigfire::errc::unknown);
        const auto count = R"({"visits":)" + std::to_string(known->second) + '}';
        sigfire::event::reply r;
        r.token = e.token;
        r.data = {count}; // JSON, the default format
        hub.reply(from, r);
    }

private:
    std::map<std::string, std::size_t, std::less<>> counts_;
    std::size_t most_;
};

int main() {
    boost::asio::io_context io{1};
    sigfire::loopback net{io};
    sigfire::server srv{net, sigfire::topics{}, visits{}};
    auto ann = net.connect(), bob = net.connect();
    bool counted = false;
    ann.on_message([](sigfire::message) {});
    ann.send(R"({"cmd":"join","id":1,"topic":"tea"})");
    bob.on_message([&](sigfire::message m) {
        std::cout << "bob: " << m.view() << '\n';
        if (m.view().find(R"("cmd":"welcome")") != m.view().npos)
            bob.send(R"({"cmd":"join","id":1,"topic":"tea"})");
        if (m.view().find(R"("members":2)") != m.view().npos)
            bob.send(R"({"cmd":"visits","id":2,"topic":"tea"})");
        if (m.view().find(R"({"visits":2})") != m.view().npos) counted = true, srv.stop();
    });
    io.run();
    return !counted;
}
