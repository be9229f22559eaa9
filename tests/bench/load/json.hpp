// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "wire.hpp"

namespace bench {

/// Signal-Fire 2021: candidates, or from 400 bytes on offers, in messages of the size.
class json : public wire {
public:
    json(std::size_t size, framing behind) {
        const bool small = size < 400;
        const std::string cmd = small ? "ice" : "offer";
        const std::string open =
            small ? R"({"candidate":")" : R"({"offer":{"type":"offer","sdp":"v=0\r\no=- )";
        const std::string close = small ? R"("})" : R"("}})";
        const auto request = [&](const std::string& fill) {
            form f{behind};
            f.text(R"({"cmd":")" + cmd + R"(","target":")").hole(id_size).text(R"(","data":)" + open);
            f.hole(digits).text(fill + close + R"(,"id":"message-id-:-)").hole(digits).text(R"("})");
            return f;
        };
        const auto rest = remaining(size, request("").size());
        const auto fill = small ? std::string(rest, 'x') : description(rest);
        request_ = request(fill);
        relayed_.text(R"(","cmd":")" + cmd + R"(","origin":")").hole(id_size).text(R"(","data":)" + open);
        relayed_.hole(digits).text(fill + close + "}");
        answer_.text(R"({"id":"message-id-:-)").hole(digits).text(R"(","ok":true})");
        welcome_.text(R"(","cmd":"welcome","data":{"id":")").hole(id_size).text(R"("}})");
    }

    std::optional<party> greeted(std::string_view first, std::size_t) const override {
        std::string_view id;
        if (!welcome_.read(behind_id(first), {&id})) return {};
        return party{std::string(id), {}};
    }

    void write(std::string& out, const party&, const party& to, std::uint32_t n) const override {
        const number_text number{n};
        request_.write(out, kind(), {to.id, number, number});
    }

    verdict judge(std::string_view got, const party&, const party& other, std::string&) const override {
        std::string_view number, from;
        if (answer_.read(got, {&number})) return numbered(heard::acknowledged, number);
        if (relayed_.read(behind_id(got), {&from, &number}) && from == other.id)
            return numbered(heard::relayed, number);
        return {};
    }

private:
    static constexpr std::size_t id_size = 21;

    // The text behind the id of a message, which must have one, from its closing quote on.
    static std::string_view behind_id(std::string_view got) {
        constexpr std::string_view name = R"({"id":")";
        const auto quote = got.find('"', name.size());
        return got.starts_with(name) && quote != got.npos && quote > name.size() ? got.substr(quote)
                                                                                 : std::string_view{};
    }

    form request_, relayed_, answer_, welcome_;
};

} // namespace bench
