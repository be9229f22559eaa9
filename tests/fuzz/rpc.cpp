// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any bytes as the input from the other side of an rpc: each line is heard once or ends the connection,
// nothing throws, and each reply is one line of JSON.
#include <sigfire/framing/line.hpp>
#include <sigfire/rpc/detail/rpc_session.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>

using namespace sigfire;

namespace {

void require(bool law) {
    if (!law) std::abort();
}

struct side {
    detail::rpc_session<int> session;
    int told = 0, replies = 0;

    bool on_message(message m) {
        const auto before = told;
        const auto e = session.received(m, *this);
        require(e == errc::ok ? told <= before + 1 : told == before);
        return e == errc::ok;
    }

    void on_event(boost::json::value v) {
        ++told;
        (void)session.event_name(v);
        (void)session.event_arguments(v);
    }
    void on_command(boost::json::value id, std::string name, boost::json::array args) {
        ++told;
        reply(detail::rpc_succeeded(id, std::move(args)));
        reply(detail::rpc_failed(std::move(id), name));
    }
    void on_reply(int waiter, detail::rpc_reply r) {
        ++told, ++replies;
        require(waiter >= 1 && waiter <= 3);
        require(r.status == errc::ok || !r.result);
    }
    void on_other(boost::json::value) { ++told; }

    static void reply(const boost::json::value& v) {
        const auto text = boost::json::serialize(v);
        require(text.find('\n') == text.npos);
        boost::json::parse_options options;
        options.max_depth = detail::json_max_depth + 2; // the request, inside the reply
        error_code ec;
        (void)boost::json::parse(text, ec, {}, options);
        require(!ec);
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(data), size);
    side s;
    for (int i = 1; i <= 3; ++i) s.session.calls.wait(static_cast<std::uint64_t>(i), i, time_point::max());
    framing::line lines;
    lines.feed(bytes, {.message = 4096}, s);
    require(s.replies + static_cast<int>(s.session.calls.size()) == 3);
    return 0;
}
