// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/codec/transcoder.hpp>

#include "support/codec_calls.hpp"

#include <sigfire/codec/binary.hpp>
#include <sigfire/codec/json.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/** A third format, as somebody outside the library would add it: one value a message, and all of it text:
 *  `<TEXT>`, where `TEXT` has no `>`. */
namespace angle {

using namespace sigfire;

constexpr wire_id wire{0x8080};

errc from_json(std::string_view text, std::string& out, std::size_t limit, codec::transcoded_part& part) {
    if (text.find('>') != text.npos) return errc::malformed;
    part.begins(text.data(), 0, out.size());
    out += '<';
    out += text;
    out += '>';
    part.ends(0, out.size());
    return out.size() > limit ? errc::too_large : errc::ok;
}

errc to_json(std::string_view bytes, std::string& out, std::size_t, codec::transcoded_part& part) {
    if (!bytes.starts_with('<') || !bytes.ends_with('>')) return errc::malformed;
    part.begins(bytes.data(), 0, out.size());
    out += bytes.substr(1, bytes.size() - 2); // longer than allowed, maybe: the transcoder looks
    part.ends(0, out.size());
    return errc::ok;
}

codec::transcoder formats(std::size_t limit = codec::transcoding_limit) {
    codec::transcoder t{limit};
    t.add(wire_id::json, wire, from_json);
    t.add(wire, wire_id::json, to_json);
    return t;
}

/// `TARGET <TEXT>` is a message, answered by `.`; all messages have the token `<"t">`.
struct codec {
    struct state {};
    static constexpr wire_id format = wire;
    static constexpr bool checks_utf8 = true;

    errc open(const request&, state&, admission&) const { return errc::ok; }
    template <class Handler>
    errc decode(message m, state&, Handler handler) const {
        const auto text = m.view();
        const auto at = std::min(text.find(' '), text.size());
        event::send e;
        e.token = {"<\"t\">", wire}, e.command = "say", e.to = text.substr(0, at);
        e.data = {at == text.size() ? std::string_view{} : text.substr(at + 1), wire}, e.whole = m;
        e.signal.kind = signal_kind::offer, e.signal.body = e.data.bytes;
        if (e.to.empty()) e.fault = errc::missing_target;
        handler(e);
        return errc::ok;
    }

    template <class E>
    static std::string text(const E& e) {
        const auto shown = [](const payload& p) {
            return p.empty() || p.wire != wire ? std::string{} : std::string{p.bytes};
        };
        if constexpr (std::is_same_v<E, event::welcome>) return "welcome " + shown(e.configuration);
        if constexpr (std::is_same_v<E, event::reply>)
            return (e.token.wire == wire ? std::string{e.token.bytes} : "?") + " " +
                   std::string{cause_name(e.cause)} + " " + shown(e.data);
        if constexpr (std::is_same_v<E, event::send>) {
            if (!e.data.empty() && e.data.wire != wire) return {};
            return std::string{e.command} + " " + std::string{e.from} + " " + shown(e.data) + " " +
                   std::string{e.signal.body};
        }
        if constexpr (std::is_same_v<E, event::member_list>) {
            std::string out = std::string{e.token.bytes} + " ";
            for (const auto& m : e.members) out += std::string{m.id} + shown(m.metadata);
            return out;
        }
        return {};
    }
    template <class E>
    static constexpr bool has = std::is_same_v<E, event::welcome> || std::is_same_v<E, event::reply> ||
                                std::is_same_v<E, event::send> || std::is_same_v<E, event::member_list>;
    template <class E>
        requires has<E>
    std::size_t bound(const E& e, const state&) const {
        return text(e).size();
    }
    template <class E>
        requires has<E>
    std::size_t encode(const E& e, const state&, char* p) const {
        return text(e).copy(p, text(e).size());
    }
    message_type type(const auto&, const state&) const { return message_type::text; }
    int share_key(const state&) const { return 0; }
    ending end(errc why, const state&) const { return {400, 4000, to_string(why)}; }
};

} // namespace angle

namespace {

using namespace sigfire;
using namespace std::literals;
using codec::transcoded, codec::transcoder;
using codec_calls::encode;

std::string packed(std::string_view text) {
    return codec::msgpack_from_json(text).value();
}

} // namespace

BOOST_AUTO_TEST_SUITE(codec_transcoder)

