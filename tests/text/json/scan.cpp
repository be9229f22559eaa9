// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/text/json/scan.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace sigfire::detail;
using namespace std::literals;

// The text in memory of exactly its size: a read behind it is caught by AddressSanitizer.
struct exact {
    explicit exact(std::string_view s) : bytes(std::make_unique<char[]>(s.size())), size(s.size()) {
        s.copy(bytes.get(), size);
    }
    std::string_view view() const { return {bytes.get(), size}; }
    std::unique_ptr<char[]> bytes;
    std::size_t size;
};

bool is_json(std::string_view text, bool trusted = false) {
    const exact copy{text};
    json_scanner scan{copy.view(), trusted};
    return scan.first() != '\0' && !scan.value().empty() && scan.finished();
}

std::string nested(std::size_t depth, char open = '[') {
    std::string s;
    for (std::size_t i = 0; i < depth; ++i) s += open == '[' ? "[" : R"({"a":)";
    if (open == '{') s += "1";
    return s.append(depth, open == '[' ? ']' : '}');
}

const std::vector<std::string_view> accepted = {
    // scalars
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1",
    "-1",
    "10",
    "1234567890",
    "0.0",
    "0.5",
    "-0.1",
    "1e5",
    "1E5",
    "1e+5",
    "1e-5",
    "0e0",
    "0e+1",
    "0E5",
    "1.5e300",
    "1e400",
    "-1e-400",
    "123456789012345678901234567890",
    R"("")",
    R"("a")",
    R"(" ")",
    "\"\x7f\"",
    // blanks
    " null",
    "null ",
    "\t\n\r null\r\n\t ",
    "[ ]",
    "{ }",
    "[ 1 , 2 ]",
    "{ \"a\" : 1 , \"b\" : 2 }",
    " [] ",
    "\n{}\n",
    // containers
    "[]",
    "{}",
    "[1]",
    "[1,2,3]",
    "[[]]",
    "[[],[]]",
    "[{}]",
    R"({"a":1})",
    R"({"a":{}})",
    R"({"a":[]})",
    R"({"a":1,"b":[1,2,{"c":null}],"d":"e"})",
    R"({"":0})",
    R"({"a":1,"a":2})",
    R"([null,true,false,"x",1.5])",
    R"([[[[[[[[[[1]]]]]]]]]])",
    R"({"a":{"b":{"c":[{"d":[]}]}}})",
    "[0]",
    "[-0]",
    "[1e1]",
    "[0.1,2]",
    // escapes
    R"("\"")",
    R"("\\")",
    R"("\/")",
    R"("\b\f\n\r\t")",
    R"("A")",
    R"("é")",
    R"("😀")",
    R"("￿")",
    R"("�")",
    R"("\u0041")",
    R"("\u00e9")",
    R"("\uABCD")",
    R"("\uabcd")",
    R"("\uD83D\uDE00")",
    R"("\u0000")",
    R"("\ud800")",
    R"("\udc00")",
    R"("\udc00\ud800")",
    R"("\ud800\u0041")",
    R"("\\u12")",
    R"("\\\\")",
    R"("\\\"")",
    R"(["\\"])",
    R"("\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\")",
    R"({"\u0061\"":"\\"})",
    // UTF-8 at its edges
    "\"\xc2\x80\"",
    "\"\xdf\xbf\"",
    "\"\xe0\xa0\x80\"",
    "\"\xed\x9f\xbf\"",
    "\"\xee\x80\x80\"",
    "\"\xef\xbf\xbf\"",
    "\"\xf0\x90\x80\x80\"",
    "\"\xf4\x8f\xbf\xbf\"",
    "\"\xef\xbb\xbf\"",
    "{\"\xc3\xa9\":\"\xe2\x82\xac\"}",
};

