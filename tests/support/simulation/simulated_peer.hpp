// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include "support/simulation/ledger.hpp"
#include "support/simulation/network.hpp"
#include "support/simulation/wire_text.hpp"
#include <sigfire/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sigfire::inline v0_1::test {

/// How a simulated peer connects.
enum class arrival : unsigned char {
    legacy,     ///< as a client of Signal-Fire 2021
    plain,      ///< with the extras
    resumable,  ///< asking by the URL to be able to continue
    ask_later,  ///< asking for that by a request
    by_url,     ///< continuing what it was, by the URL
    by_request, ///< continuing by a request
};

/** A client of sigfire's JSON wire, resume included: it counts, acknowledges, comes back, and says again
 *  the messages that did not arrive. The ledger gets all messages to it first. Stays where it is. */
class simulated_peer {
public:
    simulated_peer(std::string name, network& net, ledger& book)
        : name_(std::move(name)), net_(net), book_(book) {}
    simulated_peer(const simulated_peer&) = delete;
    simulated_peer& operator=(const simulated_peer&) = delete;

    std::string wish;                                  ///< the id it asks for; empty = any
    std::function<void(std::string_view)> on_question; ///< a `request` of another peer
    std::function<void()> on_end;                      ///< the connection is gone

    const std::string& name() const noexcept { return name_; }
    /// Its id, the last one; empty before it had any.
    const std::string& id() const noexcept { return id_; }
    /// Its connection, the last one.
    link& wire() const noexcept { return *wire_; }
    bool has_wire() const noexcept { return wire_ != nullptr; }
    bool open() const noexcept { return wire_ != nullptr && wire_->open(); }
    /// Whether it may say what it likes.
    bool online() const noexcept { return open() && welcome_ && !asking_; }
    /// The token of its last welcome; empty if it cannot continue.
    const std::string& token() const noexcept { return token_; }
    /// The token that it came with last.
    const std::string& last_token() const noexcept { return shown_; }
    bool legacy() const noexcept { return how_ == arrival::legacy; }

    void connect(arrival how) { connect(how, token_); }

    /// Connects and shows a token that need not be its own.
    void connect(arrival how, std::string token) {
        if (open()) wire_->vanish(); // it does not listen there any more
        how_ = how;
        shown_ = std::move(token);
        welcome_ = asking_ = begins_ = false;
        const bool back = how == arrival::by_url || how == arrival::by_request;
        if (!back) give_up();
        session_book::wish w{.id = how == arrival::by_request ? "" : wish, .extras = how != arrival::legacy};
        std::string target = w.id.empty() ? "/?" : "/?id=" + w.id;
        if (how == arrival::resumable || how == arrival::by_url) {
            w.resumable = true;
            target += "&resume";
        }
        if (how == arrival::by_url) {
            w.token = shown_;
            w.received = received_;
            target += "=" + shown_ + "&received=" + std::to_string(received_);
        }
        auto& l = net_.connect(std::move(target), how == arrival::legacy  ? "Signal-Fire@3"
                                                  : how == arrival::plain ? ""
                                                                          : "sigfire.v1.json");
        l.name = name_;
        wire_ = &l;
        book_.opens(l, std::move(w));
        note("connects", back ? ", and wants to continue" : "");
        l.on_message = [this, &l](std::string& text) {
            book_.heard(l, text);
            hear(text);
        };
        l.on_end = [this, &l](const ending&, errc why) {
            book_.note([&] { return book_.name(l) + " ends: " + std::string{cause_name(why)}; });
            if (&l == wire_ && on_end) on_end();
        };
    }

