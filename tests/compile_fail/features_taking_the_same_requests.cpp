// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: two features of a hub take the same requests
#include <sigfire/feature/topics.hpp>
#include <sigfire/hub/feature.hpp>

struct own : sigfire::feature {
#ifdef RIGHT
    static constexpr bool takes(sigfire::verb v) noexcept { return v == sigfire::verb::watch; }
#else
    static constexpr bool takes(sigfire::verb v) noexcept { return v == sigfire::verb::lookup; }
#endif
};

template class sigfire::features<sigfire::topics, own>;
