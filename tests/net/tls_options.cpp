// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include <sigfire/net/tls_options.hpp>

#include <sigfire/net/tls/tls_server.hpp>

#include "support/tls_world.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include <unistd.h>

namespace {

using namespace sigfire;
namespace fs = std::filesystem;
using tls_world::identity, tls_world::localhost, tls_world::root;

// The faults of options, as their author is told.
std::string complaint(const tls_options& o) {
    try {
        detail::tls_server server{o, true};
        return {};
    } catch (const std::runtime_error& e) {
        BOOST_TEST(ERR_peek_error() == 0u, "nothing is left for the next user of OpenSSL");
        return e.what();
    }
}

struct folder {
    folder() : path{fs::temp_directory_path() / ("sigfire-pem-" + std::to_string(::getpid()))} {
        fs::create_directory(path);
    }
    ~folder() { fs::remove_all(path); }

    std::string write(const std::string& name, const std::string& text) const {
        const auto to = (path / name).string();
        std::ofstream{to} << text;
        return to;
    }
    fs::path path;
};

BOOST_AUTO_TEST_SUITE(tls_options_)

BOOST_AUTO_TEST_CASE(text_and_files_do) {
    const folder f;
    const auto& own = localhost();
    const auto certificate = f.write("c.pem", own.certificate() + root().certificate());
    const auto key = f.write("k.pem", own.key());
    const auto both = f.write("both.pem", own.key() + own.certificate());
    BOOST_TEST(complaint({.certificates = {own.served()}}) == "");
    BOOST_TEST(complaint({.certificates = {{certificate, key}}}) == "");
    BOOST_TEST(complaint({.certificates = {{both}}}) == "");
    BOOST_TEST(complaint({.certificates = {own.served(), {certificate, key}}}) == "");
    const auto ca = f.write("ca.pem", root().certificate() + own.certificate());
    BOOST_TEST(complaint({.certificates = {{both}}, .verify = tls_verify::required, .ca = ca}) == "");
}

BOOST_AUTO_TEST_CASE(an_option_of_no_use_is_named_with_the_reason) {
    const folder f;
    const auto& own = localhost();
    const auto good = f.write("good.pem", own.certificate());
    const auto cut = f.write("cut.pem", own.certificate().substr(0, 200));
    const auto empty = f.write("empty.pem", "");
    const auto locked = f.write("locked.pem", own.locked_key());
    const auto other = f.write("other.pem", identity{"other"}.key());
    const auto missing = (f.path / "missing.pem").string();
    const identity rsa{"rsa", &root(), {}, 3600, detail::key_ptr{EVP_RSA_gen(2048)}}, stranger{"stranger"};
    const std::string start = "sigfire: TLS ",
                      no_pair = "key given as text: the key does not belong to the certificate";
    const struct {
        tls_options options;
        std::string said;
    } rows[] = {
        {{}, "needs a certificate: tls_options::certificates is empty"},
        {{.certificates = {{missing, own.key()}}},
         "certificate '" + missing + "': No such file or directory"},
        {{.certificates = {{empty, own.key()}}}, "certificate '" + empty + "': it contains no certificate"},
        {{.certificates = {{cut, own.key()}}}, "certificate '" + cut + "': it contains no certificate"},
        {{.certificates = {{own.key(), own.key()}}}, "certificate given as text: it contains no certificate"},
        {{.certificates = {{own.certificate() + "-----BEGIN CERTIFICATE-----\nxx", own.key()}}},
         "certificate given as text: bad end line"},
        {{.certificates = {{good, missing}}}, "key '" + missing + "': No such file or directory"},
        {{.certificates = {{good}}}, "key '" + good + "': it contains no private key without a password"},
        {{.certificates = {{good, other}}},
         "key '" + other + "': the key does not belong to the certificate"},
        {{.certificates = {{rsa.certificate(), own.key()}}}, no_pair},
        {{.certificates = {{own.certificate(), rsa.key()}}}, no_pair},
        {{.certificates = {own.served(), {rsa.certificate(), stranger.key()}}}, no_pair},
        {{.certificates = {{root().certificate() + own.certificate(), own.key()}}},
         "certificate given as text: certificate 2 is not the issuer of certificate 1"},
        {{.certificates = {{own.certificate() + stranger.certificate(), own.key()}}},
         "certificate given as text: certificate 2 is not the issuer of certificate 1"},
        {{.certificates = {{own.certificate() + root().certificate() + own.certificate(), own.key()}}},
         "certificate given as text: certificate 3 is not the issuer of certificate 2"},
        {{.certificates = {{good, locked}}},
         "key '" + locked + "': it contains no private key without a password"},
        {{.certificates = {own.served()}, .verify = tls_verify::optional},
         "needs tls_options::ca to verify client certificates"},
        {{.certificates = {own.served()}, .verify = tls_verify::required, .ca = empty},
         "CA '" + empty + "': it contains no certificate"},
        {{.certificates = {own.served(), {good, missing}}}, "key '" + missing + "': No such file"},
    };
    for (const auto& row : rows) {
        const auto said = complaint(row.options);
        BOOST_TEST(said.starts_with(start), said);
        BOOST_TEST(said.find(row.said) != said.npos, said << " and not " << row.said);
    }
}

BOOST_AUTO_TEST_CASE(it_tells_when_all_certificates_are_valid) {
    const identity soon{"soon", &root(), {}, 100}, gone{"gone", &root(), {}, -100};
    const auto until = [](std::chrono::system_clock::time_point t) {
        return std::chrono::duration<double>(t - std::chrono::system_clock::now()).count();
    };
    const auto left = [&](const tls_options& o) { return until(detail::tls_server{o, true}.validity().end); };
    BOOST_TEST(left({.certificates = {localhost().served()}}) > 3000);
    const auto first = left({.certificates = {localhost().served(), soon.served()}});
    BOOST_TEST((first > 0 && first <= 100));
    BOOST_TEST(left({.certificates = {gone.served(), soon.served()}}) < 0);
    // a client trusts no certificate behind an issuer that has expired
    const identity old{"old issuer", nullptr, {}, 50}, leaf{"leaf", &old};
    const auto chain = left({.certificates = {{leaf.certificate() + old.certificate(), leaf.key()}}});
    BOOST_TEST((chain > 0 && chain <= 50));
    const auto begin = [&](const tls_options& o) {
        return until(detail::tls_server{o, true}.validity().begin);
    };
    const identity early{"early", &root(), {}, 3600, detail::key_ptr{EVP_EC_gen("P-256")}, 200};
    BOOST_TEST(begin({.certificates = {localhost().served()}}) < 0);
    BOOST_TEST(begin({.certificates = {localhost().served(), early.served()}}) > 100);
    BOOST_TEST(begin({.certificates = {early.served(), soon.served()}}) > 100);
}

BOOST_AUTO_TEST_CASE(a_reload_that_fails_changes_nothing) {
    const folder f;
    const auto path = f.write("c.pem", localhost().certificate() + localhost().key());
    detail::tls_server server{{.certificates = {{path}}}, false};
    const auto before = server.context();
    f.write("c.pem", "");
    BOOST_CHECK_THROW(server.reload(), std::runtime_error);
    BOOST_TEST(server.context().get() == before.get());
    f.write("c.pem", localhost().certificate() + localhost().key());
    server.reload();
    BOOST_TEST(server.context().get() != before.get());
}

BOOST_AUTO_TEST_CASE(keys_of_tickets_survive_a_reload_for_a_day) {
    detail::tls_server server{{.certificates = {localhost().served()}}, false};
    const auto keys = [&] {
        const auto context = server.context();
        std::string out(static_cast<std::size_t>(SSL_CTX_get_tlsext_ticket_keys(context.get(), nullptr, 0)),
                        '\0');
        SSL_CTX_get_tlsext_ticket_keys(context.get(), out.data(), static_cast<long>(out.size()));
        return out;
    };
    const auto first = keys();
    const auto start = std::chrono::steady_clock::now();
    server.reload(start + std::chrono::hours{23});
    BOOST_TEST((keys() == first));
    server.reload(start + std::chrono::hours{24});
    const auto second = keys();
    BOOST_TEST((second != first));
    server.reload(start + std::chrono::hours{47});
    BOOST_TEST((keys() == second));
    server.reload(start + std::chrono::hours{49});
    BOOST_TEST((keys() != second));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace
