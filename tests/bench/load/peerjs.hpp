// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "wire.hpp"

namespace bench {

/// PeerJS: offers with a `payload` of the size. Nothing is acknowledged.
class peerjs : public wire {
public:
    explicit peerjs(std::size_t size) {
        const auto payload = [](form& f, const std::string& fill) {
            f.text(R"({"sdp":{"type":"offer","sdp":"v=0\r\no=- )").hole(digits);
            f.text(fill + R"("},"type":"data","connectionId":"dc_h2v5k3x0q1c"})");
        };
        form bare;
        payload(bare, "");
        const auto fill = description(remaining(size, bare.size()));
        offer_.text(R"({"type":"OFFER","payload":)");
        payload(offer_, fill);
        offer_.text(R"(,"dst":")").hole(id_size).text(R"("})");
        relayed_.text(R"({"type":"OFFER","src":")").hole(id_size).text(R"(","dst":")").hole(id_size);
        payload(relayed_.text(R"(","payload":)"), fill);
        relayed_.text("}");
    }

    std::string target(std::size_t number) const override {
        return "/peerjs?key=peerjs&id=" + uuid(number) + "&token=5l4jpzn8qqd&version=1.5.5";
    }

    std::optional<party> greeted(std::string_view first, std::size_t number) const override {
        if (first != R"({"type":"OPEN"})") return {};
        return party{uuid(number), {}};
    }

    bool acknowledges() const override { return false; }

    void write(std::string& out, const party&, const party& to, std::uint32_t n) const override {
        offer_.write(out, kind(), {number_text{n}, to.id});
    }

    verdict judge(std::string_view got, const party& me, const party& other, std::string&) const override {
        std::string_view number, from, to;
        if (relayed_.read(got, {&from, &to, &number}) && from == other.id && to == me.id)
            return numbered(heard::relayed, number);
        return {};
    }

private:
    static constexpr std::size_t id_size = 36;

    form offer_, relayed_;
};

} // namespace bench