BOOST_AUTO_TEST_CASE(both_formats_of_the_library) {
    transcoder t;
    BOOST_TEST(t.can(wire_id::json, wire_id::msgpack));
    BOOST_TEST(t.can(wire_id::msgpack, wire_id::json));
    BOOST_TEST(t.can(wire_id::peerjs, wire_id::msgpack)); // JSON text too
    BOOST_TEST(!t.can(angle::wire, wire_id::json));
    payload p{R"({"offer":[1,"x"],"n":1})", wire_id::socket_signal};
    auto body = p.bytes.substr(9, 7);
    const auto bytes = packed(p.bytes);
    BOOST_TEST((t(p, body, wire_id::msgpack) == errc::ok));
    BOOST_TEST((p.bytes == bytes));
    BOOST_TEST((p.wire == wire_id::msgpack));
    BOOST_TEST((body == "\x92\x01\xa1x"));
    BOOST_TEST((body.data() > p.bytes.data() && body.data() < p.bytes.data() + p.bytes.size()));
    p = {bytes, wire_id::msgpack}, body = std::string_view{bytes}.substr(7, 4);
    BOOST_TEST((t(p, body, wire_id::json) == errc::ok));
    BOOST_TEST(p.bytes == R"({"offer":[1,"x"],"n":1})");
    BOOST_TEST(body == R"([1,"x"])");
    // not a part of it
    p = {bytes, wire_id::msgpack}, body = "elsewhere";
    BOOST_TEST((t(p, body, wire_id::json) == errc::ok));
    BOOST_TEST(body == "");
}

