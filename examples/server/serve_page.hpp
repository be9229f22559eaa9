// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>

/// Answers `GET` and `HEAD` of the page and its parts: of `/` only if HTML is wanted. False if `request` asks
/// for something else.
bool serve_page(const sigfire::request& request, sigfire::response& response);

/// Plain HTTP that no codec answers: the page, where there are clients for it.
struct plain_http {
    bool page;

    bool operator()(const sigfire::request& r, sigfire::response& out) const {
        return page && serve_page(r, out);
    }
};
