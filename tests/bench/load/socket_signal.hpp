// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "wire.hpp"

#include <array>

namespace bench {

/// socket-signal 9: events `signal` with `data` of the size. The server acknowledges each, and so does
/// its receiver.
class socket_signal : public wire {
public:
    explicit socket_signal(std::size_t size) {
        const auto json = [](form& f, const std::string& fill) {
            f.text(R"({"data":{"remoteId":")").hole(name_size).text(R"(","topic":")").hole(name_size);
            f.text(R"(","sessionId":"base64:hAl4KPwxqMjSkhDfSJAahd5/0BP2hrF753Gb4py3qYs=","data":)");
            f.text(R"([{"type":"offer","sdp":"v=0\r\no=- )").hole(digits).text(fill + R"("}])");
            f.text(R"(,"id":")").hole(name_size).text(R"(","metadata":{}}})");
        };
        constexpr std::string_view bare = R"([{"type":"offer","sdp":"v=0\r\no=- "}])";
        const auto fill = description(remaining(size, bare.size() + digits));
        json(document_, fill);
        body_ = body(event, "signal", document_.size());
        packet_.hole(request_id_size).text(varint(body_.size() + document_.size()) + body_);
        json(packet_, fill);
        for (std::size_t i = 0; i < acknowledgements_.size(); ++i)
            acknowledgements_[i].hole(i).text("\x0f\x01\x0d{\"data\":null}");
    }

    std::string hello(std::size_t number) const override {
        const auto json =
            R"({"data":{"topic":")" + room(number) + R"(","id":")" + id(number) + R"(","metadata":{}}})";
        const auto request = body(0, "join", json.size()) + json;
        std::string frame;
        form{}.text(varint(2) + varint(request.size()) + request).write(frame, kind(), {});
        return frame;
    }

    std::optional<party> greeted(std::string_view first, std::size_t number) const override {
        const auto members = number % 2 ? id(number - 1) + R"(",")" + id(number) : id(number);
        const auto json = R"({"data":[")" + members + R"("]})";
        const auto response = body(of_response, "", json.size()) + json;
        if (first != varint(3) + varint(response.size()) + response) return {};
        return party{id(number), room(number)};
    }

    char kind() const override { return '\x82'; }

    void write(std::string& out, const party& from, const party& to, std::uint32_t n) const override {
        packet_.write(out, kind(),
                      {varint((first_id + std::size_t{n}) * 2), to.id, to.room, number_text{n}, from.id});
    }

    verdict judge(std::string_view got, const party& me, const party& other,
                  std::string& out) const override {
        std::string_view head, to, topic, number, from;
        if (acknowledgements_[request_id_size].read(got, {&head})) {
            const auto header = take_varint(head);
            return header && *header % 2 == 1 ? verdict{heard::acknowledged, *header / 2 - first_id}
                                              : verdict{};
        }
        // How the server counts is its own affair.
        const auto header = take_varint(got), size = take_varint(got);
        if (!header || *header == 0 || *header % 2 != 0 || size != got.size() || !got.starts_with(body_))
            return {};
        if (!document_.read(got.substr(body_.size()), {&to, &topic, &number, &from}) || to != me.id ||
            topic != me.room || from != other.id)
            return {};
        const auto response = varint(*header | 1);
        acknowledgements_[response.size()].write(out, kind(), {response});
        return numbered(heard::relayed, number);
    }

private:
    // Flags of a body.
    static constexpr char of_response = 1, event = 2;
    static constexpr std::size_t name_size = 51, request_id_size = 4;
    static constexpr std::uint32_t first_id = 1u << 20; // of those that have the same size for long

    static std::string id(std::size_t number) { return name('A', number); }
    static std::string room(std::size_t number) { return name('R', number / 2); }

    // 32 bytes.
    static std::string name(char what, std::size_t number) {
        std::string text = "base64:";
        text += what;
        return text + std::string(33, 'b') + std::string(number_text{static_cast<std::uint32_t>(number)}) +
               "A=";
    }

    static std::string varint(std::size_t n) {
        std::string bytes;
        for (; n >= 128; n >>= 7) bytes += static_cast<char>(n | 128);
        return bytes += static_cast<char>(n);
    }

    static std::optional<std::uint32_t> take_varint(std::string_view& in) {
        std::uint32_t n = 0;
        for (std::size_t i = 0; i < 5 && i < in.size(); ++i) {
            const auto byte = static_cast<unsigned char>(in[i]);
            n |= static_cast<std::uint32_t>(byte & 127) << 7 * i;
            if (byte >= 128) continue;
            in.remove_prefix(i + 1);
            return n;
        }
        return {};
    }

    // A body up to its document.
    static std::string body(char flags, std::string_view name, std::size_t json) {
        std::string bytes{flags};
        if (!name.empty()) bytes.append(varint(name.size())).append(name);
        return bytes + varint(json);
    }

    form document_, packet_;
    std::array<form, 6> acknowledgements_; // by the size of the id
    std::string body_;
};

} // namespace bench
