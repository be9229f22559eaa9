// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
//
// Any messages as the words of a server to a client, over several connections, while it asks and is told in
// between. The input is a script: each step is a byte for an act, and its arguments.
// - every request ends once, or still waits;
// - requests are sent in order, each of them once on a connection, and no other than those that were kept;
// - all that the client says is JSON, and it never claims more messages than have come.
#include <sigfire/client/detail/client_session.hpp>
#include <sigfire/client/detail/client_sessions.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace sigfire;

namespace {

void require(bool law) {
    if (!law) std::abort();
}

boost::json::value parse(std::string_view text) {
    boost::json::parse_options options;
    options.allow_invalid_utf16 = true;
    error_code ec;
    auto v = boost::json::parse(text, ec, {}, options);
    require(!ec);
    return v;
}

class story {
public:
    explicit story(std::string_view input) : rest_{input} {
        begin();
        while (!rest_.empty()) step();
        session_.calls.expire(time_point::max(), [this](int w) { settle(w); });
        for (const auto& [number, times] : ended_) require(times == 1);
        sessions_.end_all(errc::lost);
        require(sessions_.waiting() == 0);
    }

    // What the session tells.
    void on_greeted(detail::greeting g) {
        require(!greeted_ && !g.id.empty() && g.id.size() <= longest_peer_id);
        greeted_ = true;
        if (!g.recovered) {
            session_.calls.forget_if([this](std::uint64_t n) { return !session_.log.unsent(n); },
                                     [this](int w) { settle(w); });
            const auto n = ++last_;
            if (sent_.size() > 3) session_.log.keep_first(n, request(n));
        }
        flush();
    }
    void on_reply(int waiter, const server_reply& r) {
        require(greeted_);
        settle(waiter);
        if (!r.data.empty()) parse(r.data.bytes);
    }
    void on_said(const server_message& m) {
        require(!m.command.empty());
        incoming in{std::string{m.command}, std::string{m.from}, std::string{m.data.bytes}};
        const auto before = sessions_.waiting();
        if (!sessions_.hear(in) && in.command == "session-start")
            sessions_.begin(in.from, detail::session_stage::ringing, true);
        require(sessions_.waiting() <= before + 1);
    }
    void say(std::string text) {
        const auto v = parse(text);
        const auto& o = v.as_object();
        if (const auto n = o.if_contains("received")) require(n->to_number<std::uint64_t>() <= heard_);
        require(o.contains("id") == (o.at("cmd") == "resume"));
    }
    std::uint64_t fresh() { return ++last_; }

private:
    unsigned byte() {
        if (rest_.empty()) return 0;
        const auto b = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return b;
    }

    void step() {
        const auto b = byte();
        switch (b % 8) {
        case 0: // a connection ends, another begins
            begin();
            break;
        case 1: // a request
        case 2: {
            const auto n = ++last_;
            auto text = request(n);
            if (!session_.log.keep(n, std::move(text), 500)) break;
            session_.calls.wait(n, static_cast<int>(n), now_);
            ended_[static_cast<int>(n)] = 0;
            if (greeted_) flush();
            break;
        }
        case 3: // one is given up
            if (last_ != 0) {
                const auto n = 1 + byte() % last_;
                session_.log.withdraw(n);
                session_.calls.forget(n, [this](int w) { settle(w); });
            }
            break;
        case 4: { // some have waited long enough
            now_ += std::chrono::seconds{byte()};
            if (now_ >= session_.deadline()) say(session_.confirmation());
            break;
        }
        default: { // the server says something: $ stands for the number of the last request
            const auto size = byte();
            std::string text;
            for (const char c : rest_.substr(0, size))
                c == '$' ? void(text += std::to_string(last_)) : void(text += c);
            rest_.remove_prefix(std::min<std::size_t>(size, rest_.size()));
            ++heard_;
            if (session_.received({text, b & 8 ? message_type::binary : message_type::text}, now_, *this) !=
                errc::ok)
                begin();
        }
        }
    }

    void begin() {
        const auto query = session_.resume_query();
        require(query.starts_with("resume"));
        require(query.find_first_of(" \r\n#") == query.npos);
        session_.begin(rest_.size() % 5 != 0, rest_.size() % 3 != 0);
        greeted_ = false;
        sent_.clear();
    }

    std::string request(std::uint64_t n) {
        client_request r;
        r.command = "x";
        r.target = rest_.substr(0, 5);
        std::string text;
        if (session_.compose(n, r, 1000, text) != errc::ok) {
            r.target = {};
            require(session_.compose(n, r, 1000, text) == errc::ok);
        }
        return text;
    }

    void flush() {
        session_.log.flush([this](const std::string& text) {
            if (rest_.size() % 7 == 6) return false;
            parse(text);
            require(std::find(sent_.begin(), sent_.end(), text) == sent_.end());
            sent_.push_back(text);
            return true;
        });
    }

    void settle(int waiter) { ++ended_[waiter]; }

    std::string_view rest_;
    detail::client_session<int> session_;
    detail::client_sessions sessions_;
    std::map<int, int> ended_;
    std::vector<std::string> sent_; // on this connection
    std::uint64_t last_ = 0, heard_ = 0;
    time_point now_{std::chrono::hours{1}};
    bool greeted_ = false;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 4096) return 0;
    story{std::string_view{reinterpret_cast<const char*>(data), size}};
    return 0;
}
