// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/detail/client_session.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using sigfire::errc, sigfire::time_point;

time_point at(int seconds) {
    return time_point{std::chrono::seconds{seconds}};
}

struct session {
    sigfire::detail::client_session<int> core;
    std::vector<std::string> heard;

    time_point now = at(0);

    errc hear(std::string text) { return core.received({text}, now, *this); }
    errc hear_binary(std::string text) {
        return core.received({text, sigfire::message_type::binary}, now, *this);
    }
    std::string take() {
        std::string all;
        for (const auto& h : std::exchange(heard, {})) all += (all.empty() ? "" : " | ") + h;
        return all;
    }

    void on_greeted(sigfire::detail::greeting g) {
        heard.push_back("welcome " + g.id + ' ' + g.configuration + (g.recovered ? " recovered" : ""));
    }
    void on_reply(int waiter, const sigfire::server_reply& r) {
        heard.push_back(std::to_string(waiter) + ' ' + std::string{sigfire::cause_name(r.cause)});
    }
    void on_said(const sigfire::server_message& m) {
        heard.push_back(std::string{m.command} + ' ' + std::string{m.from} + ' ' + std::string{m.data.bytes});
    }
    void say(std::string text) { heard.push_back("say " + text); }
    std::uint64_t fresh() { return 100; }
};

constexpr auto hello = R"({"id":"1","cmd":"welcome","data":{"id":"me"}})";

} // namespace

BOOST_AUTO_TEST_SUITE(client_session)

BOOST_AUTO_TEST_CASE(reads_the_welcome_first) {
    struct {
        std::string text;
        errc e;
        std::string heard;
    } const table[] = {
        {hello, errc::ok, "welcome me "},
        {R"({"cmd":"welcome","data":{"id":"me","configuration":{"iceServers":[]}}})", errc::ok,
         R"(welcome me {"iceServers":[]})"},
        {R"({"cmd":"welcome","data":{}})", errc::bad_welcome, ""},
        {R"({"id":"r1","ok":true})", errc::bad_welcome, ""},
        {R"({"cmd":"offer","origin":"you","data":{"offer":1}})", errc::bad_welcome, ""},
        {R"({})", errc::bad_welcome, ""},
        {R"(7)", errc::bad_welcome, ""},
        {R"(null)", errc::internal_error, ""},
        {R"({"cmd":"welcome")", errc::malformed, ""},
        {"\"\xff\"", errc::bad_utf8, ""},
    };
    for (const auto& row : table) BOOST_TEST_CONTEXT(row.text) {
            session s;
            s.core.calls.wait(1, 1, {});
            BOOST_TEST((s.hear(row.text) == row.e));
            BOOST_TEST(s.take() == row.heard);
        }
}

BOOST_AUTO_TEST_CASE(matches_replies_to_requests) {
    session s;
    s.hear(hello);
    s.take();
    for (int i = 7; i < 12; ++i)
        s.core.calls.wait(static_cast<std::uint64_t>(i), i, sigfire::time_point::max());
    struct {
        std::string text;
        std::string heard;
    } const table[] = {
        {R"({"id":"r9","ok":true})", "9 ok"},
        {R"({"id":"r9","ok":true})", ""}, // a second one
        {R"({"id":"r7","ok":false,"data":{"message":"Peer Not Found"}})", "7 unknown"},
        {R"({"id":"r11","ok":false,"data":{"message":"?","cause":"self"}})", "11 self"},
        {R"({"id":"r8","ok":false})", "8 denied"},
        {R"({"id":"r99","ok":true})", ""},
        {R"({"id":"r","ok":true})", ""},
        {R"({"id":"r10x","ok":true})", ""},
        {R"({"id":"r-10","ok":true})", ""},
        {R"({"id":"x10","ok":true})", ""},
        {R"({"id":10,"ok":true})", ""},
        {R"({"id":{},"ok":true})", ""},
        {R"({"id":"r10","ok":1})", ""},
        {R"({"id":"r18446744073709551626","ok":true})", ""}, // 10 + 2^64
        {hello, ""},
        {R"({"id":"q","cmd":"offer","origin":"you","data":{"offer":{"sdp":"x"}}})",
         R"(offer you {"offer":{"sdp":"x"}})"},
        {R"({"id":"q","cmd":"session-start","origin":"you"})", "session-start you "},
        {R"({"id":"q","cmd":"mine","origin":"you","data":[1]})", "mine you [1]"},
        {R"({"id":"q","cmd":"offer","data":{"offer":1}})", R"(offer  {"offer":1})"}, // the server's own
        {R"([1])", ""},
    };
    for (const auto& row : table) BOOST_TEST_CONTEXT(row.text) {
            BOOST_TEST((s.hear(row.text) == errc::ok));
            BOOST_TEST(s.take() == row.heard);
        }
    BOOST_TEST((s.hear("null") == errc::internal_error));
    BOOST_TEST((s.hear("{") == errc::malformed));
    BOOST_TEST((s.hear_binary("{") == errc::malformed));
}

