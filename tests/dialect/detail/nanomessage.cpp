// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/dialect/detail/nanomessage.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace js = boost::json;
using namespace sigfire::detail;

std::string from_hex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out += static_cast<char>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16));
    return out;
}

js::object vectors() {
    std::ifstream file{std::filesystem::path{SIGFIRE_TEST_DIR} / "vectors" / "nanomessage.json"};
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return js::parse(text).as_object();
}

std::string written(const nano_packet& p) {
    std::vector<char> room(nano_overhead + p.name.size() + p.json.size() + 1, '#');
    const auto size = write_packet(room.data(), p, [&](char* at) { return p.json.copy(at, p.json.size()); });
    BOOST_TEST(room.back() == '#');
    return {room.data(), size};
}

BOOST_AUTO_TEST_SUITE(nanomessage)

BOOST_AUTO_TEST_CASE(recorded_packets) {
    const auto all = vectors();
    BOOST_TEST(all.at("valid").as_array().size() == 25u);
    for (const auto& v : all.at("valid").as_array()) {
        const auto bytes = from_hex(v.at("hex").as_string());
        const auto p = read_packet(bytes);
        BOOST_TEST_REQUIRE(p.has_value());
        BOOST_TEST(p->id == v.at("id").to_number<std::uint32_t>());
        BOOST_TEST(p->response == v.at("response").as_bool());
        if (p->response)
            BOOST_TEST(p->error == v.at("error").as_bool());
        else
            BOOST_TEST((p->event == v.at("event").as_bool() && p->name == v.at("name").as_string()));
        BOOST_TEST(js::parse(p->json) == v.at("json"));
        BOOST_TEST(written(*p) == bytes);
        // every truncation is noticed
        for (std::size_t n = 0; n < bytes.size(); ++n) BOOST_TEST(!read_packet(bytes.substr(0, n)));
        // bytes behind it are not looked at
        BOOST_TEST(read_packet(bytes + "x")->json.size() == p->json.size());
    }
}

BOOST_AUTO_TEST_CASE(packets_of_a_value_are_those_of_its_document) {
    for (const std::size_t size : {0u, 1u, 100u, 117u, 118u, 119u, 200u, 16'384u, 70'000u})
        for (const auto& kind :
             {nano_packet{.id = 1, .name = "offer"}, nano_packet{.id = nano_ids - 1, .name = ""},
              nano_packet{.id = 200, .event = true, .name = "signal"}, nano_packet{.id = 7, .response = true},
              nano_packet{.id = 7, .response = true, .error = true}}) {
            const std::string value(size, '1');
            const auto document = size == 0 ? std::string{"{}"} : R"({"data":)" + value + "}";
            auto whole = kind;
            whole.json = document;
            const auto expected = written(whole);
            std::string room(nano_overhead + kind.name.size() + document.size(), '#');
            room.resize(write_value_packet(room.data(), kind, value));
            BOOST_TEST(room == expected);
        }
}

BOOST_AUTO_TEST_CASE(bytes_that_are_no_packet_are_refused) {
    const auto all = vectors();
    for (const auto& v : all.at("invalid").as_array()) {
        const auto bytes = from_hex(v.at("hex").as_string());
        const auto p = read_packet(bytes);
        boost::system::error_code ec;
        if (p) js::parse(p->json, ec); // its document may be none
        BOOST_TEST((!p || ec), v.at("why").as_string());
    }
    for (const std::string_view hex : {
             "ff",
             "8080808080",                // no end
             "8080808080100200027b7d",    // over 32 bits
             "ffffffff1f0400016100",      // over 32 bits
             "8080808008060001780027b7d", // id 2^30
             "020200017802",              // name longer than the body
             "02050001780a7b",            // document longer than the body
             "0205000002"
             "7b7d", // no name
             "0204"
             "01027b7d", // a request that says it is a response
             "0306"
             "000178027b7d",   // a response that says it is a request
             "02ffffffff0f00", // body of 4 GiB
         })
        BOOST_TEST(!read_packet(from_hex(hex)), hex);
}

