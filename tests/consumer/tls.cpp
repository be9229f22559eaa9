// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// The least program that needs what sigfire::tls brings.
#include <sigfire/core/error.hpp>
#include <sigfire/version.hpp>

#include <openssl/ssl.h>

#include <cstdio>

int main() {
    SSL_CTX* context = SSL_CTX_new(TLS_method());
    if (!context) return 1;
    SSL_CTX_free(context);
    std::printf("sigfire %s: %s\n", sigfire::version, sigfire::to_string(sigfire::errc::ok).data());
}
