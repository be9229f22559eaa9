// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/feature/record_store.hpp>

#include "support/print_errc.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

namespace {

using namespace sigfire;

BOOST_AUTO_TEST_SUITE(record_store_)

BOOST_AUTO_TEST_CASE(records_in_memory_are_bounded) {
    memory_records store{2};
    errc done = errc::deferred;
    const auto note = [&](errc e) { done = e; };
    const auto find = [&](const char* id) {
        std::string metadata;
        store.find(id, [&](const record* r) { metadata = r ? r->metadata : "unknown"; });
        return metadata;
    };
    BOOST_TEST(find("x") == "unknown");
    store.put("x", {.metadata = "1"}, note);
    BOOST_TEST(done == errc::ok);
    store.put("y", {.metadata = "2"}, note);
    store.put("z", {.metadata = "3"}, note);
    BOOST_TEST(done == errc::full);
    store.put("x", {.metadata = "4"}, note);
    BOOST_TEST(done == errc::ok);
    BOOST_TEST((find("x") == "4" && find("y") == "2" && find("z") == "unknown"));
    store.erase("z", note);
    BOOST_TEST(done == errc::unknown);
    store.erase("x", note);
    BOOST_TEST(done == errc::ok);
    BOOST_TEST(store.size() == 1u);
    store.put("z", {.metadata = "5"}, note);
    BOOST_TEST(done == errc::ok);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
