// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/core/request.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(request_)

BOOST_AUTO_TEST_CASE(headers_by_name) {
    const header fields[] = {{"Host", "a"}, {"X-Two", "1"}, {"x-two", "2"}, {"Empty", ""}};
    const request r{"GET", "/", fields, {}};
    BOOST_TEST(r["host"] == "a");
    BOOST_TEST(r["HOST"] == "a");
    BOOST_TEST(r["x-TWO"] == "1");
    BOOST_TEST(r["Empty"] == "");
    BOOST_TEST(r["Hos"] == "");
    BOOST_TEST(r["Hosts"] == "");
    BOOST_TEST(request{}["Host"] == "");
}

BOOST_AUTO_TEST_CASE(paths) {
    BOOST_TEST((request{"GET", "/a/b?c=d", {}, {}}.path() == "/a/b"));
    BOOST_TEST((request{"GET", "/a", {}, {}}.path() == "/a"));
    BOOST_TEST((request{"GET", "?", {}, {}}.path() == ""));
    BOOST_TEST(request{}.path() == "");
}

BOOST_AUTO_TEST_CASE(query_parameters) {
    struct row {
        std::string_view target, name, value;
    };
    for (const auto& [target, name, value] : std::initializer_list<row>{
             {"/", "id", ""},
             {"/?", "id", ""},
             {"/?id=7", "id", "7"},
             {"/?id", "id", ""},
             {"/?id=", "id", ""},
             {"/?xid=1&id=2", "id", "2"},
             {"/?id=1&id=2", "id", "1"},
             {"/?a=1&&id=2", "id", "2"},
             {"/?id=a%20b+c", "id", "a b c"},
             {"/?id=%E2%82%ac", "id", "\xe2\x82\xac"},
             {"/?id=%zz%4", "id", "%zz%4"},
             {"/?id=%", "id", "%"},
             {"/?%69d=3", "id", "3"},
             {"/?id=a=b?c", "id", "a=b?c"},
             {"/?ID=1", "id", ""},
             {"/#?id=1", "id", "1"},
         })
        BOOST_TEST((request{"GET", target, {}, {}}.query(name)) == value, target);
}

BOOST_AUTO_TEST_CASE(of_equal_query_parameters_the_last_if_asked_so) {
    const request r{"GET", "/?id=1&x=2&i%64=al%20ice+x&id", {}, {}};
    BOOST_TEST(r.query("id") == "1");
    BOOST_TEST(r.last_query("id") == "");
    BOOST_TEST((request{"GET", "/?id=1&x=2&i%64=al%20ice+x", {}, {}}.last_query("id")) == "al ice x");
    BOOST_TEST(r.last_query("x") == "2");
    BOOST_TEST(r.last_query("y") == "");
    BOOST_TEST(request{}.last_query("id") == "");
}

BOOST_AUTO_TEST_CASE(a_parameter_without_a_value_is_there) {
    const request r{"GET", "/?resume&id=&i%64s=1", {}, {}};
    BOOST_TEST(r.has_query("resume"));
    BOOST_TEST(r.has_query("id"));
    BOOST_TEST(r.has_query("ids"));
    BOOST_TEST(!r.has_query("res"));
    BOOST_TEST(!r.has_query(""));
    BOOST_TEST(!request{}.has_query("id"));
}

BOOST_AUTO_TEST_CASE(subprotocols_in_order) {
    struct row {
        std::vector<header> fields;
        std::vector<std::string> offered;
    };
    for (const auto& [fields, offered] : std::initializer_list<row>{
             {{}, {}},
             {{{"Sec-WebSocket-Protocol", ""}}, {}},
             {{{"Sec-WebSocket-Protocol", "Signal-Fire@3"}}, {"Signal-Fire@3"}},
             {{{"sec-websocket-protocol", " a ,\tb,, c"}}, {"a", "b", "c"}},
             {{{"Sec-WebSocket-Protocol", "a"}, {"Other", "x"}, {"Sec-WebSocket-Protocol", "b,"}},
              {"a", "b"}},
         }) {
        std::vector<std::string> seen;
        const request r{"GET", "/", fields, {}};
        BOOST_TEST(!r.any_subprotocol([&](std::string_view s) { return seen.emplace_back(s), false; }));
        BOOST_TEST(seen == offered, boost::test_tools::per_element());
    }
    const header fields[] = {{"Sec-WebSocket-Protocol", "a, b, c"}};
    int calls = 0;
    BOOST_TEST((request{"GET", "/", fields, {}}.any_subprotocol(
        [&](std::string_view s) { return ++calls, s == "b"; })));
    BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(a_copy_needs_nothing_of_its_original) {
    std::vector<std::string> texts{"GET", "/a?b=c", "192.0.2.1", "Host", "example.org", "X-Empty", ""};
    std::vector<header> fields{{texts[3], texts[4]}, {texts[5], texts[6]}};
    const owned_request copy{request{texts[0], texts[1], fields, texts[2]}};
    fields.assign(2, header{"gone", "gone"});
    for (auto& t : texts) t.assign(t.size(), '?');
    const auto& r = copy.view();
    BOOST_TEST(r.method == "GET");
    BOOST_TEST(r.target == "/a?b=c");
    BOOST_TEST(r.remote == "192.0.2.1");
    BOOST_TEST(r.headers.size() == 2u);
    BOOST_TEST(r["host"] == "example.org");
    BOOST_TEST(r.headers[1].name == "X-Empty");
    BOOST_TEST(r.headers[1].value == "");
    std::string subject = "CN=robot-7,O=Example";
    request proven{"GET", "/", {}, {}};
    proven.peer_subject = subject;
    proven.secure = true;
    proven.process = process_identity{7, 8, 9};
    const owned_request kept{proven};
    subject.assign(subject.size(), '?');
    BOOST_TEST(kept.view().peer_subject == "CN=robot-7,O=Example");
    BOOST_TEST(kept.view().secure);
    BOOST_TEST_REQUIRE(kept.view().process.has_value());
    BOOST_TEST(kept.view().process->uid == 8u);
    const owned_request none{request{}};
    BOOST_TEST(none.view().target.empty());
    BOOST_TEST(none.view().headers.empty());
}

BOOST_AUTO_TEST_SUITE_END()
