// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Five peers that say anything, through codec and hub: each message to anyone is one whole packet with a
// JSON document that clients can read, and one that behaves has its pings answered all the time.
#include "../support/dialect_story.hpp"

#include <sigfire/dialect/socket_signal.hpp>
#include <sigfire/feature/identity.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace wire_bench;

namespace {

namespace js = boost::json;

void check(const said& s) {
    if (s.what != said::text && s.what != said::binary) return;
    law(s.what == said::binary, "peers are sent packets");
    const auto p = detail::read_packet(s.bytes);
    law(p.has_value(), "packets are whole");
    const detail::nano_packet again{p->id, p->response, p->event, p->error, p->name, p->json};
    std::string room(detail::nano_overhead + p->name.size() + p->json.size(), '#');
    room.resize(
        detail::write_packet(room.data(), again, [&](char* at) { return p->json.copy(at, p->json.size()); }));
    law(room == s.bytes, "nothing is behind a packet");
    error_code ec;
    js::parse_options options;
    options.max_depth = 600;
    options.allow_invalid_utf16 = true;
    const auto v = js::parse(p->json, ec, {}, options);
    if (ec == js::error::exponent_overflow) return; // 1e999999999 passes, as it came
    law(!ec && v.is_object() && v.as_object().size() <= 1, "documents are objects");
    if (!p->response) {
        law(p->event ? p->name == "signal" : p->name == "offer" || p->name == "remoteConnect",
            "clients are asked what they know");
        law(p->id != 0, "requests can be answered");
    } else if (p->error) {
        const auto& error = v.at("data").as_object();
        law(error.at("code").is_string() && error.at("unformatMessage").is_string() &&
                error.at("args").is_array(),
            "clients can read errors");
    }
}

void run(std::string_view script, bool strict) {
    using hub_type = hub_of<features<topics, requests, identity>>;
    hub_type h{{},
               {},
               {},
               {},
               {},
               features{topics{{.limits = {.topics_per_peer = 5}}}, requests{{.per_peer = 5}},
                        identity{{.unique_names = strict}}}};
    story<hub_type, dialect::socket_signal> s{
        h, dialect::socket_signal{{.clock = []() noexcept -> std::uint64_t { return 7; }}}};
    s.check = check;
    s.beat = [&] {
        s.server.say("good", std::string_view{"\x02\x10\x00\x08__ping__\x05{  } ", 18});
        const auto heard = s.server.messages("good");
        law(!heard.empty() && heard.back().ends_with(R"({"data":{"time":7}})"),
            "a peer that behaves is answered");
        law(h.get<topics>().table().memberships() <= 25, "the storage that peers can use is limited");
        law(h.get<requests>().size() <= 25 && h.get<identity>().names() <= 5,
            "the storage that peers can use is limited");
    };
    s.play(script);
    law(h.get<topics>().table().size() == 0 && h.get<requests>().size() == 0 &&
            h.get<identity>().names() == 0,
        "nothing is left of peers that went");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 4096) return 0;
    run({reinterpret_cast<const char*>(data) + 1, size - 1}, data[0] % 2 != 0);
    return 0;
}
