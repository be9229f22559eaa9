// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: on_admit has the wrong signature: expected errc on_admit(const request&, admission&)
#include <sigfire/hub/hooks.hpp>

using namespace sigfire;

struct hook {
#ifdef RIGHT
    errc on_admit(const request&, admission&) { return {}; }
#else
    bool on_admit(const request&, admission&) { return true; }
#endif
};

template class sigfire::hooks<hook>;
