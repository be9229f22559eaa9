// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "wire.hpp"

namespace bench {

/// y-webrtc: offers of the size in publications to a room that has the two of a pair as members. The copy
/// that comes back to the sender acknowledges it.
class y_webrtc : public wire {
public:
    explicit y_webrtc(std::size_t size) {
        const auto signal = [](form& f, const std::string& fill) {
            f.text(R"({"type":"offer","sdp":"v=0\r\no=- )").hole(digits).text(fill + R"("})");
        };
        form bare;
        signal(bare, "");
        const auto fill = description(remaining(size, bare.size()));
        for (auto* const f : {&publish_, &published_}) {
            f->text(R"({"type":"publish","topic":")").hole(name_size).text(R"(","data":{"to":")");
            f->hole(name_size).text(R"(","from":")").hole(name_size);
            signal(f->text(R"(","type":"signal","token":1764185400000.25,"signal":)"), fill);
            f->text("}");
        }
        publish_.text("}");
        published_.text(R"(,"clients":2})");
    }

    // The pong tells that the room has been joined.
    std::string hello(std::size_t number) const override {
        std::string frames;
        form subscribe, ping;
        subscribe.text(R"({"type":"subscribe","topics":[")" + room(number) + R"("]})");
        ping.text(R"({"type":"ping"})");
        subscribe.write(frames, kind(), {});
        ping.write(frames, kind(), {});
        return frames;
    }

    std::optional<party> greeted(std::string_view first, std::size_t number) const override {
        if (first != R"({"type":"pong"})") return {};
        return party{uuid(number), room(number)};
    }

    void write(std::string& out, const party& from, const party& to, std::uint32_t n) const override {
        publish_.write(out, kind(), {from.room, to.id, from.id, number_text{n}});
    }

    verdict judge(std::string_view got, const party& me, const party& other, std::string&) const override {
        std::string_view topic, to, from, number;
        if (!published_.read(got, {&topic, &to, &from, &number}) || topic != me.room) return {};
        if (from == other.id && to == me.id) return numbered(heard::relayed, number);
        if (from == me.id && to == other.id) return numbered(heard::acknowledged, number);
        return {};
    }

private:
    static constexpr std::size_t name_size = 36;

    static std::string room(std::size_t number) { return uuid(1'000'000 + number / 2); }

    form publish_, published_;
};

} // namespace bench
