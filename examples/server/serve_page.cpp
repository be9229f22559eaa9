// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#include "serve_page.hpp"
#include "page.hpp"

#include <string_view>

bool serve_page(const sigfire::request& request, sigfire::response& response) {
    if (request.method != "GET" && request.method != "HEAD") return false;
    std::string_view name = request.path();
    if (!name.starts_with('/')) return false;
    name.remove_prefix(1);
    if (name.empty()) {
        if (request["Accept"].find("text/html") == std::string_view::npos) return false;
        name = "index.html";
    }
    for (const auto& file : page_files) {
        if (file.name != name) continue;
        response.content_type = name.ends_with(".js")    ? "text/javascript; charset=utf-8"
                                : name.ends_with(".css") ? "text/css; charset=utf-8"
                                                         : "text/html; charset=utf-8";
        response.body = file.content;
        response.headers = {{"Content-Security-Policy", "default-src 'self'; connect-src 'self' ws: wss:; "
                                                        "img-src 'self' data:; frame-ancestors 'none'"},
                            {"X-Content-Type-Options", "nosniff"},
                            {"Referrer-Policy", "no-referrer"},
                            {"Cache-Control", "no-cache"}};
        return true;
    }
    return false;
}
