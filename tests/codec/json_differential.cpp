// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Random JSON texts, valid and damaged, by our scanner and by Boost.JSON: both accept or both refuse, and
// they see the same members.
#include <sigfire/text/json/scan.hpp>

#include <boost/core/ignore_unused.hpp>
#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace {

using namespace sigfire::detail;
namespace js = boost::json;
using namespace std::literals;

class generator {
public:
    explicit generator(std::uint32_t seed) : random_(seed) {}

    std::size_t below(std::size_t n) { return random_() % n; }

    std::string value(int depth) {
        switch (below(depth > 0 ? 10 : 7)) {
        case 0: return pick({"null", "true", "false"});
        case 1: return pick({"0", "-0", "7", "-12", "1.5", "0.25e-3", "1E+9", "123456789", "-0.0"});
        case 7: return array(depth - 1);
        case 8:
        case 9: return object(depth - 1);
        default: return string();
        }
    }

    std::string object(int depth) {
        std::string s = "{" + blanks();
        for (std::size_t n = below(5), i = 0; i < n; ++i)
            s += (i != 0 ? "," + blanks() : "") + string() + blanks() + ":" + blanks() + value(depth) +
                 blanks();
        return s + "}";
    }

    // One to three bytes changed, removed or put in.
    std::string damaged(std::string s) {
        for (auto n = 1 + below(3); n != 0 && !s.empty(); --n) {
            const auto at = below(s.size());
            const char c = "{}[]\",:\\u0019 -+.eE\ntrfn\x01\x80\xc3\xa9\xff"[below(30)];
            switch (below(4)) {
            case 0: s[at] = c; break;
            case 1: s.erase(at, 1); break;
            case 2: s.insert(at, 1, c); break;
            default: s.resize(at + 1);
            }
        }
        return s;
    }

private:
    std::string pick(std::initializer_list<std::string_view> from) {
        return std::string(from.begin()[below(from.size())]);
    }

    std::string blanks() { return below(6) == 0 ? pick({" ", "\n", "\t ", "\r\n", "   "}) : ""; }

    std::string string() {
        std::string s = "\"";
        const auto n = below(8) == 0 ? below(300) : below(20);
        const auto plain = below(3) == 0;
        for (std::size_t i = 0; i < n; ++i)
            if (plain || below(4) != 0)
                s += static_cast<char>('a' + below(26));
            else
                s += pick({"\\r\\n",
                           "\\n",
                           "\\\\",
                           "\\\"",
                           "\\/",
                           "\\b",
                           "\\t",
                           "\\f",
                           "\\u0041",
                           "\\u00e9",
                           "\\u20AC",
                           "\\ud83d\\ude00",
                           "\\u0000",
                           " ",
                           "\xc3\xa9",
                           "\xe2\x82\xac",
                           "\xf0\x9f\x98\x80",
                           "{",
                           "]",
                           ":"});
        return s + "\"";
    }

    std::string array(int depth) {
        std::string s = "[" + blanks();
        for (std::size_t n = below(5), i = 0; i < n; ++i)
            s += (i != 0 ? "," + blanks() : "") + value(depth) + blanks();
        return s + "]";
    }

    std::mt19937 random_;
};

std::optional<js::value> by_boost(std::string_view text) {
    js::parse_options options;
    options.max_depth = json_max_depth;
    boost::system::error_code ec;
    auto v = js::parse(text, ec, {}, options);
    return ec ? std::nullopt : std::optional{std::move(v)};
}

// The same text with no surrogates in it: Boost refuses those that stand alone.
std::string without_surrogates(std::string text) {
    for (std::size_t i = 0; i + 2 < text.size(); ++i)
        if (text[i] == '\\' && text[i + 1] == 'u' && (text[i + 2] | 0x20) == 'd') text[i + 2] = '0';
    return text;
}

void compare(const std::string& text) {
    const auto exact = std::make_unique<char[]>(text.size());
    text.copy(exact.get(), text.size());
    const std::string_view view{exact.get(), text.size()};

    json_scanner all{view};
    const bool ours = all.first() != '\0' && !all.value().empty() && all.finished();
    BOOST_TEST(ours == by_boost(without_surrogates(text)).has_value(), text);
    const auto theirs = by_boost(text);
    if (!ours || !theirs || !theirs->is_object()) return;

    json_scanner scan{view};
    js::object seen;
    const auto whole = scan.object([&](std::string_view name) {
        char buffer[2048];
        const auto decoded = json_unescape(name, buffer, sizeof buffer);
        BOOST_TEST((decoded.data() != nullptr), text);
        const auto value = scan.value();
        if (!value.empty()) seen[decoded] = *by_boost(value);
        return !value.empty();
    });
    BOOST_TEST((!whole.empty() && scan.finished()), text);
    BOOST_TEST((seen == theirs->get_object()), text);
    for (const auto& [name, value] : seen) {
        boost::ignore_unused(name);
        const bool truth = !value.is_null() && value != js::value(false) && value != js::value("") &&
                           !(value.is_number() && value.to_number<double>() == 0);
        BOOST_TEST(json_truthy(js::serialize(value)) == truth);
    }
    json_scanner trusted{view, true};
    BOOST_TEST((!trusted.value().empty() && trusted.finished()), text);
}

} // namespace

BOOST_AUTO_TEST_SUITE(codec_json_differential)

BOOST_AUTO_TEST_CASE(valid_texts) {
    generator random{1};
    for (int i = 0; i < 5000; ++i) {
        const auto text = i % 4 ? random.object(5) : random.value(5);
        BOOST_TEST(by_boost(text).has_value(), text);
        compare(text);
    }
}

BOOST_AUTO_TEST_CASE(damaged_texts) {
    generator random{2};
    for (int i = 0; i < 40'000; ++i) compare(random.damaged(i % 4 ? random.object(3) : random.value(3)));
}

BOOST_AUTO_TEST_CASE(depths) {
    for (const std::size_t n : {511u, 512u, 513u}) compare(std::string(n, '[') + std::string(n, ']'));
}

BOOST_AUTO_TEST_SUITE_END()