BOOST_AUTO_TEST_CASE(composes_no_message_that_says_anything_else) {
    const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
    struct {
        std::string to, command, data;
        errc e;
        std::string text;
    } const table[] = {
        {"you", "offer", R"({"offer":1})", errc::ok,
         R"({"cmd":"offer","target":"you","data":{"offer":1},"id":"r5"})"},
        {"you", "session-start", "", errc::ok, R"({"cmd":"session-start","target":"you","id":"r5"})"},
        {"you", "x", " \n7\t", errc::ok, R"({"cmd":"x","target":"you","data":7,"id":"r5"})"},
        {"a\"b", "x", "", errc::ok, R"({"cmd":"x","target":"a\"b","id":"r5"})"},
        {"", "x", "", errc::ok, R"({"cmd":"x","id":"r5"})"},
        {"you", "", "", errc::malformed, ""},
        {"\xff", "x", "", errc::malformed, ""},
        {"you", "\xff", "", errc::malformed, ""},
        {"you", "x", "\"\xff\"", errc::malformed, ""},
        {"you", "x", "{", errc::malformed, ""},
        {"you", "x", "nul", errc::malformed, ""},
        {"you", "x", "{} {}", errc::malformed, ""},
        {"you", "x", R"(1,"id":"r6")", errc::malformed, ""},
        {"you", "x", R"({},"target":"other")", errc::malformed, ""},
        {"you", "x", R"({},"data":{})", errc::malformed, ""},
        {"you", "x", R"({},"more":{})", errc::malformed, ""},
        {"you", "x", R"({}})", errc::malformed, ""},
        {"you", "x", nested(511), errc::ok,
         R"({"cmd":"x","target":"you","data":)" + nested(511) + R"(,"id":"r5"})"},
        {"you", "x", nested(512), errc::malformed, ""}, // one level more than any server takes
        {"you", "x", '"' + std::string(2000, 'a') + '"', errc::too_large, ""},
    };
    for (const auto& row : table) BOOST_TEST_CONTEXT(row.command << ' ' << row.data) {
            std::string out = "before";
            sigfire::client_request said;
            said.target = row.to, said.command = row.command, said.data.bytes = row.data;
            const auto e = sigfire::detail::client_session<int>::compose(5, said, 1500, out);
            BOOST_TEST((e == row.e));
            BOOST_TEST(out == "before" + row.text);
        }
}

// --- resuming ---------------------------------------------------------------------------------------------

// Says a request, as a client does.
void ask(session& s, int number) {
    sigfire::client_request r;
    r.command = "x";
    const auto n = static_cast<std::uint64_t>(number);
    std::string text;
    BOOST_TEST((s.core.compose(n, r, 1000, text) == errc::ok));
    BOOST_TEST(s.core.log.keep(n, text, 1000));
    s.core.calls.wait(n, number, time_point::max());
}
void flush(session& s) {
    s.core.log.flush([&](const std::string& text) { return s.heard.push_back("sent " + text), true; });
}
std::string sent(int n) {
    return R"(sent {"cmd":"x","id":"r)" + std::to_string(n) + "\"}";
}
std::string news(int n) {
    return R"({"id":"m","cmd":"news","data":)" + std::to_string(n) + '}';
}

