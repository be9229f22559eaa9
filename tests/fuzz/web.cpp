// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes as what services and operators write: URLs, proxies, header fields, answers. The first byte
// chooses.
// - A URL that is read is the same when it is written and read again, and cannot break a request.
// - What is read of an answer is in its bounds, and a configuration for a peer is a JSON object.
// - A question about any request is JSON, and has no secret of the query.
#include <sigfire/admission/detail/ice_servers.hpp>
#include <sigfire/admission/detail/webhook_text.hpp>
#include <sigfire/admission/jwks.hpp>
#include <sigfire/net/http/http_proxies.hpp>
#include <sigfire/net/http/http_rules.hpp>
#include <sigfire/net/http/http_url.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

using namespace sigfire;

namespace {

void require(bool law) {
    if (!law) std::abort();
}

bool is_clean(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_object(std::string_view text) {
    boost::system::error_code ec;
    boost::json::parse_options deep;
    deep.max_depth = 600;
    const auto v = boost::json::parse(text, ec, {}, deep);
    return !ec && v.is_object();
}

void url(std::string_view text) {
    const auto read = detail::parse_http_url(text);
    if (!read) return;
    require(!read->host.empty() && read->port != 0 && read->target.starts_with('/'));
    require(is_clean(read->host) && is_clean(read->target) && read->host.find('@') == read->host.npos);
    const auto again = detail::parse_http_url(read->origin() + read->target);
    require(again && again->host == read->host && again->port == read->port &&
            again->target == read->target && again->secure == read->secure);
}

void proxies(std::string_view text) {
    if (const auto p = detail::parse_http_proxy(text)) {
        require(!p->host.empty() && is_clean(p->host) && p->port != 0);
        require(detail::is_field_value(p->credentials));
    }
    const auto line = text.find('\n');
    const detail::http_proxy_rules rules{{"http://p", "http://p", std::string{text.substr(0, line)}}};
    if (line == text.npos) return;
    if (const auto to = detail::parse_http_url(text.substr(line + 1))) static_cast<void>(rules.of(*to));
}

void fields(std::string_view text) {
    const std::chrono::system_clock::time_point now{std::chrono::seconds{1'700'000'000}};
    if (const auto t = detail::parse_retry_after(text, now)) require(t->count() >= 0);
    if (const auto t = detail::cache_life(text, text)) require(t->count() >= 0);
    const std::chrono::milliseconds longest{30'000};
    const auto t = detail::idle_time(text, longest);
    require(t.count() >= 0 && t <= longest);
}

void answer(std::string_view text) {
    if (const auto made = detail::read_ice_answer(text, std::chrono::seconds{60}, "relay")) {
        require(is_object(made->configuration));
        require(made->life.count() > 0);
    }
    const auto read = detail::webhook_answer_reader::read(text);
    if (!read) return;
    const auto& a = read->admitted;
    require(a.id.size() <= 256 && detail::is_utf8(a.id) && a.metadata.size() <= 4096);
    require(a.rtc_configuration.empty() || is_object(a.rtc_configuration));
    require(a.valid_for.count() >= 0 && read->refused.retry_after.count() >= 0);
    const auto& r = read->refused;
    require(r.text.size() <= 123 && detail::is_utf8(r.text) && r.close_code >= 4000 && r.close_code <= 4999);
    require(r.http_status == 0 || (r.http_status >= 400 && r.http_status <= 599));
}

void question(std::string_view text) {
    const header all[] = {{"Cookie", text}, {"Authorization", text}};
    const request r{"GET", text, all, text, text};
    admission a;
    a.id = text;
    require(is_object(detail::webhook_question(r, a, {"Cookie"}, true)));
    const auto kept = "/?" + detail::query_without(text, detail::secret_parameters);
    const request rest{"GET", kept, {}, {}};
    for (const auto name : detail::secret_parameters) require(!rest.has_query(name));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    switch (data[0] % 5) {
    case 0: url(text); break;
    case 1: proxies(text); break;
    case 2: fields(text); break;
    case 3: answer(text); break;
    default: question(text);
    }
    return 0;
}
