// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// For the ring of that name: each line of its input is a word and what it is about, each line of its output
// the answer, or `error`.
//   pack JSON      the JSON as MessagePack, in hexadecimal digits
//   unpack HEX     the MessagePack as JSON
//   relay HEX      what the target of that message hears, in MessagePack too
//   say JSON       a client's request with this as `data`, and the id 7
#include <sigfire/client/binary_client.hpp>
#include <sigfire/codec/binary.hpp>

#include <cstddef>
#include <iostream>
#include <string>
#include <string_view>

namespace {

using namespace sigfire;

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const auto b = static_cast<unsigned char>(c);
        (out += "0123456789abcdef"[b >> 4]) += "0123456789abcdef"[b & 15];
    }
    return out;
}

std::string unhex(const std::string& digits) {
    std::string out;
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
        out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
    return out;
}

std::string relayed(std::string bytes) {
    const binary codec;
    binary::state st;
    std::string out;
    codec.decode({bytes, message_type::binary}, st, [&](auto& e) {
        if constexpr (requires { e.from; }) { // one that another peer hears
            e.from = "A", e.id = "m1";
            std::string said(codec.bound(e, st), '\0');
            said.resize(codec.encode(e, st, said.data()));
            out = hex(said);
        }
    });
    return out;
}

std::string said(std::string_view data) {
    client_request r;
    r.command = "offer", r.target = "B", r.token = "\x07", r.data.bytes = data;
    const binary_client codec;
    std::string out(codec.bound(r), '\0');
    out.resize(codec.encode(r, out.data()));
    return hex(out);
}

} // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        const auto blank = line.find(' ');
        const auto word = line.substr(0, blank), rest = line.substr(blank + 1);
        std::string answer;
        if (word == "pack") {
            if (const auto r = codec::msgpack_from_json(rest)) answer = hex(*r);
        } else if (word == "unpack") {
            if (const auto r = codec::json_from_msgpack(unhex(rest))) answer = *r;
        } else if (word == "relay") {
            answer = relayed(unhex(rest));
        } else if (word == "say") {
            answer = said(rest);
        }
        std::cout << (answer.empty() ? "error" : answer) << std::endl;
    }
}