const std::vector<std::string_view> refused = {
    "",
    " ",
    "\n",
    "n",
    "nul",
    "nulll",
    "Null",
    "tru",
    "truex",
    "fals",
    "NaN",
    "Infinity",
    "-Infinity",
    "nan",
    // numbers
    "-",
    "+1",
    "01",
    "-01",
    "00",
    "1.",
    ".5",
    "1.e5",
    "1e",
    "1e+",
    "1e-",
    "1E",
    "0x10",
    "1_000",
    "- 1",
    "1 2",
    "1a",
    "--1",
    "1.2.3",
    "1e5.5",
    "0e",
    "-.5",
    "[01]",
    "[1.]",
    "[-]",
    "[1e]",
    "[.5]",
    "[+1]",
    // containers
    "[",
    "]",
    "{",
    "}",
    "[}",
    "{]",
    "[1",
    "1]",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1,,2]",
    "[1 2]",
    "[[]",
    "[]]",
    "[]x",
    "{}x",
    "{}{}",
    "[][]",
    "[],",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":1,,\"b\":2}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{1:1}",
    "{'a':1}",
    "{null:1}",
    "{\"a\":1",
    "{\"a\":[1}",
    "{\"a\":{1]}",
    "{\"a\"::1}",
    "{:1}",
    "{\"a\":1]",
    "[\"a\":1]",
    "[1}",
    "{[]:1}",
    "{\"a\",1}",
    "{\"a\":1}}",
    "[1]]",
    "[}]",
    "{{}}",
    "{[]}",
    "[\"a",
    "[\"a]",
    "[\"a\"",
    "{\"",
    "{\"}",
    "{\"a",
    "{\"a}",
    "[tru]",
    "[nul}",
    "[t]",
    "[n]",
    "{\"a\":t}",
    "[1,]]",
    // comments and other foreign things
    "[1]//",
    "/**/[1]",
    "[1/**/]",
    "#",
    "[1]#",
    "<null>",
    "[*]",
    "[\f]",
    "\f[]",
    "[\v1]",
    "[\xc2\xa0]",
    "\xc2\xa0[]",
    "[1]\x1a",
    "'a'",
    "[a]",
    "\xef\xbb\xbf{}",
    "\xef\xbb\xbf",
    "\xfe\xff",
    "\xff\xfe{",
    "(1)",
    // strings
    "\"",
    "\"a",
    "a\"",
    "\"a\"b",
    "\"\\\"",
    "\"\\",
    "\"\\a\"",
    "\"\\x41\"",
    "\"\\'\"",
    "\"\\0\"",
    "\"\\U0041\"",
    "\"\\ \"",
    "\"\\u\"",
    "\"\\u1\"",
    "\"\\u12\"",
    "\"\\u123\"",
    "\"\\u123",
    "\"\\u123g\"",
    "\"\\uG123\"",
    "\"\\u 123\"",
    "\"\\u-123\"",
    "\"\\\\\\\"",
    "\"\\\n\"",
    "\"\n\"",
    "\"\t\"",
    "\"\r\"",
    "\"\x01\"",
    "\"\x1f\"",
    "\"a\nb\"",
    "\"\\\xc3\xa9\"",
    "\"\\u00\xc3\xa9\"",
    "{\"\n\":1}",
    "{\"\\x\":1}",
    "{\"\\u12\":1}",
    // UTF-8
    "\"\x80\"",
    "\"\xbf\"",
    "\"\xc0\x80\"",
    "\"\xc1\xbf\"",
    "\"\xc2\"",
    "\"\xc2 \"",
    "\"\xe0\x80\x80\"",
    "\"\xe0\x9f\xbf\"",
    "\"\xe1\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xed\xbf\xbf\"",
    "\"\xf0\x80\x80\x80\"",
    "\"\xf0\x8f\xbf\xbf\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xf5\x80\x80\x80\"",
    "\"\xf8\x88\x80\x80\x80\"",
    "\"\xff\"",
    "\"\xfe\"",
    "\"\xe2\x82\"",
    "\"\xf0\x9f\x98\"",
    "\xff",
    "[\xff]",
    "{\"\xff\":1}",
    "\"\xe2\x28\xa1\"",
};

} // namespace

BOOST_AUTO_TEST_SUITE(detail_json_scan)

BOOST_AUTO_TEST_CASE(valid_texts_are_accepted) {
    for (const auto text : accepted) BOOST_TEST(is_json(text), text);
    BOOST_TEST(!is_json("\"\0\""sv));
    BOOST_TEST(!is_json("[]\0"sv));
    BOOST_TEST(!is_json("\0"sv));
    BOOST_TEST(!is_json("\"\\\0\""sv));
}

