// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/client/client_request.hpp>
#include <sigfire/client/server_message.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/message.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Calls of `json_client` and `binary_client`, with memory of exactly the size that is asked for.
namespace client_calls {

using namespace sigfire;

/// What kind of message a client heard.
enum class heard_kind : unsigned char { nothing, welcome, reply, message };

/// What a client made of a message, copied. The members that its kind does not have are empty.
struct heard {
    errc result = errc::ok;
    int count = 0;
    heard_kind kind = heard_kind::nothing;
    std::string id, configuration, granted; // of a welcome
    std::string token, text;                // of a reply
    errc cause = errc::ok;                  // of a reply
    std::string command, from, topic;       // of a message
    std::uint64_t number = 0;               // of a message
    std::string data;                       // of a reply or a message
    politeness role = politeness::none;     // of a reply or a message

    friend bool operator==(const heard&, const heard&) = default;
};

template <class Client>
heard decode(const Client& client, std::string_view text, message_type type = Client::type) {
    heard h;
    std::vector<char> bytes(text.begin(), text.end());
    constexpr auto format = Client::type == message_type::text ? wire_id::json : wire_id::msgpack;
    const auto value = [](const payload& p) {
        BOOST_TEST((p.empty() || p.wire == format));
        return std::string{p.bytes};
    };
    struct {
        heard& h;
        decltype(value)& copy;
        void operator()(const server_welcome& w) {
            ++h.count, h.kind = heard_kind::welcome;
            h.id = w.id, h.configuration = copy(w.configuration), h.granted = copy(w.granted);
        }
        void operator()(const server_reply& r) {
            ++h.count, h.kind = heard_kind::reply;
            h.token = r.token, h.text = r.text, h.cause = r.cause, h.data = copy(r.data), h.role = r.role;
        }
        void operator()(const server_message& m) {
            ++h.count, h.kind = heard_kind::message;
            h.command = m.command, h.from = m.from, h.topic = m.topic, h.number = m.number;
            h.data = copy(m.data), h.role = m.role;
        }
    } handler{h, value};
    h.result = client.decode({bytes, type}, handler);
    BOOST_TEST(std::string_view(bytes.data(), bytes.size()) == text);
    BOOST_TEST(h.count <= 1);
    BOOST_TEST((h.result == errc::ok || h.count == 0));
    return h;
}

template <class Client>
std::string encode(const Client& client, const client_request& r) {
    std::vector<char> room(client.bound(r));
    const auto size = client.encode(r, room.data());
    BOOST_TEST(size == room.size());
    return {room.data(), size};
}

} // namespace client_calls
