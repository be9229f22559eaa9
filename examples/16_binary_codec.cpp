// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

// One hub with two listeners: at one peers talk JSON, at the other MessagePack, and they reach each other.
// A message that crosses over is translated; between two peers of one kind it is passed on as it stands.

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
    // The robot's program has its own MessagePack; here the library's translation stands in for it.
    robot.on_message([&](sigfire::message m) {
        const auto text = *sigfire::codec::json_from_msgpack(m.view());
        std::cout << "robot: " << m.view().size() << " bytes: " << text << '\n';
        const auto value = [&text](std::string_view name) {
            const auto at = text.find(name);
            return at == text.npos ? std::string{} : text.substr(at + name.size(), 21); // as long as all ids
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