BOOST_AUTO_TEST_CASE(asks_for_nothing_unless_wanted) {
    session s;
    s.core.begin(false, true);
    s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"T"}}})");
    BOOST_TEST(s.take() == "welcome me ");
    BOOST_TEST(!s.core.resumable());
}

BOOST_AUTO_TEST_CASE(a_welcome_may_say_all) {
    session s;
    BOOST_TEST(s.core.resume_query() == "resume");
    s.core.begin(true, true);
    s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"T/+","window":30000}}})");
    BOOST_TEST(s.take() == "welcome me ");
    BOOST_TEST(s.core.resumable());
    BOOST_TEST(s.core.resume_query() == "resume=T%2F%2B&received=0");
    for (int i = 1; i <= 3; ++i) s.hear(news(i));
    s.hear("{}"); // a message that says nothing counts too
    for (int i = 1; i <= 4; ++i) ask(s, i);
    flush(s);
    s.hear(R"({"id":"r1","ok":true})");
    s.take();
    BOOST_TEST(s.core.resume_query() == "resume=T%2F%2B&received=5");
    BOOST_TEST(s.core.calls.size() == 3u);

    s.core.begin(true, true);
    ask(s, 5);
    s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"U","recovered":true,"received":2}}})");
    BOOST_TEST(s.take() == R"(say {"cmd":"ack","received":5} | welcome me  recovered)");
    flush(s);
    BOOST_TEST(s.take() == sent(3) + " | " + sent(4) + " | " + sent(5));
    s.hear(R"({"id":"r2","ok":true})"); // said before, but lost on the way
    s.hear(R"({"id":"r4","ok":true})");
    BOOST_TEST(s.take() == "2 ok | 4 ok");
    BOOST_TEST(s.core.resume_query() == "resume=U&received=7");

    s.core.begin(true, true);
    s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"V","recovered":true,"received":4}}})");
    s.take();
    flush(s);
    BOOST_TEST(s.take() == sent(5));
}

BOOST_AUTO_TEST_CASE(a_request_may_ask) {
    session s;
    s.core.begin(true, true);
    s.hear(hello);
    BOOST_TEST(s.take() == R"(say {"cmd":"resume","id":"r100"})");
    s.hear(news(1)); // before counting begins
    s.hear(R"({"id":"r100","ok":true,"data":{"token":"T","window":30000}})");
    BOOST_TEST(s.take() == "news  1 | welcome me ");
    s.hear(news(2));
    ask(s, 1);
    flush(s);
    s.take();

    s.core.begin(true, true);
    s.hear(R"({"cmd":"welcome","data":{"id":"other"}})");
    BOOST_TEST(s.take() == R"(say {"cmd":"resume","token":"T","received":1,"id":"r100"})");
    s.hear(R"({"id":"r1","ok":true})"); // it was not asked here
    BOOST_TEST(s.take() == "");
    s.hear(R"({"id":"r100","ok":true,"data":{"id":"me","token":"U","recovered":true,"received":0}})");
    flush(s);
    BOOST_TEST(s.take() == R"(say {"cmd":"ack","received":1} | welcome me  recovered | )" + sent(1));

    // Too late: it is somebody else now, and asks again for next time.
    s.core.begin(true, true);
    s.hear(R"({"cmd":"welcome","data":{"id":"other"}})");
    BOOST_TEST(s.take() == R"(say {"cmd":"resume","token":"U","received":1,"id":"r100"})");
    s.hear(R"({"id":"r100","ok":false,"data":{"message":"Expired","cause":"expired"}})");
    BOOST_TEST(s.take() == R"(say {"cmd":"resume","id":"r100"})");
    ask(s, 2);
    s.hear(R"({"id":"r100","ok":true,"data":{"token":"V"}})");
    flush(s);
    BOOST_TEST(s.take() == "welcome other  | " + sent(2)); // earlier requests are not sent again
    BOOST_TEST(s.core.resume_query() == "resume=V&received=0");
}

