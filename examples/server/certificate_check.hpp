// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "finding.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace certificate_check {

template <auto Free>
struct deleter {
    void operator()(auto* p) const { Free(p); }
};
using bio = std::unique_ptr<BIO, deleter<BIO_free>>;
using certificate = std::unique_ptr<X509, deleter<X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY_free>>;

// No terminal is asked for a passphrase.
inline int no_passphrase(char*, int, int, void*) {
    return 0;
}

inline std::vector<certificate> read_chain(const std::string& path) {
    std::vector<certificate> out;
    const bio file{BIO_new_file(path.c_str(), "r")};
    while (file) {
        certificate c{PEM_read_bio_X509(file.get(), nullptr, no_passphrase, nullptr)};
        if (!c) break;
        out.push_back(std::move(c));
    }
    ERR_clear_error();
    return out;
}

inline private_key read_key(const std::string& path) {
    const bio file{BIO_new_file(path.c_str(), "r")};
    private_key out{file ? PEM_read_bio_PrivateKey(file.get(), nullptr, no_passphrase, nullptr) : nullptr};
    ERR_clear_error();
    return out;
}

// Days from `now` to that time; negative if it has passed.
inline int days_until(const ASN1_TIME* t, std::time_t now) {
    int days = 0, seconds = 0;
    const std::unique_ptr<ASN1_TIME, deleter<ASN1_TIME_free>> from{ASN1_TIME_set(nullptr, now)};
    ASN1_TIME_diff(&days, &seconds, from.get(), t);
    return days < 0 || seconds < 0 ? std::min(days, -1) : days;
}

} // namespace certificate_check

/** Checks a certificate file in PEM, and the key of its first certificate: that both can be read and belong
 *  together, the order of the chain, and the validity of each certificate.
 *  @param chain path of the certificates, the server's first
 *  @param key path of the key; empty = in the same file
 *  @param now the time to judge by */
inline std::vector<finding> check_certificate(const std::string& chain, const std::string& key,
                                              std::time_t now) {
    using namespace certificate_check;
    std::vector<finding> out;
    const auto tell = [&](grade g, const std::string& text) {
        out.push_back({g, "certificate " + chain, text});
    };
    const auto all = read_chain(chain);
    if (all.empty()) {
        tell(grade::error, "there is no certificate in PEM");
        return out;
    }
    const auto& key_path = key.empty() ? chain : key;
    if (const auto k = read_key(key_path); !k)
        tell(grade::error, key_path + " has no key in PEM without a passphrase");
    else if (X509_check_private_key(all[0].get(), k.get()) != 1)
        tell(grade::error, "the key in " + key_path + " belongs to another certificate");
    ERR_clear_error();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto which = all.size() == 1 ? std::string{"it"} : "certificate " + std::to_string(i + 1);
        const int begins = days_until(X509_get0_notBefore(all[i].get()), now);
        const int ends = days_until(X509_get0_notAfter(all[i].get()), now);
        if (begins > 0 || (begins == 0 && X509_cmp_time(X509_get0_notBefore(all[i].get()), &now) > 0))
            tell(grade::error, which + " is not valid yet");
        else if (ends < 0)
            tell(grade::error, which + " has expired");
        else if (ends <= 14)
            tell(grade::warning,
                 which + " expires in " + std::to_string(ends) + (ends == 1 ? " day" : " days"));
        if (i + 1 < all.size() && X509_check_issued(all[i + 1].get(), all[i].get()) != X509_V_OK)
            tell(grade::error, "certificate " + std::to_string(i + 2) + " has not issued certificate " +
                                   std::to_string(i + 1) + ": the chain is out of order");
    }
    const bool own = X509_check_issued(all[0].get(), all[0].get()) == X509_V_OK;
    if (own)
        tell(grade::warning, "it is self-signed: browsers refuse it");
    else if (all.size() == 1)
        tell(grade::warning, "the file has no intermediate certificate: some clients refuse it");
    if (std::none_of(out.begin(), out.end(), [](const finding& f) { return f.how == grade::error; }))
        tell(grade::ok, "the key fits; valid for " +
                            std::to_string(days_until(X509_get0_notAfter(all[0].get()), now)) + " days");
    return out;
}
