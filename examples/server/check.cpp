// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.

#include "check.hpp"
#include "certificate_check.hpp"
#include "finding.hpp"
#include "redact.hpp"
#include "serve.hpp"

#include <sigfire/admission/key_set.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/resource.h>

namespace {

namespace json = boost::json;

const char* word(grade g) {
    return g == grade::ok ? "ok" : g == grade::warning ? "warning" : "error";
}

bool is_loopback(const endpoint& e) {
    return e.kind == wire::unix_socket || e.host.starts_with("127.") || e.host == "::1" ||
           e.host == "localhost";
}

// Options that name a file with a secret, by their names.
bool names_secret_file(const effective_setting& e) {
    const auto has = [&](std::string_view word) { return e.name.find(word) != e.name.npos; };
    std::error_code ec;
    return !e.is_default && (has("key") || has("secret") || has("token") || has("password")) &&
           std::filesystem::is_regular_file(e.value, ec);
}

void append(std::vector<finding>& to, std::vector<finding> more) {
    to.insert(to.end(), more.begin(), more.end());
}

finding check_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const bool any = limit.rlim_max == RLIM_INFINITY;
    const auto most = any ? std::string{"any number of"} : "at most " + std::to_string(limit.rlim_max);
    return {!any && limit.rlim_max < 4096 ? grade::warning : grade::ok, "open files",
            most + " open files; each connection needs one"};
}

std::vector<finding> findings_of(const loaded_settings& loaded) {
    const auto& s = loaded.values;
    std::vector<finding> all;
    all.push_back(
        {grade::ok, "settings",
         loaded.config.empty() ? "from options, environment and defaults" : "from " + loaded.config});
    for (const auto& pair : s.tls.certificates)
        append(all, check_certificate(pair.certificate, pair.key, std::time(nullptr)));
    if (!s.tls.ca.empty()) {
        const auto n = certificate_check::read_chain(s.tls.ca).size();
        all.push_back({n == 0 ? grade::error : grade::ok, "CA file " + s.tls.ca,
                       n == 0 ? "there is no certificate in PEM" : std::to_string(n) + " certificates"});
    }
    std::vector<std::string> seen;
    const auto secret = [&](const std::string& path) {
        if (std::find(seen.begin(), seen.end(), path) != seen.end()) return;
        seen.push_back(path);
        append(all, check_secret_file(path));
    };
    for (const auto& pair : s.tls.certificates) secret(pair.key.empty() ? pair.certificate : pair.key);
    for (const auto& path : s.jwt_keys) {
        secret(path);
        try {
            const sigfire::key_set usable{std::vector<std::string>{path}};
            all.push_back({grade::ok, "keys of tokens " + path, "serve can use them"});
        } catch (const std::exception& e) {
            std::string_view why = e.what();
            if (why.starts_with("sigfire: ")) why.remove_prefix(9);
            all.push_back({grade::error, "keys of tokens " + path, std::string{why}});
        }
    }
    for (const auto& e : loaded.effective)
        if (names_secret_file(e)) secret(e.value);
    for (auto& l : try_listeners(s)) {
        const bool good = l.error.empty();
        all.push_back(
            {good ? grade::ok : grade::error, "listener " + l.address,
             good ? "serve can listen there" + std::string{l.page ? ", with the page" : ""} : l.error});
    }
    const bool open = std::any_of(s.endpoints.begin(), s.endpoints.end(), [](const endpoint& e) {
        return e.kind == wire::websocket && !is_loopback(e);
    });
    if (open && s.origins.empty())
        all.push_back({grade::warning, "origins", "pages of all sites may connect: set --origins"});
    all.push_back(check_descriptors());
    return all;
}

} // namespace

int check(const loaded_settings& loaded) {
    const auto all = findings_of(loaded);
    const bool good =
        std::none_of(all.begin(), all.end(), [](const finding& f) { return f.how == grade::error; });
    if (loaded.json) {
        json::array list;
        for (const auto& f : all)
            list.push_back(json::object{{"grade", word(f.how)}, {"subject", f.subject}, {"text", f.text}});
        std::cout << json::serialize(json::object{{"ok", good}, {"findings", std::move(list)}}) << '\n';
    } else {
        for (const auto& f : all) std::cout << word(f.how) << ": " << f.subject << ": " << f.text << '\n';
    }
    std::cout.flush();
    return good ? 0 : 1;
}

int explain(const loaded_settings& loaded) {
    if (loaded.json) {
        json::array list;
        for (const auto& e : loaded.effective)
            list.push_back(
                json::object{{"name", e.name}, {"value", redacted(e.name, e.value)}, {"origin", e.origin}});
        std::cout << json::serialize(json::object{{"settings", std::move(list)}}) << '\n';
        return 0;
    }
    std::size_t names = 0, values = 0;
    for (const auto& e : loaded.effective) {
        names = std::max(names, e.name.size());
        values = std::max(values, std::min<std::size_t>(30, redacted(e.name, e.value).size()));
    }
    const auto cell = [](std::string text, std::size_t width) {
        text.resize(std::max(width, text.size()), ' ');
        return text + "  ";
    };
    for (const auto& e : loaded.effective)
        std::cout << cell(e.name, names) << cell(redacted(e.name, e.value), values) << e.origin << '\n';
    return 0;
}