BOOST_AUTO_TEST_CASE(varints) {
    for (const std::uint32_t n : {0u, 1u, 127u, 128u, 16383u, 16384u, 2097151u, 2097152u, (1u << 28) - 1,
                                  1u << 28, nano_ids, std::numeric_limits<std::uint32_t>::max()}) {
        char buffer[5];
        const std::string_view text{buffer, put_varint(buffer, n)};
        BOOST_TEST(text.size() == varint_size(n));
        auto in = text;
        std::uint32_t read = 7;
        BOOST_TEST(take_varint(in, read));
        BOOST_TEST(read == n);
        BOOST_TEST(in.empty());
        for (std::size_t i = 0; i < text.size(); ++i) {
            auto cut = text.substr(0, i);
            BOOST_TEST(!take_varint(cut, read));
            BOOST_TEST(cut.size() == i);
        }
    }
    std::string_view padded{"\x80\x80\x00", 3};
    std::uint32_t read = 7;
    BOOST_TEST((take_varint(padded, read) && read == 0));
}

BOOST_AUTO_TEST_CASE(ids_up_to_30_bits) {
    for (const std::uint32_t id : {0u, 1u, 63u, 64u, 8191u, 8192u, nano_ids - 1}) {
        const auto bytes = written({.id = id, .name = "n", .json = "{}"});
        BOOST_TEST(read_packet(bytes)->id == id);
    }
    BOOST_TEST(!read_packet(written({.id = nano_ids, .name = "n", .json = "{}"})));
    const std::string long_name(300, 'n'), long_json(70000, '1');
    const auto bytes = written({.id = 5, .event = true, .name = long_name, .json = long_json});
    const auto p = read_packet(bytes);
    BOOST_TEST_REQUIRE(p.has_value());
    BOOST_TEST((p->event && p->name == long_name && p->json == long_json));
}

BOOST_AUTO_TEST_CASE(byte_strings_have_one_way_to_be_written) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"plain", "plain"},
        {"", ""},
        {"base64", "base64"},
        {"Base64:aQ==", "Base64:aQ=="},
        {"base64:", "base64:"},
        {"base64:=", "base64:"},
        {"base64:a", "base64:"},
        {"base64:aQ==", "base64:aQ=="},
        {"base64:aQ", "base64:aQ=="},
        {"base64:aR==", "base64:aQ=="},
        {"base64:a Q\n", "base64:aQ=="},
        {"base64:aQ==bbbb", "base64:aQ=="},
        {"base64:aWk", "base64:aWk="},
        {"base64:aWl=", "base64:aWk="},
        {"base64:aWlp", "base64:aWlp"},
        {"base64:aWlpa", "base64:aWlp"},
        {"base64:-_+/", "base64:+/+/"},
        {"base64:not really!!", "base64:notreall"},
    };
    for (const auto& [text, expected] : cases) {
        char buffer[64];
        const auto once = canonical_bytes(text, buffer, sizeof buffer);
        BOOST_TEST(once == expected);
        char again[64];
        BOOST_TEST(canonical_bytes(once, again, sizeof again) == expected);
    }
    const std::string large = "base64:" + std::string(248, 'A'); // 186 bytes
    char buffer[260];
    BOOST_TEST(canonical_bytes(large, buffer, sizeof buffer) == large);
    BOOST_TEST(canonical_bytes(large + "AAAA", buffer, sizeof buffer).empty());
    BOOST_TEST(canonical_bytes("base64:AAAA", buffer, 10).empty());
}

BOOST_AUTO_TEST_CASE(byte_strings_are_spelled_in_hex) {
    const auto spelled = [](std::string_view name) {
        std::string out;
        spell_bytes(name, [&](char c) { out += c; });
        return out;
    };
    BOOST_TEST(spelled("alice") == "alice");
    BOOST_TEST(spelled("base64:") == "");
    BOOST_TEST(spelled("base64:aQ==") == "69");
    BOOST_TEST(spelled("base64:AP8=") == "00ff");
    BOOST_TEST(spelled("base64:AP+A") == "00ff80");
    BOOST_TEST(spelled("base64:gbY32PzSxtpjWeaWMROhFw3nleS3JbhNHgtM/Z7FjOk=") ==
               "81b637d8fcd2c6da6359e6963113a1170de795e4b725b84d1e0b4cfd9ec58ce9");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
