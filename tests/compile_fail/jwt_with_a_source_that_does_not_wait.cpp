// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: jwt needs a KeySource
#include <sigfire/admission/jwt.hpp>

#include <boost/asio/awaitable.hpp>

struct verifier {
    sigfire::result<sigfire::verified_token> verify(std::string_view, sigfire::utc_time) {
        return sigfire::token_fault::malformed;
    }
};

struct source {
#ifdef RIGHT
    boost::asio::awaitable<sigfire::errc> fetch(const std::string&) { co_return sigfire::errc::ok; }
#else
    sigfire::errc fetch(const std::string&) { return sigfire::errc::ok; }
#endif
};

template class sigfire::jwt<verifier, source>;
