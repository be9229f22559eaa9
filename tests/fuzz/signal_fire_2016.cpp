// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Five peers that say anything, through codec and hub: each message to anyone is the greeting or a JSON
// object that names a receiver, and one that behaves hears itself all the time.
#include "../support/dialect_story.hpp"

#include <sigfire/dialect/signal_fire_2016.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace wire_bench;

namespace {

namespace js = boost::json;

js::object parsed(std::string_view text) {
    error_code ec;
    js::parse_options options;
    options.max_depth = 600;
    options.allow_invalid_utf16 = true;
    const auto v = js::parse(text, ec, {}, options);
    if (ec == js::error::exponent_overflow) return {}; // 1e999999999 passes, as it came
    law(!ec && v.is_object(), "peers are sent JSON objects");
    return v.as_object();
}

void run(std::string_view script, dialect::signal_fire_2016_options options) {
    hub_of<> h;
    story<hub_of<>, dialect::signal_fire_2016> s{h, dialect::signal_fire_2016{options}};
    s.name_of = [&](const std::string& name) { return std::string{h.context().id(s.server.peer(name))}; };
    s.check = [](const said& what) {
        if (what.what == said::text || what.what == said::binary) parsed(what.bytes);
    };
    s.beat = [&] {
        const auto text = R"({"receiverId":")" + s.name_of("good") + R"("})";
        s.server.say("good", text);
        const auto heard = s.server.messages("good");
        law(!heard.empty() && heard.back() == text, "a peer that behaves hears itself");
    };
    s.play(script);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > 4096) return 0;
    const std::string_view script{reinterpret_cast<const char*>(data), size};
    const auto b = data[0];
    run(script.substr(1),
        {.number_ids = (b & 1) != 0, .peer_id_routing = (b & 2) != 0, .check_sender = (b & 4) != 0});
    return 0;
}