BOOST_AUTO_TEST_CASE(invalid_texts_are_refused) {
    for (const auto text : refused) BOOST_TEST(!is_json(text), text);
}

// The same texts as values deep inside others, with the text around them moved by one byte at a time.
BOOST_AUTO_TEST_CASE(every_alignment) {
    for (std::size_t shift = 0; shift <= 64; ++shift) {
        const auto before = "{\"" + std::string(shift, 'k') + "\":[";
        const auto after = "],\"" + std::string(64 - shift, 'z') + "\":0}";
        for (const auto text : accepted)
            BOOST_TEST(is_json(before + std::string(text) + after), before << text << after);
        for (const auto text : refused) {
            // Some only fail alone: the missing part stands behind them, or an empty array is as good.
            const bool blank = text.find_first_not_of(" \n") == text.npos;
            const bool two_values = text == "[],";
            if (blank || two_values) continue;
            BOOST_TEST(!is_json(before + std::string(text) + after), before << text << after);
        }
    }
}

BOOST_AUTO_TEST_CASE(depth) {
    for (const char open : {'[', '{'}) {
        BOOST_TEST(is_json(nested(512, open)));
        BOOST_TEST(!is_json(nested(513, open)));
        BOOST_TEST(!is_json(nested(10'000, open)));
    }
    BOOST_TEST(!is_json(std::string(10'000, '[') + "]"));
    // members are one level deeper than their object
    for (const std::size_t deep : {511u, 512u}) {
        const exact text{R"({"a":)" + nested(deep) + "}"};
        json_scanner scan{text.view()};
        const auto whole = scan.object([&](std::string_view) { return !scan.value().empty(); });
        BOOST_TEST(!whole.empty() == (deep == 511));
    }
}

// A text that is cut anywhere is not JSON any more.
BOOST_AUTO_TEST_CASE(every_cut) {
    const std::string text =
        R"({"cmd":"offer","target":"abcdefghijklmnopqrstu","n":[-1.5e+3,true,null],"data":)"
        R"({"offer":{"type":"offer","sdp":"v=0\r\no=- 46117 2 IN IP4 127.0.0.1\r\ns=-\r\n)"
        "\\u00e9\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\\\\\\""
        R"(t=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\n"}},"id":"V1StGXR8_Z5jdHi6B"})";
    BOOST_TEST(is_json(text));
    for (std::size_t n = 0; n < text.size(); ++n) {
        BOOST_TEST(!is_json(text.substr(0, n)), n);
        BOOST_TEST(!is_json(text.substr(0, n), true), n);
    }
}

// Bytes that would complete a text, but stand behind its end, do not.
BOOST_AUTO_TEST_CASE(nothing_behind_the_end_counts) {
    for (const auto text :
         {R"({"a":[]})"sv, R"({"a":{}})"sv, R"({"a":{"b":1}})"sv, R"([[]])"sv, R"({"a":""})"sv}) {
        const auto cut = text.substr(0, text.size() - 1);
        json_scanner all{cut};
        BOOST_TEST((all.first() == '\0' || all.value().empty()), text);
        json_scanner scan{cut};
        if (scan.first() != '{') continue;
        const auto whole = scan.object([&](std::string_view) {
            if (scan.member_first() == '{')
                return !scan.object([&](std::string_view) { return !scan.value().empty(); }).empty();
            return !scan.value().empty();
        });
        BOOST_TEST(whole.empty(), text);
    }
}

// One wrong byte at each place of a long string, and each length of string, for each kernel.
template <class Kernel>
void string_edges() {
    using full = json_string_loop<true>;
    using lax = json_string_loop<false>;
    const auto end_of = [](std::string_view s) -> std::ptrdiff_t {
        const exact text{s};
        const auto p = full::run<Kernel>(text.bytes.get(), text.bytes.get() + text.size);
        const auto q = lax::run<Kernel>(text.bytes.get(), text.bytes.get() + text.size);
        BOOST_TEST((!p || p == q));
        return p ? p - text.bytes.get() : -1;
    };
    for (std::size_t n = 0; n < 200; ++n) {
        const std::string s(n, 'x');
        const auto size = static_cast<std::ptrdiff_t>(n + 1);
        BOOST_TEST(end_of(s) == -1);
        BOOST_TEST(end_of(s + '"') == size);
        BOOST_TEST(end_of(s + "\"\"\n\xff") == size);
        BOOST_TEST(end_of(s + "\\") == -1);
        BOOST_TEST(end_of(s + "\\\"") == -1);
        for (const auto escape : {R"(\")"sv, R"(\\)"sv, R"(\/)"sv, R"(\n)"sv, R"(\t)"sv, R"(\u00e9)"sv,
                                  R"(\ud800)"sv, R"(\\\")"sv, R"(\r\n\r\n)"sv, "\xc3\xa9"sv, "\xe2\x82\xac"sv,
                                  "\xf0\x9f\x98\x80\xf0\x9f\x98\x80"sv, R"(\\\\\\\\\\\\\\\\)"sv}) {
            const auto text = s + std::string(escape) + std::string(70, 'y') + "\",\"";
            BOOST_TEST(end_of(text) == static_cast<std::ptrdiff_t>(text.size() - 2), text);
            BOOST_TEST(end_of(s + std::string(escape) + '"') ==
                           static_cast<std::ptrdiff_t>(n + escape.size() + 1),
                       text);
        }
        for (const auto bad :
             {"\n"sv, "\x1f"sv, "\0"sv, R"(\x)"sv, R"(\u12)"sv, R"(\u12g4)"sv, R"(\\\a)"sv, "\\\xc3\xa9"sv,
              "\\\n"sv, "\xc3"sv, "\x80"sv, "\xc0\x80"sv, "\xed\xa0\x80"sv, "\xf4\x90\x80\x80"sv}) {
            BOOST_TEST(end_of(s + std::string(bad) + std::string(70, 'y') + '"') == -1, n << ' ' << bad);
            BOOST_TEST(end_of(s + std::string(bad) + '"') == -1, n << ' ' << bad);
        }
    }
}

// Runs of backslashes of every length over the border of two blocks.
template <class Kernel>
void backslash_runs() {
    for (std::size_t before = 0; before < 70; ++before)
        for (std::size_t run = 0; run < 140; ++run) {
            const exact text{std::string(before, 'a') + std::string(run, '\\') + "\"b\""};
            const auto p =
                json_string_loop<true>::run<Kernel>(text.bytes.get(), text.bytes.get() + text.size);
            const auto size = static_cast<std::ptrdiff_t>(text.size);
            BOOST_TEST((p ? p - text.bytes.get() : -1) == (run % 2 ? size : size - 2));
        }
}

BOOST_AUTO_TEST_CASE(strings_by_each_kernel) {
    string_edges<swar>(), backslash_runs<swar>();
    string_edges<baseline>(), backslash_runs<baseline>();
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) string_edges<avx2>(), backslash_runs<avx2>();
#endif
}

BOOST_AUTO_TEST_CASE(members) {
    const exact text{
        R"( { "a" : 1 , "b\n" : "x" , "c" : [ {} ] , "d" : { "e" : null , "" : -2.5 } , "f" : {} } )"};
    json_scanner scan{text.view()};
    BOOST_TEST(scan.first() == '{');
    std::string seen;
    const auto whole = scan.object([&](std::string_view name) {
        seen += name;
        seen += '=';
        if (scan.member_first() == '{') {
            const auto inner = scan.object([&](std::string_view inner_name) {
                const auto value = scan.value();
                seen += '<' + std::string(inner_name) + '=' + std::string(value) + '>';
                return !value.empty();
            });
            seen += std::string(inner) + ';';
            return !inner.empty();
        }
        const auto value = scan.value();
        seen += std::string(value) + ';';
        return !value.empty();
    });
    BOOST_TEST(seen == R"(a=1;b\n="x";c=[ {} ];d=<e=null><=-2.5>{ "e" : null , "" : -2.5 };f={};)");
    BOOST_TEST(scan.finished());
    BOOST_TEST(scan.first() == '\0');
    BOOST_TEST(whole.size() == text.size - 2);
}

BOOST_AUTO_TEST_CASE(offsets) {
    const std::pair<std::string_view, std::size_t> cases[] = {
        {"x", 0},
        {" x", 1},
        {"[1,x]", 3},
        {R"({"a":1,})", 7},
        {R"({"a":"\x"})", 5},
        {R"({"a":[{"b" 1}]})", 7},
        {R"({"a":1)", 6},
        {"[1}", 2},
        {"{} x}", 2},
    };
    for (const auto& [text, offset] : cases) {
        json_scanner scan{text};
        const auto value = scan.first() == '\0' ? ""sv : scan.value();
        BOOST_TEST((value.empty() || !scan.finished()), text);
        BOOST_TEST(scan.offset() == offset, text);
    }
}

// The text of a trusted sender is only balanced, but ends at the same place.
BOOST_AUTO_TEST_CASE(trusted) {
    for (const auto text : accepted) BOOST_TEST(is_json(text, true), text);
    BOOST_TEST(is_json("[\"\n\", 01 x]", true));
    BOOST_TEST(is_json(nested(10'000), true));
    for (const auto text : {"[", "[[]", "[\"]", "[]]", "{\"a\":\"}", "[\"\\\"]", "[1] x", "[\"\\"})
        BOOST_TEST(!is_json(text, true), text);
}

BOOST_AUTO_TEST_CASE(truth) {
    for (const auto raw : {"", R"("")", "null", "false", "0", "-0", "0.0", "0e5", "-0.000E+12", "0.0e-9"})
        BOOST_TEST(!json_truthy(raw), raw);
    for (const auto raw :
         {R"(" ")", R"("0")", R"("false")", "true", "1", "-1", "0.001", "10", "1e0", "0.05e2", "[]", "{}"})
        BOOST_TEST(json_truthy(raw), raw);
}

BOOST_AUTO_TEST_CASE(a_value_read_before_can_be_passed) {
    const std::string text = R"({"a":[1,{"x":"]"}],"b":2})";
    std::string_view a;
    json_scanner first{text};
    first.object([&](std::string_view name) {
        const auto value = first.value();
        if (name == "a") a = value;
        return true;
    });
    BOOST_TEST(a == R"([1,{"x":"]"}])");
    json_scanner again{text};
    int passed = 0;
    const auto whole = again.object([&](std::string_view) {
        if (again.passes(a)) return ++passed, true;
        BOOST_TEST(!again.passes({}));
        return again.value() == "2";
    });
    BOOST_TEST(whole == text);
    BOOST_TEST(passed == 1);
    BOOST_TEST(again.finished());
    const std::string other = text; // the same elsewhere is another
    json_scanner third{other};
    BOOST_TEST(!third.passes(text));
}

BOOST_AUTO_TEST_CASE(unescaping) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"", ""},
        {"plain", "plain"},
        {R"(\u0061b)", "ab"},
        {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
        {R"(\u00e9\u20AC\ud83d\ude00)", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {R"(\ud800\udc00\udbff\udfff)", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
        {R"(\u007f\u0080\u07ff\u0800\uffff)", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
        {R"(\u0000)", "\0"sv},
        {R"(\\u0061)", R"(\u0061)"},
        {"\xc3\xa9\\n", "\xc3\xa9\n"},
    };
    for (const auto& [escaped, text] : cases) {
        char buffer[64];
        BOOST_TEST(json_unescape(escaped, buffer, sizeof buffer) == text, escaped);
    }
    for (const auto lone :
         {R"(\ud800)", R"(\udc00)", R"(\ud800\ud800)", R"(\ud800x)", R"(\ud800\n)", R"(\udc00\ud800)"}) {
        char buffer[64];
        BOOST_TEST(!json_unescape(lone, buffer, sizeof buffer).data(), lone);
    }
    for (std::size_t n = 0; n < 40; ++n) {
        const auto room = std::make_unique<char[]>(20);
        const auto text = std::string(n, 'a') + "\\n";
        const auto decoded = json_unescape(text, room.get(), 20);
        BOOST_TEST((decoded.data() != nullptr) == (n < 17));
    }
}

BOOST_AUTO_TEST_SUITE_END()
