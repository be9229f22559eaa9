// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/codec/any_of.hpp>

#include <sigfire/codec/json.hpp>
#include <sigfire/codec/transcode.hpp>
#include <sigfire/test/conformance.hpp>

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace sigfire;

// Dialects have settings, with defaults for all of them.
struct with_settings : json {
    explicit with_settings(codec::json_options options = {}) : json{std::move(options)} {}
};
static_assert(std::is_default_constructible_v<when<codec::transcoded<with_settings>>>);

// A codec whose settings have no defaults.
struct without_default : json {
    explicit without_default(int) {}
};
static_assert(!std::is_default_constructible_v<when<without_default>>);
static_assert(Codec<any_of<when<without_default, by_path>, when<codec::json>>>);

// Says everything with its mark in front. Answers HTTP on `/MARK`.
struct marked {
    struct state {
        bool open = false;
        std::string target;
    };
    static constexpr bool checks_utf8 = false;

    std::string mark;
    message_type output = message_type::binary;
    int key = 0;

    errc open(const request& r, state& st, admission& ad) {
        st.open = true;
        st.target = r.target;
        ad.subprotocol = mark;
        return r.has_query("no") ? errc::denied : errc::ok;
    }
    template <class Handler>
    errc decode(message m, state& st, Handler&& handler) {
        BOOST_TEST(st.open);
        event::send e;
        e.to = m.view();
        e.command = mark;
        handler(e);
        return m.view() == "bad" ? errc::bad_utf8 : errc::ok;
    }
    std::size_t bound(const event::send& e, const state&) const { return mark.size() + e.to.size(); }
    std::size_t encode(const event::send& e, const state&, char* p) const {
        const auto text = mark + std::string{e.to};
        std::memcpy(p, text.data(), text.size());
        return text.size();
    }
    template <class E>
        requires std::is_same_v<E, event::welcome> || std::is_same_v<E, event::reply>
    std::size_t bound(const E&, const state&) const {
        return 0;
    }
    template <class E>
        requires std::is_same_v<E, event::welcome> || std::is_same_v<E, event::reply>
    std::size_t encode(const E&, const state&, char*) const {
        return 0;
    }
    message_type type(const auto&, const state&) const { return output; }
    int share_key(const state&) const { return key; }
    ending end(errc why, const state&) const { return {418, 4000, cause_name(why)}; }
    template <class Directory>
    bool http(const request& r, response& out, const Directory& here) {
        out.body = mark + " of " + std::to_string(here.size());
        return r.path() == "/" + mark;
    }
};

struct crowd {
    std::size_t size() const { return 3; }
};

template <class C, class E>
std::string encoded(const C& c, const E& e, const typename C::state& st) {
    std::string text(c.bound(e, st), '#');
    text.resize(c.encode(e, st, text.data()));
    return text;
}

template <class C>
concept answers = requires(C& c, const request& r, response& out) { c.http(r, out, crowd{}); };

template <class C>
concept objects =
    requires(const C& c, const event::send& e, const typename C::state& st) { c.objection(e, st); };

request to(std::string_view target) {
    return {"GET", target, {}, {}};
}

// What a codec makes of a message: the command and target of each event, and the verdict.
template <class C>
std::string decoded(C& c, typename C::state& st, std::string text, message_type type = message_type::text) {
    std::string out;
    const errc why = c.decode({text, type}, st, [&](auto& e) {
        if constexpr (std::is_same_v<decltype(e), event::send&>)
            out += std::string{e.command} + "(" + std::string{e.to} + ") ";
    });
    return out + std::string{cause_name(why)};
}

