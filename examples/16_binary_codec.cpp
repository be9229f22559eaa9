// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// One hub with two listeners: peers of the first use JSON, peers of the second use MessagePack. They can
// reach each other. The codecs translate messages between the two formats. They do not change messages
// between peers with the same format.

#include <sigfire/codec/binary.hpp>
#include <sigfire/sigfire.hpp>

#include <iostream>

int main() {
    boost::asio::io_context io{1};
    sigfire::hub<sigfire::local_registry, sigfire::direct_router, sigfire::any_channel> hub;
    sigfire::loopback pages{io}, robots{io};
    sigfire::listener for_pages{pages, sigfire::codec::transcoded{sigfire::json{}}, hub};
    sigfire::listener for_robots{robots, sigfire::binary{}, hub};
    sigfire::error_code ec;
    for_pages.open(ec);
    if (!ec) for_robots.open(ec);
    if (ec) return 1;

    auto page = pages.connect(), robot = robots.connect();
    bool answered = false;
    page.on_message([&](sigfire::message m) {
        std::cout << "page: " << m.view() << '\n';
        answered = m.view().find(R"("data":{"answer":{"wheels":4}})") != m.view().npos;
        if (!answered) return;
        hub.stop();
        for_pages.stop({}, [] {});
        for_robots.stop({}, [] {});
    });
    // A real robot has a MessagePack library. Here the functions of sigfire replace it.
    robot.on_message([&](sigfire::message m) {
        const auto text = *sigfire::codec::json_from_msgpack(m.view());
        std::cout << "robot: " << m.view().size() << " bytes: " << text << '\n';
        const auto value = [&text](std::string_view name) {
            const auto at = text.find(name);
            return at == text.npos ? std::string{} : text.substr(at + name.size(), 21); // length of each id
        };
        if (const auto own = value(R"("data":{"id":")"); !own.empty())
            page.send(R"({"cmd":"offer","id":1,"target":")" + own + R"(","data":{"offer":{"speed":1.5}}})");
        if (const auto caller = value(R"("origin":")"); !caller.empty()) {
            const auto answer = sigfire::codec::msgpack_from_json(
                R"({"cmd":"answer","id":1,"target":")" + caller + R"(","data":{"answer":{"wheels":4}}})");
            robot.send(*answer, sigfire::message_type::binary);
        }
    });
    io.run();
    return !answered;
}
