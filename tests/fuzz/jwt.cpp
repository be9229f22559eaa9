// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes as a token, as keys, as grants. The first byte chooses.
// - No text but the known tokens is accepted: each of them has one form.
// - Base64url has one form too. A key that is read allows at least one algorithm.
// - Grants that are read permit or deny, and each rule about them holds.
#include <sigfire/admission/detail/base64url.hpp>
#include <sigfire/admission/detail/jwk.hpp>
#include <sigfire/admission/grants.hpp>
#include <sigfire/admission/jwt_verifier.hpp>
#include <sigfire/admission/key_set.hpp>
#include <sigfire/admission/self_signed.hpp>
#include <sigfire/admission/token_signer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

using namespace sigfire;

namespace {

void require(bool law) {
    if (!law) std::abort();
}

const utc_time noon{std::chrono::seconds{1'700'000'000}};
const std::string secret = "the secret of the fuzz target, 32 bytes or more";

// RFC 7515, appendix A.3
const std::string es256 = R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                          R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})";

// The same bytes in each run, so that inputs can build upon them.
const std::vector<std::string>& known() {
    static const std::vector<std::string> all{
        token_signer{secret}.sign(R"({"sub":"ann","exp":1700000100})"),
        token_signer{secret}.sign(R"({"aud":["x"],"exp":1700000100})", "at+jwt"),
        // RFC 7515, appendix A.3: expired in 2011
        "eyJhbGciOiJFUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
        "cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"};
    return all;
}

const jwt_verifier& verifier() {
    static const jwt_verifier v = [] {
        key_set keys;
        const auto jwk = R"({"kty":"oct","k":")" + detail::base64url(secret) + "\"}";
        require(keys.replace(R"({"keys":[)" + es256 + "," + jwk + "]}") == errc::ok);
        return jwt_verifier{keys, {.audiences = {"x"}, .needs_expiry = false}};
    }();
    return v;
}

void as_token(std::string_view text) {
    const auto got = verifier().verify(text, noon);
    bool is_known = false;
    for (const auto& t : known()) is_known = is_known || t == text;
    if (got) require(is_known);
    if (!got) require(!to_string(fault_of(got.error())).empty());
    if (const auto parts = detail::read_jws(text))
        require(parts->signed_part.size() + 1 + detail::base64url(parts->signature).size() == text.size());
    static self_signed hook{{.audiences = {"x"}, .now = [] { return noon; }}};
    admission a;
    const std::string field = "Bearer " + std::string{text};
    const header h{"Authorization", field};
    require((hook.on_admit({"GET", "/", {&h, 1}, {}}, a) == errc::ok) == !a.refused_as.has_value());
}

void as_keys(const std::string& text) {
    std::string why;
    const auto keys = detail::keys_of_text(text, why);
    require(!keys.empty() || !why.empty());
    require(keys.size() <= detail::most_keys);
    for (const auto& key : keys) {
        require(key.allows_any());
        // Nobody knows a signature by such a key.
        for (std::size_t i = 0; i < std::size(detail::jws_algorithms); ++i)
            require(!key.verifies(static_cast<detail::jws_algorithm>(i), "text", "signature"));
    }
}

void as_grants(std::string_view text) {
    const auto got = parse_grants(text);
    if (!got) return;
    for (const auto what : {action::send, action::watch, action::join, action::publish, action::set}) {
        act a;
        a.what = what;
        a.command = "c";
        a.from_id = "me";
        a.to_id = what == action::publish || what == action::set ? "" : "you";
        a.topic = what == action::send || what == action::watch ? "" : "t";
        const bool may = granted::permits(*got, a);
        if (may && got->commands) require(!got->commands->empty());
        if (may && !a.topic.empty() && got->topics) require(!got->topics->empty());
        if (may && what == action::send) require(got->send && (!got->targets || !got->targets->empty()));
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string text{reinterpret_cast<const char*>(data) + 1, size - 1};
    switch (data[0]) {
    case 't': as_token(text); break;
    case 'k': as_keys(text); break;
    case 'g': as_grants(text); break;
    default:
        if (const auto bytes = detail::base64url_decoded(text)) require(detail::base64url(*bytes) == text);
        require(detail::base64url_decoded(detail::base64url(text)) == text);
    }
    return 0;
}