    /// Makes a request; it is said again after a resume, until it is answered.
    std::uint32_t ask(simulated_request r) {
        const auto n = book_.next_number();
        std::string text = R"({"cmd":")" + r.command + "\"";
        if (!r.topic.empty()) text += R"(,"topic":")" + r.topic + "\"";
        if (r.what == simulated_request::relay || r.what == simulated_request::question)
            text += R"(,"target":")" + r.target + "\"";
        if (r.what == simulated_request::respond) text += R"(,"request":)" + std::to_string(r.hub_number);
        if (r.echo) text += R"(,"echo":true)";
        if (r.droppable) text += R"(,"volatile":true)";
        if (r.fails) text += R"(,"ok":false)";
        text += R"(,"data":)" + r.data;
        if (r.answerable) text += R"(,"id":)" + std::to_string(n);
        text += "}";
        const bool counted = r.answerable;
        book_.request(std::move(r));
        if (counted) waiting_.insert(n);
        say(std::move(text), counted);
        return n;
    }

    /// Tells the hub how much it has.
    void acknowledge() { say(R"({"cmd":"ack","received":)" + std::to_string(received_) + "}", false); }

    /// Shows its own token where it is: there is nothing to continue.
    void resume_in_vain() {
        say(R"({"cmd":"resume","id":"r2","token":")" + token_ + R"(","received":)" +
                std::to_string(received_) + "}",
            false);
    }

    /// What it waits for.
    const std::set<std::uint32_t>& waiting() const noexcept { return waiting_; }

    /// Forgets its token, if it has one.
    void give_up() {
        for (const auto n : waiting_) book_[n].given_up = true;
        waiting_.clear();
        said_.clear();
        token_.clear();
        received_ = 0;
    }

private:
    void note(const char* what, const char* more = "") {
        book_.note([&] { return book_.name(*wire_) + " " + what + more; });
    }

    void say(std::string text, bool counted) {
        if (!text.empty()) book_.note([&] { return book_.name(*wire_) + " says " + book_.shown(text); });
        wire_->send(text);
        if (counted && (!token_.empty() || begins_)) said_.push_back(std::move(text));
    }

    void hear(std::string_view text) {
        const wire_text m{text};
        if (m.cmd == "welcome") {
            welcome_ = true;
            welcomed(m);
        } else if (!m.ok.empty() && m.id.starts_with('r')) {
            resumed(m);
        } else {
            if (!asking_) ++received_;
            if (!m.ok.empty()) waiting_.erase(json_number(m.id));
            if (!token_.empty() && !asking_ && received_ % 7 == 0) acknowledge();
            if (m.cmd == "request" && on_question) on_question(text);
        }
    }

    void welcomed(const wire_text& m) {
        const auto said = json_member(m.data, "resume");
        if (how_ == arrival::by_request) {
            fresh_ = m.inner("id");
            asking_ = true;
            ask_to_resume(R"(,"token":")" + shown_ + R"(","received":)" + std::to_string(received_));
            return;
        }
        id_ = m.inner("id");
        if (!said.empty()) return take(said);
        give_up();
        if (how_ == arrival::ask_later) {
            begins_ = true;
            ask_to_resume("");
        }
    }

    void ask_to_resume(const std::string& more) { say(R"({"cmd":"resume","id":"r1")" + more + "}", false); }

    void resumed(const wire_text& m) {
        if (m.id == "r2") return;            // in vain
        if (std::exchange(begins_, false)) { // messages from meanwhile count
            if (m.ok == "true") token_ = m.inner("token");
            received_ = 0;
            return;
        }
        asking_ = false;
        if (m.ok == "true") {
            id_ = m.inner("id");
            return take(m.data);
        }
        // The connection stays, under its fresh id.
        give_up();
        id_ = fresh_;
    }

    // What the hub says about continuing.
    void take(std::string_view said) {
        const std::string token{json_unquoted(json_member(said, "token"))};
        if (json_member(said, "recovered") != "true") {
            give_up();
            token_ = token;
            return;
        }
        token_ = token;
        const auto arrived = json_number(json_member(said, "received"));
        acknowledge();
        book_.law(arrived <= said_.size(),
                  [&] { return book_.name(*wire_) + " hears of more requests than it made"; });
        for (std::size_t i = arrived; i < said_.size(); ++i) {
            book_.note([&] { return book_.name(*wire_) + " says again " + book_.shown(said_[i]); });
            wire_->send(said_[i]);
        }
    }

    const std::string name_;
    network& net_;
    ledger& book_;
    link* wire_ = nullptr;
    arrival how_ = arrival::plain;
    std::string id_, token_, shown_;
    std::string fresh_;                     // the id of the connection, should it not become that of the peer
    bool welcome_ = false, asking_ = false; // asking: a request to continue is under way
    bool begins_ = false;                   // a request to be resumable is under way
    std::uint64_t received_ = 0;
    std::vector<std::string> said_; // requests since counting began
    std::set<std::uint32_t> waiting_;
};

} // namespace sigfire::inline v0_1::test
