// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: this Log has the wrong signature: expected void operator()(log_level
#include <sigfire/net/loopback.hpp>
#include <sigfire/server.hpp>

#include <span>
#include <string>
#include <string_view>

struct log_of_mine {
#ifdef RIGHT
    void operator()(sigfire::log_level, std::string_view, std::span<const sigfire::log_field>) {}
#else
    void operator()(sigfire::log_level, std::string_view, const std::string&) {}
#endif
};

template class sigfire::server<sigfire::loopback, log_of_mine>;
