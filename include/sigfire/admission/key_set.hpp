// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/admission/detail/jwk.hpp>
#include <sigfire/admission/detail/token_key.hpp>
#include <sigfire/core/error.hpp>

#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1 {

/** The keys of a verifier. Copies share the keys, so one `reload` or `replace` is enough for all threads.
 *  Needs OpenSSL 3 (CMake target `sigfire::tls`).
 *
 *  A text with keys is one of these:
 *  - PEM: public keys, `BEGIN PUBLIC KEY` or `BEGIN RSA PUBLIC KEY`
 *  - a JWK or a JWK Set (RFC 7517) in JSON; `use`, `key_ops` and `alg` count
 *  - a secret for HMAC: any other text, without the line break at its end, 32 bytes or more
 *
 *  The key decides the algorithm. An RSA key of 2,048 to 8,192 bits allows RS and PS with 256, 384 and 512.
 *  An EC key allows ES256 (P-256) or ES384 (P-384), an Ed25519 key EdDSA. A secret allows HS256, from 48
 *  bytes on HS384, from 64 on HS512. The member `alg` of a JWK leaves one of them.
 *
 *  Private keys and public keys in an unknown form are errors: they never become a secret. In a JWK Set,
 *  keys that cannot be used are left out. A set has at most 64 keys.
 *
 *  Thread safety: all members are thread-safe. */
class key_set {
public:
    /// An empty set, for a key source to fill.
    key_set() : shared_{std::make_shared<state>()} {}

    /** Reads key files, and remembers their paths for `reload`.
     *  @throws std::runtime_error if a file has no key that can be used; the text has its path and the reason
     */
    explicit key_set(std::vector<std::string> files) : key_set() {
        shared_->files = std::move(files);
        reload();
    }

    /** Reads the files again. Does nothing for a set without files.
     *  @throws std::runtime_error if a file has no key that can be used; the old keys stay in use */
    void reload() const {
        if (shared_->files.empty()) return;
        std::vector<detail::token_key> fresh;
        for (const auto& path : shared_->files)
            for (auto& key : read(path)) fresh.push_back(std::move(key));
        if (fresh.size() > detail::most_keys)
            throw std::runtime_error{"sigfire: the key files contain more than 64 keys: remove old ones"};
        put(std::move(fresh));
    }

    /// Replaces all keys by those of `text`. On failure the result is `malformed`, and the old keys stay.
    errc replace(const std::string& text) const {
        std::string why;
        auto fresh = detail::keys_of_text(text, why);
        if (fresh.empty()) return errc::malformed;
        put(std::move(fresh));
        return errc::ok;
    }

    /// Replaces all keys by those of a JWK Set, which may be empty: for key sources. Without a member `keys`
    /// the result is `malformed`, and the old keys stay.
    errc replace_by_jwks(std::string_view json) const {
        const auto fields = detail::json_fields::read(json);
        if (!fields || !fields->raw("keys").starts_with('[')) return errc::malformed;
        std::string why;
        put(detail::keys_of_json(json, why));
        return errc::ok;
    }

    /// Number of keys.
    std::size_t size() const { return keys()->size(); }

    /// Whether a key has that id.
    bool contains(std::string_view id) const {
        for (const auto& key : *keys())
            if (key.id() == id) return true;
        return false;
    }

    /// For verifiers: the keys at this moment.
    std::shared_ptr<const std::vector<detail::token_key>> keys() const {
        const std::lock_guard lock{shared_->mutex};
        return shared_->keys;
    }

private:
    struct state {
        std::mutex mutex;
        std::shared_ptr<const std::vector<detail::token_key>> keys =
            std::make_shared<const std::vector<detail::token_key>>();
        std::vector<std::string> files;
    };

    static std::vector<detail::token_key> read(const std::string& path) {
        std::string why = "it cannot be read";
        std::vector<detail::token_key> out;
        if (std::ifstream file{path, std::ios::binary}) {
            constexpr std::size_t most = 1u << 20;
            std::string text(most + 1, '\0');
            file.read(text.data(), static_cast<std::streamsize>(text.size()));
            text.resize(static_cast<std::size_t>(file.gcount()));
            why = text.size() > most ? "it has more than 1 MiB" : "";
            if (why.empty() && file.bad()) why = "it cannot be read";
            if (why.empty()) out = detail::keys_of_text(text, why);
            OPENSSL_cleanse(text.data(), text.size());
        }
        if (out.empty()) throw std::runtime_error{"sigfire: the key file '" + path + "': " + why};
        return out;
    }

    void put(std::vector<detail::token_key> fresh) const {
        auto keys = std::make_shared<const std::vector<detail::token_key>>(std::move(fresh));
        const std::lock_guard lock{shared_->mutex};
        shared_->keys.swap(keys);
    }

    std::shared_ptr<state> shared_;
};

} // namespace sigfire::inline v0_1
