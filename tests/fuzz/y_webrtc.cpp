// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Five peers that say anything, through codec and hub: each message to anyone is a pong or a publication
// with a count, and one that behaves has its pings answered all the time.
#include "../support/dialect_story.hpp"

#include <sigfire/dialect/y_webrtc.hpp>
#include <sigfire/feature/topics.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace wire_bench;

namespace {

namespace js = boost::json;

void check(const said& s) {
    if (s.what != said::text && s.what != said::binary) return;
    law(s.what == said::text, "peers are sent text");
    error_code ec;
    js::parse_options options;
    options.max_depth = 600;
    options.allow_invalid_utf16 = true;
    const auto v = js::parse(s.bytes, ec, {}, options);
    if (ec == js::error::exponent_overflow) return; // 1e999999999 passes, as it came
    law(!ec && v.is_object(), "peers are sent JSON objects");
    const auto& o = v.as_object();
    law(o.at("type") == "pong" || (o.at("type") == "publish" && o.at("clients").is_int64() &&
                                   o.at("clients").as_int64() >= 1 && o.at("clients").as_int64() <= 6),
        "peers are sent pongs and publications");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    using hub_type = hub_of<features<topics>>;
    hub_type h{{}, {}, {}, {}, {}, features{topics{{.limits = {.topics_per_peer = 5}}}}};
    story<hub_type, dialect::y_webrtc> s{h, {}};
    s.check = check;
    s.beat = [&] {
        s.server.say("good", R"({"type":"ping"})");
        const auto heard = s.server.messages("good");
        law(!heard.empty() && heard.back() == R"({"type":"pong"})", "a peer that behaves is answered");
        law(h.get<topics>().table().memberships() <= 25, "the storage that peers can use is limited");
    };
    s.play({reinterpret_cast<const char*>(data), size});
    law(h.get<topics>().table().size() == 0, "no topic is left");
    return 0;
}
