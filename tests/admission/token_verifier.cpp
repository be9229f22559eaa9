// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/admission/token_verifier.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <string_view>

namespace {

using namespace sigfire;

// The least verifier: the token is the name of its subject.
struct least {
    result<verified_token> verify(std::string_view token, utc_time) {
        if (token.empty()) return token_fault::malformed;
        verified_token out;
        out.subject = token;
        out.claims = "{}";
        return out;
    }
};
static_assert(TokenVerifier<least>);

struct without_time {
    result<verified_token> verify(std::string_view) { return token_fault::malformed; }
};
struct of_a_bool {
    bool verify(std::string_view, utc_time) { return true; }
};
static_assert(!TokenVerifier<without_time> && !TokenVerifier<of_a_bool>);

BOOST_AUTO_TEST_SUITE(token_verifier)

BOOST_AUTO_TEST_CASE(each_fault_has_a_text_of_its_own_and_a_cause) {
    std::set<std::string_view> texts;
    for (int i = 1; i <= static_cast<int>(token_fault::busy); ++i) {
        const auto f = static_cast<token_fault>(i);
        BOOST_TEST(texts.insert(to_string(f)).second, to_string(f));
        BOOST_TEST(to_string(f).starts_with("Token "));
        BOOST_TEST(!is_verdict(cause_of(f)));
        const error_code ec = f;
        BOOST_TEST(ec.failed());
        BOOST_TEST(ec.message() == to_string(f));
        BOOST_TEST((fault_of(ec) == f));
    }
    BOOST_TEST((cause_of(token_fault::expired) == errc::expired));
    BOOST_TEST((cause_of(token_fault::malformed) == errc::malformed));
    BOOST_TEST((cause_of(token_fault::busy) == errc::overloaded));
    BOOST_TEST((cause_of(token_fault::replayed) == errc::denied));
    BOOST_TEST(to_string(token_fault::unknown_key) == "Token Key Unknown");
    BOOST_TEST(to_string(static_cast<token_fault>(0)) == to_string(token_fault::malformed));
}

BOOST_AUTO_TEST_CASE(a_code_of_another_category_is_a_malformed_token) {
    BOOST_TEST((fault_of(make_error_code(errc::expired)) == token_fault::malformed));
}

BOOST_AUTO_TEST_CASE(a_verifier_gives_a_token_or_a_fault) {
    least v;
    BOOST_TEST(v.verify("ann", {})->subject == "ann");
    BOOST_TEST((fault_of(v.verify("", {}).error()) == token_fault::malformed));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