auto three() {
    return any_of{when{marked{"a"}, by_path{"/a"}}, when{marked{"b", message_type::text, 2}, by_query{"b"}},
                  when{marked{"c", message_type::binary, -1}, by_subprotocol{"c"}}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(any_of_)

BOOST_AUTO_TEST_CASE(conditions_look_at_the_request) {
    BOOST_TEST(always{}({}));
    const by_path path{"/x"};
    for (const auto* yes : {"/x", "/x/", "/x/y", "/x?a=1", "/x/?a"}) BOOST_TEST(path(to(yes)), yes);
    for (const auto* no : {"", "/", "/xy", "/y/x", "/X", "x"}) BOOST_TEST(!path(to(no)), no);
    BOOST_TEST(by_query{"q"}(to("/?a=1&q")));
    BOOST_TEST(!by_query{"q"}(to("/q?a=q")));
    const header offers[] = {{"Sec-WebSocket-Protocol", "one, two"}};
    request r{"GET", "/", offers, {}};
    BOOST_TEST(by_subprotocol{"two"}(r));
    BOOST_TEST(!by_subprotocol{"tw"}(r));
}

BOOST_AUTO_TEST_CASE(the_first_match_is_spoken) {
    auto codec = three();
    static_assert(Codec<decltype(codec)> && !decltype(codec)::checks_utf8);
    event::send e;
    e.to = "x";
    const header offers[] = {{"Sec-WebSocket-Protocol", "c"}};
    struct row {
        request r;
        const char* mark;
        message_type type;
        int key;
    };
    for (const auto& [r, mark, type, key] :
         {row{to("/a/1?b"), "a", message_type::binary, 0}, row{to("/?b"), "b", message_type::text, 2 * 3 + 1},
          row{{"GET", "/", offers, {}}, "c", message_type::binary, -1}})
        BOOST_TEST_CONTEXT(mark) {
            decltype(codec)::state st;
            admission ad;
            BOOST_TEST((codec.open(r, st, ad) == errc::ok));
            BOOST_TEST(ad.subprotocol == mark);
            BOOST_TEST(decoded(codec, st, "you") == std::string{mark} + "(you) ok");
            BOOST_TEST(decoded(codec, st, "bad") == std::string{mark} + "(bad) bad_utf8");
            BOOST_TEST(encoded(codec, e, st) == std::string{mark} + "x");
            BOOST_TEST((codec.type(e, st) == type));
            BOOST_TEST(codec.share_key(st) == key);
            const auto how = codec.end(errc::flood, st);
            BOOST_TEST((how.http_status == 418 && how.close_code == 4000 && how.text == "flood"));
        }
}

BOOST_AUTO_TEST_CASE(a_request_that_matches_nothing_or_is_refused_gets_no_word) {
    auto codec = three();
    decltype(codec)::state st;
    admission ad;
    BOOST_TEST((codec.open(to("/"), st, ad) == errc::unknown));
    BOOST_TEST(codec.end(errc::unknown, st).http_status == 404u);
    event::send e;
    BOOST_TEST(codec.bound(e, st) == 0u);
    BOOST_TEST(codec.encode(e, st, nullptr) == 0u);
    BOOST_TEST(codec.share_key(st) == -1);
    BOOST_TEST(decoded(codec, st, "you") == "malformed");
    BOOST_TEST((codec.type(e, st) == message_type::text));
    BOOST_TEST((codec.open(to("/a?no"), st, ad) == errc::denied)); // as its codec says
    BOOST_TEST(codec.end(errc::denied, st).http_status == 418u);
}

BOOST_AUTO_TEST_CASE(texts_of_different_wires_are_not_shared) {
    any_of codec{when{marked{"a", message_type::text, 5}, by_path{"/a"}},
                 when{marked{"b", message_type::text, 5}}};
    decltype(codec)::state one, other;
    admission ad;
    codec.open(to("/a"), one, ad);
    codec.open(to("/"), other, ad);
    BOOST_TEST(codec.share_key(one) != codec.share_key(other));
}

BOOST_AUTO_TEST_CASE(plain_http_goes_to_the_first_match_that_answers) {
    any_of codec{when{codec::json{}}, when{marked{"a"}}, when{marked{"b"}, by_path{"/b"}},
                 when{marked{"c"}, by_query{"c"}}};
    response out;
    BOOST_TEST(codec.http(to("/a"), out, crowd{}));
    BOOST_TEST(out.body == "a of 3");
    BOOST_TEST(codec.http(to("/b"), out, crowd{}));
    BOOST_TEST(out.body == "b of 3");
    BOOST_TEST(!codec.http(to("/c"), out, crowd{}));
    BOOST_TEST(codec.http(to("/c?c"), out, crowd{}));
    any_of silent{when{codec::json{}}};
    static_assert(!answers<decltype(silent)> && answers<decltype(codec)>);
}

// Has something against long ids.
struct choosy : marked {
    errc objection(const event::send& e, const state&) const {
        return e.id.size() > 3 ? errc::too_large : errc::ok;
    }
};

BOOST_AUTO_TEST_CASE(the_objection_of_a_wire_to_a_message_is_passed_on) {
    any_of codec{when{marked{"a"}, by_path{"/a"}}, when{choosy{{"c"}}}};
    static_assert(!objects<decltype(three())> && objects<decltype(codec)>);
    event::send e;
    decltype(codec)::state none, careless, careful;
    admission ad;
    codec.open(to("/a"), careless, ad);
    codec.open(to("/"), careful, ad);
    for (const auto* id : {"123", "1234"}) {
        e.id = id;
        BOOST_TEST((codec.objection(e, none) == errc::ok));
        BOOST_TEST((codec.objection(e, careless) == errc::ok));
        BOOST_TEST((codec.objection(e, careful) == (e.id.size() > 3 ? errc::too_large : errc::ok)));
    }
}

// Each event goes to the codecs that have a word for it.
BOOST_AUTO_TEST_CASE(words_are_those_of_the_codec_that_was_chosen) {
    any_of codec{when{marked{"a"}, by_path{"/a"}}, when{codec::json{}}};
    using both = decltype(codec);
    static_assert(detail::has_word<both, event::presence> && detail::has_word<both, event::send>);
    static_assert(!detail::has_word<decltype(three()), event::presence>);
    both::state none, terse, wordy;
    admission ad;
    codec.open(to("/a"), terse, ad);
    codec.open({}, wordy, ad);
    const event::existence e{.token = {"7"}, .known = true};
    BOOST_TEST(encoded(codec, e, wordy) == R"({"id":7,"ok":true,"data":{"exists":true}})");
    BOOST_TEST((codec.type(e, wordy) == message_type::text));
    for (const auto* st : {&terse, &none}) {
        BOOST_TEST(codec.bound(e, *st) == 0u);
        BOOST_TEST(codec.encode(e, *st, nullptr) == 0u);
        BOOST_TEST((codec.type(e, *st) == message_type::text));
    }
}

// More wires than one step of the choice looks at.
BOOST_AUTO_TEST_CASE(many_wires) {
    const auto one = [](const char* mark) { return when{marked{mark}, by_path{std::string{"/"} + mark}}; };
    any_of codec{one("0"), one("1"), one("2"), one("3"), one("4"), one("5"),
                 one("6"), one("7"), one("8"), one("9"), one("x")};
    for (const auto* mark : {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "x"}) {
        decltype(codec)::state st;
        admission ad;
        const auto path = std::string{"/"} + mark;
        BOOST_TEST((codec.open(to(path), st, ad) == errc::ok));
        BOOST_TEST(decoded(codec, st, "you") == std::string{mark} + "(you) ok");
        BOOST_TEST(encoded(codec, event::send{}, st) == mark);
        BOOST_TEST(codec.end(errc::flood, st).http_status == 418u);
    }
    BOOST_TEST(encoded(codec, event::send{}, {}) == "");
}

BOOST_AUTO_TEST_CASE(it_keeps_the_laws_of_codecs) {
    any_of codec{when{marked{"a"}, by_path{"/a"}}, when{codec::json{}}};
    static_assert(Codec<decltype(codec)>);
    test::codec_laws(codec, [](bool law, const char* what) { BOOST_TEST(law, what); });
    any_of checked{when{codec::json{}}};
    static_assert(decltype(checked)::checks_utf8);
    decltype(codec)::state st;
    admission ad;
    const header offers[] = {{"Sec-WebSocket-Protocol", "sigfire.v1.json"}};
    BOOST_TEST((codec.open({"GET", "/", offers, {}}, st, ad) == errc::ok));
    BOOST_TEST(ad.subprotocol == "sigfire.v1.json");
    BOOST_TEST(decoded(codec, st, R"({"cmd":"offer","id":1,"target":"bob","data":{"offer":1}})") ==
               "offer(bob) ok");
}

BOOST_AUTO_TEST_SUITE_END()
