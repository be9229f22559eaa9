// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

#include "token.hpp"
#include "json_file.hpp"
#include "program_version.hpp"

#include <sigfire/admission/grants.hpp>
#include <sigfire/admission/token_signer.hpp>
#include <sigfire/core/detail/random.hpp>
#include <sigfire/text/json/object.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace {

std::string read_key(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file || file.bad()) throw std::runtime_error{"--key: " + path + " cannot be read"};
    return text;
}

// A list of names as JSON: one name is a text.
std::string list_of(const std::vector<std::string>& names) {
    if (names.empty()) return {};
    std::string out;
    for (const auto& name : names) {
        sigfire::detail::json_writer to{sigfire::detail::string_sink{out}};
        to.raw(out.empty() ? "[" : ",");
        to.string(name);
    }
    return out + ']';
}

} // namespace

int sign_token(std::vector<std::string> words) {
    CLI::App app{"Sign a token for a test, and print it.", "sigfire token"};
    app.set_version_flag("--version", program_version());
    std::string key, subject, issuer, algorithm, grants;
    std::vector<std::string> audiences;
    std::uint32_t lifetime = 3600;
    app.add_option("--key", key, "file with the key: a private key in PEM, a JWK, or a secret")->required();
    app.add_option("--sub", subject, "subject: the id of the peer (default: none)");
    app.add_option("--ttl", lifetime, "seconds until the token expires (default 3600)")
        ->check(CLI::Range(1, 31'536'000));
    app.add_option("--iss", issuer, "issuer (default: none)");
    app.add_option("--aud", audiences, "names of the server (default: none)")
        ->allow_extra_args(false)
        ->delimiter(',');
    app.add_option("--alg", algorithm, "algorithm, for example PS256 (default: the one of the key)");
    app.add_option("--grants", grants, "the grants: a JSON object (default: none, everything is permitted)");
    words.erase(words.begin());
    std::reverse(words.begin(), words.end()); // the library expects the reverse order
    try {
        app.parse(std::move(words));
    } catch (const CLI::Success& e) {
        return app.exit(e);
    }
    if (!grants.empty() && !sigfire::parse_grants(grants))
        throw std::runtime_error{
            "--grants: this is no JSON object with known members: see the documentation"};
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    sigfire::detail::json_object claims;
    if (!issuer.empty()) claims.text("iss", issuer);
    if (!subject.empty()) claims.text("sub", subject);
    claims.json("aud", list_of(audiences));
    claims.number("iat", static_cast<std::uint64_t>(now));
    claims.number("exp", static_cast<std::uint64_t>(now) + lifetime);
    claims.text("jti", sigfire::detail::view(sigfire::detail::id_source{}.draw()));
    claims.json("sigfire", grants);
    std::optional<sigfire::token_signer> signer;
    try {
        signer.emplace(read_key(key), algorithm);
    } catch (const std::runtime_error& e) {
        std::string_view why = e.what();
        if (why.starts_with("sigfire: ")) why.remove_prefix(9);
        throw std::runtime_error{std::string{why.starts_with("--key") ? "" : "--key: "} + std::string{why}};
    }
    std::cout << signer->sign(claims.take()) << '\n';
    return 0;
}