BOOST_AUTO_TEST_CASE(a_server_may_not_know_how) {
    session s;
    s.core.begin(true, true);
    s.hear(hello);
    s.take();
    s.hear(R"({"id":"r100","ok":false,"data":{"message":"Unknown Command"}})");
    BOOST_TEST(s.take() == "welcome me ");
    BOOST_TEST(!s.core.resumable());
    ask(s, 1);
    flush(s);
    BOOST_TEST(!s.core.log.unsent(1));
    s.core.begin(true, false); // one that is not to be asked
    s.hear(hello);
    flush(s);
    BOOST_TEST(s.take() == sent(1) + " | welcome me ");
}

BOOST_AUTO_TEST_CASE(ids_and_tokens_have_a_limit) {
    const std::string longest(256, 'i'), too_long(257, 'i');
    for (const bool good : {true, false}) {
        session s;
        s.core.begin(true, true);
        BOOST_TEST((s.hear(R"({"cmd":"welcome","data":{"id":")" + (good ? longest : too_long) + R"("}})") ==
                    (good ? errc::ok : errc::bad_welcome)));
        if (!good) continue;
        // The reply to a resume may give another one.
        BOOST_TEST((s.hear(R"({"id":"r100","ok":true,"data":{"token":"T","id":")" + too_long + R"("}})") ==
                    errc::bad_welcome));
    }
    for (const bool good : {true, false}) {
        session s;
        s.core.begin(true, true);
        s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":")" +
               std::string(good ? 1024 : 1025, 't') + R"("}}})");
        BOOST_TEST(s.take() == "welcome me ");
        BOOST_TEST(s.core.resumable() == good);
    }
}

BOOST_AUTO_TEST_CASE(a_welcome_without_recovery_starts_anew) {
    session s;
    s.core.begin(true, true);
    s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"T"}}})");
    for (int i = 1; i <= 3; ++i) s.hear(news(i)), ask(s, i);
    flush(s);
    s.core.begin(true, true);
    ask(s, 4);
    s.take();
    s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"U","recovered":false}}})");
    BOOST_TEST(s.take() == "welcome me ");
    BOOST_TEST((!s.core.log.unsent(3) && s.core.log.unsent(4)));
    BOOST_TEST(s.core.resume_query() == "resume=U&received=0");
    flush(s);
    BOOST_TEST(s.take() == sent(4));
}

BOOST_AUTO_TEST_CASE(counts_that_cannot_be_are_refused) {
    for (const auto received : {R"("received":4)", R"("received":0)", R"("received":-1)", R"("received":"2")",
                                R"("received":2.5)", R"("recieved":2)"})
        BOOST_TEST_CONTEXT(received) {
            session s;
            s.core.begin(true, true);
            s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"T"}}})");
            for (int i = 1; i <= 3; ++i) ask(s, i);
            flush(s);
            s.hear(R"({"id":"r1","ok":true})");
            s.core.begin(true, true);
            s.take();
            BOOST_TEST(
                (s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"U","recovered":true,)" +
                        std::string{received} + "}}}") == errc::protocol_violation));
            BOOST_TEST(s.take() == "");
        }
}

BOOST_AUTO_TEST_CASE(confirms_in_time) {
    session s;
    s.core.begin(true, true);
    s.hear(R"({"cmd":"welcome","data":{"id":"me","resume":{"token":"T"}}})");
    s.take();
    BOOST_TEST((s.core.deadline() == time_point::max()));
    s.now = at(5);
    for (int i = 1; i <= 63; ++i) s.hear("{}");
    BOOST_TEST(s.take() == "");
    BOOST_TEST((s.core.deadline() == at(35)));
    s.now = at(6);
    s.hear("{}");
    BOOST_TEST(s.take() == R"(say {"cmd":"ack","received":64})");
    BOOST_TEST((s.core.deadline() == time_point::max()));
    s.hear("{}");
    BOOST_TEST((s.core.deadline() == at(36)));
    BOOST_TEST(s.core.confirmation() == R"({"cmd":"ack","received":65})");
    BOOST_TEST((s.core.deadline() == time_point::max()));
}

BOOST_AUTO_TEST_SUITE_END()
