// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/request.hpp>

/// Answers `GET` and `HEAD` for the page and its files; for `/` only if the client accepts HTML. Returns
/// false for all other requests.
bool serve_page(const sigfire::request& request, sigfire::response& response);

/// The handler of plain HTTP that no codec answers. It serves the page if `page` is true.
struct plain_http {
    bool page;

    bool operator()(const sigfire::request& r, sigfire::response& out) const {
        return page && serve_page(r, out);
    }
};
