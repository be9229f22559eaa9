// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/client/boost_json.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <vector>

namespace shop {

struct offer {
    std::string name;
    int price = 0;
};

void tag_invoke(boost::json::value_from_tag, boost::json::value& to, const offer& o) {
    to = {{"name", o.name}, {"price", o.price}};
}

boost::json::result_for<offer, boost::json::value>::type tag_invoke(boost::json::try_value_to_tag<offer>,
                                                                    const boost::json::value& from) {
    const auto* const o = from.if_object();
    const auto* const price = o ? o->if_contains("price") : nullptr;
    if (!price || !price->is_int64()) return boost::json::make_error_code(boost::json::error::not_int64);
    return offer{"x", static_cast<int>(price->as_int64())};
}

} // namespace shop

namespace {

BOOST_AUTO_TEST_SUITE(boost_json_values)

BOOST_AUTO_TEST_CASE(values_become_text) {
    BOOST_TEST(sigfire::to_json(boost::json::value{{"a", {1, nullptr, "\n"}}}) == R"({"a":[1,null,"\n"]})");
    BOOST_TEST(sigfire::to_json(std::vector<int>{1, 2}) == "[1,2]");
    BOOST_TEST(sigfire::to_json(shop::offer{"tea", 3}) == R"({"name":"tea","price":3})");
}

BOOST_AUTO_TEST_CASE(text_becomes_values) {
    BOOST_TEST(sigfire::from_json(R"({"a":[true]})")->at("a").at(0).as_bool());
    BOOST_TEST(sigfire::from_json("")->is_null()); // a message without data
    BOOST_TEST((*sigfire::from_json<std::map<std::string, int>>(R"({"a":7})") ==
                std::map<std::string, int>{{"a", 7}}));
    BOOST_TEST(sigfire::from_json<shop::offer>(R"({"price":5})")->price == 5);
}

BOOST_AUTO_TEST_CASE(bad_text_is_an_error) {
    for (const char* bad : {"{", "[1,]", "1 2", "\xff"}) BOOST_TEST(sigfire::from_json(bad).has_error());
    BOOST_TEST(sigfire::from_json<std::vector<int>>("[\"a\"]").has_error());
    BOOST_TEST(sigfire::from_json<shop::offer>("[]").has_error());
    BOOST_TEST((sigfire::from_json(std::string(100, '[')).error() == boost::json::error::too_deep));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
