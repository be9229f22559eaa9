// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: renewal needs a Renewer
#include <sigfire/admission/renewal.hpp>

struct hook {
#ifdef RIGHT
    sigfire::errc renew(std::string_view, const sigfire::notes*, sigfire::admission&) { return {}; }
#else
    sigfire::errc on_admit(const sigfire::request&, sigfire::admission&) { return {}; }
#endif
};

template class sigfire::renewal<hook>;