BOOST_AUTO_TEST_CASE(a_failed_translation_names_its_cause) {
    transcoder t{3};
    std::string_view body;
    payload p{R"("12")"};
    BOOST_TEST((t(p, body, wire_id::msgpack) == errc::ok));
    p = {R"("123")"};
    BOOST_TEST((t(p, body, wire_id::msgpack) == errc::too_large));
    BOOST_TEST(p.bytes == "");
    p = {"{"};
    BOOST_TEST((t(p, body, wire_id::msgpack) == errc::malformed));
    p = {"7", angle::wire};
    BOOST_TEST((t(p, body, wire_id::msgpack) == errc::unknown_command));
    p = {"7"};
    BOOST_TEST((t(p, body, angle::wire) == errc::unknown_command));
    std::string out;
    BOOST_TEST((t.translate({"[1,2,3]"}, body, wire_id::msgpack, out) == errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_translation_is_made_once) {
    transcoder t;
    int calls = 0;
    t.add(wire_id::json, angle::wire, [&](auto from, auto& to, auto limit, auto& part) {
        ++calls;
        return angle::from_json(from, to, limit, part);
    });
    std::string source = "[7]";
    const auto tell = [&](std::string_view body, wire_id to = angle::wire) {
        payload p{source};
        const errc e = t(p, body, to);
        return e == errc::ok ? std::string{p.bytes} + std::string{body} : std::string{cause_name(e)};
    };
    BOOST_TEST(tell({}) == "<[7]>");
    BOOST_TEST(tell({}) == "<[7]>");
    BOOST_TEST(tell("elsewhere") == "<[7]>");
    BOOST_TEST(calls == 1);
    BOOST_TEST(tell(source) == "<[7]><[7]>"); // with a part
    BOOST_TEST(calls == 2);
    source[1] = '8'; // the same place
    BOOST_TEST(tell({}) == "<[8]>");
    BOOST_TEST(calls == 3);
    BOOST_TEST(tell({}, wire_id::msgpack) == "\x91\x08");
    BOOST_TEST(tell({}) == "<[8]>");
    BOOST_TEST(calls == 4);
    source = ">";
    BOOST_TEST(tell({}) == "malformed");
    BOOST_TEST(tell({}) == "malformed");
    BOOST_TEST(calls == 5);
    // A copy knows the same formats. A later format counts from then on.
    auto other = t;
    other.add(wire_id::json, angle::wire, [](auto, auto& to, auto, auto&) { return to = "other", errc::ok; });
    payload p{source};
    std::string_view none;
    BOOST_TEST((other(p, none, angle::wire) == errc::ok));
    BOOST_TEST(p.bytes == "other");
    BOOST_TEST(tell({}) == "malformed");
}

BOOST_AUTO_TEST_CASE(a_third_format_meets_the_others_by_way_of_json) {
    auto t = angle::formats();
    BOOST_TEST(t.can(angle::wire, wire_id::json));
    BOOST_TEST(t.can(angle::wire, wire_id::msgpack));
    BOOST_TEST(t.can(wire_id::msgpack, angle::wire));
    payload p{"<[1]>", angle::wire};
    auto body = p.bytes;
    BOOST_TEST((t(p, body, wire_id::msgpack) == errc::ok));
    BOOST_TEST((p.bytes == "\x91\x01" && body == p.bytes));
    p = {"\x91\x01", wire_id::msgpack}, body = p.bytes.substr(0, 2);
    BOOST_TEST((t(p, body, angle::wire) == errc::ok));
    BOOST_TEST((p.bytes == "<[1]>" && body == p.bytes));
    // Either step may fail, by either cause.
    std::string_view none;
    const auto cause = [&](codec::transcoder& by, payload from, wire_id to) { return by(from, none, to); };
    BOOST_TEST((cause(t, {"<[>", angle::wire}, wire_id::msgpack) == errc::malformed));
    BOOST_TEST((cause(t, {"[", angle::wire}, wire_id::msgpack) == errc::malformed));
    BOOST_TEST((cause(t, {"\xa1>", wire_id::msgpack}, angle::wire) == errc::malformed));
    auto narrow = angle::formats(4);
    BOOST_TEST((cause(narrow, {"<[1]>", angle::wire}, wire_id::msgpack) == errc::ok));
    BOOST_TEST((cause(narrow, {"<[10]>", angle::wire}, wire_id::msgpack) == errc::ok));
    BOOST_TEST((cause(narrow, {"<[100]>", angle::wire}, wire_id::json) == errc::too_large));
    BOOST_TEST((cause(narrow, {"<[100]>", angle::wire}, wire_id::msgpack) == errc::too_large));
    BOOST_TEST((cause(narrow, {"\x91\x01", wire_id::msgpack}, angle::wire) == errc::too_large));
    // With a function of its own it takes no detour.
    t.add(angle::wire, wire_id::msgpack, [](auto, auto& to, auto, auto&) { return to = "\xc0", errc::ok; });
    p = {"<[1]>", angle::wire};
    BOOST_TEST((t(p, none, wire_id::msgpack) == errc::ok));
    BOOST_TEST((p.bytes == "\xc0"));
}

// On one hub: the others hear each message of any of the three.
BOOST_AUTO_TEST_CASE(three_codecs) {
    const transcoded<angle::codec> angles{angle::codec{}, angle::formats()};
    const transcoded<json> text{json{}, angle::formats()};
    const binary bytes{{}, angle::formats()};
    static_assert(Codec<transcoded<angle::codec>>);
    static_assert(detail::has_word<transcoded<angle::codec>, event::member_list> &&
                  !detail::has_word<transcoded<angle::codec>, event::presence>);
    constexpr json::state extras{.extras = true};
    const auto to_all = [&](event::send& e) {
        BOOST_TEST(e.to == "bob");
        e.id = "m1", e.from = "ann", e.command = "offer";
        BOOST_TEST(encode(angles, e) == R"(offer ann <{"offer":1}> )" +
                                            (e.signal.body == e.data.bytes ? R"(<{"offer":1}>)"s : ""));
        BOOST_TEST(encode(text, e, extras) ==
                   R"({"id":"m1","cmd":"offer","origin":"ann","data":{"offer":1}})");
        BOOST_TEST((encode(bytes, e) == packed(encode(text, e, extras))));
        const event::reply r{.token = e.token, .data = e.data};
        const auto token = e.token.wire == angle::wire ? R"("t")"s : "7";
        BOOST_TEST(encode(angles, r) == "<" + token + R"(> ok <{"offer":1}>)");
        BOOST_TEST(encode(text, r) == R"({"id":)" + token + R"(,"ok":true,"data":{"offer":1}})");
        BOOST_TEST((encode(bytes, r) == packed(encode(text, r))));
        const event::member who[] = {{"ann", e.data}, {"bob", {}}};
        const event::member_list list{.token = e.token, .count = 2, .members = who};
        BOOST_TEST(encode(angles, list) == "<" + token + R"(> ann<{"offer":1}>bob)");
        BOOST_TEST(
            encode(text, list, extras) ==
            R"({"id":)" + token +
                R"(,"ok":true,"data":{"count":2,"members":[{"id":"ann","metadata":{"offer":1}},{"id":"bob"}]}})");
        BOOST_TEST((encode(bytes, list) == packed(encode(text, list, extras))));
    };
    int said = 0;
    const auto decode = [&](const auto& codec, std::string m) {
        typename std::remove_cvref_t<decltype(codec)>::state st{};
        codec.decode({m, message_type::text}, st, [&](auto& e) {
            if constexpr (std::is_same_v<decltype(e), event::send&>) {
                // Parts that another format has no room for: whole payloads are signals in angles only.
                if (e.token.wire != angle::wire) e.signal = {};
                to_all(e);
                ++said;
            }
        });
    };
    const auto request = R"({"cmd":"offer","id":7,"target":"bob","data":{"offer":1}})"s;
    decode(angles, R"(bob <{"offer":1}>)");
    decode(text, request);
    decode(bytes, packed(request));
    BOOST_TEST(said == 3);

    event::send odd;
    odd.command = "x", odd.data = {"<no JSON>", angle::wire};
    BOOST_TEST((text.objection(odd, extras) == errc::ok)); // nobody said that JSON is to be checked here
    BOOST_TEST((bytes.objection(odd, {}) == errc::malformed));
    odd.data = {"?", wire_id{0x00fe}};
    BOOST_TEST((angles.objection(odd, {}) == errc::unknown_command));
    BOOST_TEST(encode(angles, odd) == "");
    // A reply that nobody can translate says no more than that.
    event::reply r{.token = {"7"}, .data = odd.data};
    BOOST_TEST(encode(text, r) == R"({"id":7,"ok":true})");
}

BOOST_AUTO_TEST_CASE(laws) {
    const auto check = [](bool law, const char* what) { BOOST_TEST(law, what); };
    test::codec_laws(angle::codec{}, check);
    test::codec_laws(transcoded<angle::codec>{angle::codec{}, angle::formats()}, check);
    test::codec_laws(transcoded<json>{json{}, angle::formats()}, check);
}

BOOST_AUTO_TEST_SUITE_END()
