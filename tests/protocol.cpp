// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// Plays what docs/reference/protocol.md says: its examples, and every cell of its tables.
#include "support/hub_bench.hpp"
#include "support/two_formats.hpp"

#include <sigfire/admission/renewal.hpp>
#include <sigfire/admission/token_verifier.hpp>
#include <sigfire/feature/mailbox.hpp>
#include <sigfire/feature/presence.hpp>
#include <sigfire/feature/records.hpp>
#include <sigfire/feature/requests.hpp>
#include <sigfire/feature/resume.hpp>
#include <sigfire/feature/rtc_refresh.hpp>
#include <sigfire/feature/sessions.hpp>
#include <sigfire/feature/topics.hpp>
#include <sigfire/framing/length.hpp>
#include <sigfire/net/stream_limits.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace js = boost::json;
using namespace hub_world;

// --- the page ---

struct line {
    int number;
    std::string text;
};

struct table {
    int number;        // of its first line
    std::string title; // the heading above it
    std::vector<std::vector<std::string>> rows;
};

struct example {
    std::string chapter; // the heading `##` above it
    std::vector<line> lines;
};

struct page_text {
    std::vector<example> examples;
    std::vector<table> tables;
    std::vector<std::pair<std::string, std::string>> headings; // chapter, heading
    std::string all;
};

std::vector<std::string> cells(std::string row) {
    std::vector<std::string> out;
    for (auto at = row.find('|'); at + 1 < row.size();) {
        const auto end = row.find('|', at + 1);
        out.emplace_back(sigfire::detail::trim(std::string_view{row}.substr(at + 1, end - at - 1)));
        at = end;
    }
    return out;
}

page_text read_page() {
    page_text p;
    std::ifstream file{SIGFIRE_TEST_DIR "/../docs/reference/protocol.md"};
    BOOST_TEST_REQUIRE(file.is_open());
    std::string chapter, heading, before;
    bool fenced = false;
    int number = 0;
    for (std::string s; std::getline(file, s); before = s) {
        ++number;
        p.all += s + "\n";
        if (s.starts_with("```")) {
            fenced = !fenced;
            if (fenced) p.examples.push_back({chapter, {}});
        } else if (fenced) {
            p.examples.back().lines.push_back({number, s});
        } else if (s.starts_with("#")) {
            heading = s.substr(s.find(' ') + 1);
            if (s.starts_with("## ")) chapter = heading;
            p.headings.emplace_back(chapter, heading);
        } else if (s.starts_with("|")) {
            if (!before.starts_with("|")) p.tables.push_back({number, heading, {}});
            if (!s.starts_with("| ---")) p.tables.back().rows.push_back(cells(s));
        }
    }
    return p;
}

const page_text& page() {
    static const auto p = read_page();
    return p;
}

const table& table_of(std::string_view title) {
    for (const auto& t : page().tables)
        if (t.title == title) return t;
    BOOST_FAIL("no table under " << title);
    return page().tables.front();
}

// The text between backticks.
std::vector<std::string> code_in(std::string_view text) {
    std::vector<std::string> out;
    for (auto at = text.find('`'); at != text.npos; at = text.find('`', at + 1)) {
        const auto end = text.find('`', at + 1);
        out.emplace_back(text.substr(at + 1, end - at - 1));
        at = end;
    }
    return out;
}

errc cause_named(std::string_view name) {
    for (const auto& row : sigfire::detail::errc_table)
        if (row.name == name) return row.code;
    BOOST_FAIL("no cause is called " << name);
    return errc::ok;
}

// --- the server ---

void configure(counting_json& codec, const std::string& rtc_configuration) {
    static_cast<codec::json&>(codec) = codec::json{{.rtc_configuration = rtc_configuration}};
}

void configure(two_formats& codec, const std::string& rtc_configuration) {
    codec = two_formats{rtc_configuration};
}

enum class routing { direct, hosts };

struct settings {
    routing router = routing::direct;
    bool mailbox = false, create = false, strict = false, gate = false, turn = false;
};

struct any_router {
    routing how;

    template <class Registry, class To>
    errc route(const Registry& registry, peer_handle from, const event::send& e, To to) const {
        if (how == routing::hosts) return host_router{}.route(registry, from, e, to);
        return direct_router{}.route(registry, from, e, to);
    }
};

// A mailbox that is there or not.
class maybe_mailbox : public mailbox<any_router> {
public:
    maybe_mailbox(bool there, routing how) : mailbox{any_router{how}, 5s}, there_{there} {}

    template <class X, class E>
    errc on_undeliverable(X& hub, peer_handle from, const E& e, errc cause) {
        return there_ ? mailbox::on_undeliverable(hub, from, e, cause) : cause;
    }

private:
    bool there_;
};

// Reads the tokens of the page, which say what they are.
struct page_renewer {
    errc renew(std::string_view token, const notes*, admission& terms) {
        if (token.starts_with("A's fresh token")) {
            terms.valid_for = 10s;
            return errc::ok;
        }
        terms.refused_as = refusal{401, 4401, std::string{to_string(token_fault::identity)}};
        return errc::denied;
    }
};

using parts =
    features<topics, presence, requests, sessions, records<>, resume, renewal<page_renewer>, rtc_refresh>;

// Lends A credentials for 10 s.
struct lender {
    bool there;

    errc on_admit(const sigfire::request&, admission& a) {
        if (!there || a.id != "A") return errc::ok;
        a.rtc_configuration = made(10);
        a.attached.put(rtc_renewal{10s, [](std::string_view, const std::function<void(rtc_lease)>& done) {
                                       done({made(18), 10s});
                                   }});
        return errc::ok;
    }

private:
    static std::string made(int end) {
        return R"({"iceServers":[{"urls":["turn:turn.example.org"],"username":")" + std::to_string(end) +
               R"(:A","credential":"..."}]})";
    }
};

template <class K>
struct basic_server : hub_bench<parts, hooks<lender>, maybe_mailbox, K> {
    using base = hub_bench<parts, hooks<lender>, maybe_mailbox, K>;

    explicit basic_server(const settings& s = {})
        : base{parts{topics{}, presence{}, requests{}, sessions{{.strict = s.strict, .gate = s.gate}},
                     records<>{memory_records{},
                               {.peers_may_create = s.create, .clock = [] { return 1'767'225'600'000; }}},
                     resume{}, renewal{page_renewer{}}, rtc_refresh{}},
               hooks{lender{s.turn}}, maybe_mailbox{s.mailbox, s.router}} {
        configure(this->codec, R"({"iceServers":[{"urls":"stun:stun.example.org"}]})");
    }

    // One of those that are there already.
    void connect_all() {
        for (const auto name : {"A", "B", "C"})
            if (!this->is_open(name)) this->connect(name);
    }

    // A record that outlives its peer.
    void know(const std::string& id) {
        record r;
        r.permanent = true;
        this->template get<records<>>().store().put(id, r, [](errc e) { BOOST_TEST((e == errc::ok)); });
    }

    std::string token_of(const std::string& name) {
        const auto said = this->ask(name, R"({"cmd":"resume"})");
        BOOST_TEST_REQUIRE(said.starts_with("ok {"));
        return std::string(js::parse(said.substr(3)).at("token").as_string());
    }
};

using server = basic_server<counting_json>;

// --- the examples ---

// Each text that the server draws has a name of its own on the page: letter and number.
bool is_drawn(std::string_view s) {
    if (const auto group = s.rfind("#g"); group != s.npos) s.remove_prefix(group + 1);
    return s.size() > 1 && std::string_view{"mtpg"}.find(s[0]) != std::string_view::npos &&
           s.find_first_not_of("0123456789", 1) == s.npos;
}

template <class K>
class player {
public:
    /// `packed_first`: whether the first peer is on MessagePack, or the second, where every other one is.
    void play(const example& x, bool packed_first = true) {
        for (const auto& l : x.lines)
            if (l.text.starts_with("server ")) prepare(l.text.substr(7));
        s_ = std::make_unique<basic_server<K>>(settings_);
        if constexpr (requires { s_->codec.next_is_packed(true); }) s_->codec.next_is_packed(packed_first);
        for (const auto& l : x.lines) {
            const auto name = l.text.substr(0, l.text.find_first_of(" ><"));
            if (l.text.starts_with(name + " connects")) late_.insert(name);
        }
        for (const auto name : {"A", "B", "C"})
            if (!late_.contains(name)) s_->connect(name);
        for (const auto& l : x.lines) BOOST_TEST_CONTEXT("line " << l.number << ": " << l.text) step(l.text);
        BOOST_TEST_CONTEXT("the example that begins at line " << x.lines.front().number) {
            same(s_->heard_by_all(), {});
            for (const auto& [name, rest] : heard_) same(rest, {});
            BOOST_TEST(greeting_.empty(), "a welcome is left out");
            for (const auto& name : named_) BOOST_TEST(told(s_->ended(name)), name << " was closed");
        }
    }

private:
    // What a peer did itself, or the page says.
    static bool told(errc end) { return end == errc::ok || end == errc::closed || end == errc::lost; }

    void prepare(std::string_view what) {
        if (what == "has a mailbox for 5 s")
            settings_.mailbox = true;
        else if (what == "has TURN credentials for 10 s")
            settings_.turn = true;
        else if (what == "lets peers create records")
            settings_.create = true;
        else if (what == "routes to hosts")
            settings_.router = routing::hosts;
        else
            BOOST_ERROR("a server that " << what);
    }

    void step(const std::string& text) {
        const auto end = text.find_first_of(" ><");
        BOOST_TEST_REQUIRE(end != text.npos);
        const auto name = text.substr(0, end), rest = text.substr(end);
        if (name == "server") return;
        if (name == "after") {
            const auto n = std::stoi(rest);
            return s_->advance(rest.ends_with(" ms") ? std::chrono::milliseconds{n}
                                                     : std::chrono::seconds{n});
        }
        named_.insert(name);
        if (rest.starts_with("> ")) return s_->say(name, filled(rest.substr(2)));
        if (rest.starts_with("< ")) return hear(name, rest.substr(2));
        if (rest.starts_with(" connects to ")) return come(name, rest.substr(13));
        if (rest == " breaks off") return s_->lose(name);
        if (rest == " closes") return s_->close(name);
        BOOST_TEST_REQUIRE(rest.starts_with(" is closed with "), "what does this mean?");
        const auto how = s_->codec.end(s_->ended(name), {true});
        BOOST_TEST(rest.substr(16) == std::to_string(how.close_code) + " " + std::string{how.text});
        named_.erase(name);
    }

    void come(const std::string& name, std::string target) {
        const auto bare = target.find(" without a sub-protocol");
        entrance e;
        if (name.size() == 1) e.id = name;
        e.extras = bare == target.npos;
        e.target = filled(target.substr(0, bare));
        const auto welcome = s_->connect(name, e);
        BOOST_TEST_REQUIRE(!welcome.empty());
        greeting_[name] = welcome;
    }

    void hear(const std::string& name, const std::string& expected) {
        auto& heard = heard_[name];
        if (const auto g = greeting_.extract(name)) heard.push_back(g.mapped());
        for (auto& s : s_->heard(name)) heard.push_back(std::move(s));
        BOOST_TEST_REQUIRE(!heard.empty(), name << " hears nothing");
        const auto got = heard.front();
        heard.erase(heard.begin());
        auto said = js::parse(expected);
        auto& o = said.as_object();
        if (o.contains("cmd")) {
            BOOST_TEST((o.contains("id") && is_drawn(std::string_view{o["id"].as_string()})));
            // Copies for several share one.
            const auto [at, fresh] = ids_.emplace(std::string{o["id"].as_string()}, expected);
            BOOST_TEST((fresh || at->second == expected), "an id for two messages");
            o.erase("id");
        }
        BOOST_TEST(matches(said, js::parse(got)), "hears " << got);
    }

    bool matches(const js::value& said, const js::value& got) {
        if (said.is_object() && got.is_object()) {
            const auto &a = said.get_object(), &b = got.get_object();
            if (a.size() != b.size()) return false;
            for (const auto& [key, value] : a)
                if (const auto* other = b.if_contains(key); other == nullptr || !matches(value, *other))
                    return false;
            return true;
        }
        if (said.is_array() && got.is_array()) {
            const auto &a = said.get_array(), &b = got.get_array();
            if (a.size() != b.size()) return false;
            for (std::size_t i = 0; i < a.size(); ++i)
                if (!matches(a[i], b[i])) return false;
            return true;
        }
        if (said.is_string() && got.is_string() && is_drawn(std::string_view{said.get_string()})) {
            const std::string as{said.get_string()}, is{got.get_string()};
            const auto [at, fresh] = drawn_.emplace(as, is);
            if (!fresh) return at->second == is;
            for (const auto& [name, value] : drawn_)
                if (name != as && value == is) return false;
            const auto group = as.rfind("#g") + 1;
            return is.size() == group + 21 && is.substr(0, group) == as.substr(0, group);
        }
        return said == got;
    }

    // With what the server drew.
    std::string filled(std::string text) const {
        for (const auto& [name, value] : drawn_)
            for (const auto& [before, behind] : {std::pair{"\"", "\""}, std::pair{"=", "&"}})
                for (auto at = text.find(before + name + behind); at != text.npos;
                     at = text.find(before + name + behind))
                    text.replace(at + 1, name.size(), value);
        return text;
    }

    settings settings_;
    std::unique_ptr<basic_server<K>> s_;
    std::set<std::string> late_; // the peers that are not there from the first
    std::set<std::string> named_;
    std::map<std::string, std::string> greeting_;
    std::map<std::string, script> heard_;
    std::map<std::string, std::string> drawn_; // by its name on the page
    std::map<std::string, std::string> ids_;   // of messages: what they say
};

// --- the tables of replies ---

struct question {
    std::string name; // as the table has it, without what server it is
    std::string cmd, data;
};

question question_of(std::string name) {
    question q{name, name.substr(0, name.find(' ')), "{}"};
    if (q.cmd == "offer" || q.cmd == "answer") q.data = "{\"" + q.cmd + "\":1}";
    if (q.cmd == "ice") q.data = R"({"candidate":1})";
    if (q.cmd == "update") q.data = R"({"metadata":1})";
    const std::string key = name.ends_with(" of B's key") ? "b" : name.ends_with(" of no key") ? "c" : "a";
    if (q.cmd == "set") q.data = R"({"key":")" + key + R"(","value":1})";
    if (q.cmd == "unset") q.data = R"({"key":")" + key + R"("})";
    if (name == "join with limit 1") q.data = R"({"limit":1})";
    return q;
}

// The first cell of a row: on what server, and the questions.
std::pair<settings, std::vector<question>> questions_of(const std::string& cell, settings how) {
    auto text = cell;
    if (const auto colon = cell.find(": "); colon != cell.npos) {
        const auto where = cell.substr(0, colon);
        text = cell.substr(colon + 2);
        if (where == "routing to hosts")
            how.router = routing::hosts;
        else if (where == "strict server")
            how.strict = true;
        else if (where == "gated server")
            how.gate = true;
        else if (where == "where peers may")
            how.create = true;
        else
            BOOST_ERROR("what is this: " << where);
    }
    std::vector<question> out;
    for (std::size_t at = 0; at < text.size();) {
        auto end = std::min(text.find(", ", at), text.size());
        auto one = text.substr(at, end - at);
        std::erase(one, '`');
        out.push_back(question_of(std::move(one)));
        at = end + 2;
    }
    return {how, out};
}

std::string about(std::string_view cmd, std::string_view members) {
    return R"({"cmd":")" + std::string{cmd} + R"(",)" + std::string{members} + "}";
}

// Brings about the state `what`; returns the members that tell a request what it is about.
std::string bring_about(server& s, const std::string& title, const std::string& what) {
    const auto good = [&](const std::string& name, const std::string& request) {
        const auto said = s.ask(name, request);
        BOOST_TEST_REQUIRE(said.starts_with("ok"), name << " asks " << request << ", but hears " << said);
    };
    if (title == "To a peer") {
        const auto who = what.substr(0, what.find(','));
        if (who == "offline") {
            s.know("P");
            return R"("target":"P")";
        }
        if (who == "away") {
            s.token_of("B");
            s.lose("B");
        } else if (who != "A itself" && who != "unknown" && who != "online") {
            BOOST_ERROR("nobody is " << what);
        }
        return who == "A itself"  ? R"("target":"A")"
               : who == "unknown" ? R"("target":"X")"
                                  : R"("target":"B")";
    }
    if (title == "To a topic") {
        const auto join = about("join", R"("topic":"lobby")");
        if (what == "alone" || what == "first of several") good("A", join);
        if (what == "no member" || what == "not the first" || what == "first of several") {
            good("B", join);
            good("C", join);
        } else if (what != "alone" && what != "in no such topic") {
            BOOST_ERROR("A is " << what);
        }
        if (what == "not the first") good("A", join);
        return R"("topic":"lobby")";
    }
    if (title == "In a session") {
        const auto starter = what.ends_with("by A") ? "A" : "B", other = what.ends_with("by A") ? "B" : "A";
        if (what != "none") {
            BOOST_TEST(what.find("started by ") != what.npos);
            good(starter, about("session-start", R"("target":")" + std::string{other} + "\""));
        }
        if (what.starts_with("accepted"))
            good(other, about("session-accept", R"("target":")" + std::string{starter} + "\""));
        return R"("target":"B")";
    }
    if (title == "In a topic") {
        const auto lobby = [](std::string_view rest) { return R"("topic":"lobby")" + std::string{rest}; };
        if (what == "yes") {
            good("A", about("watch", lobby("")));
        } else if (what == "no member" || what == "a member") {
            good("B", about("join", lobby("")));
            good("B", about("set", lobby(R"(,"data":{"key":"b","value":1})")));
            if (what == "a member") {
                good("A", about("join", lobby("")));
                good("A", about("set", lobby(R"(,"data":{"key":"a","value":2})")));
            }
        } else if (what != "in no such topic" && what != "no") {
            BOOST_ERROR("A is " << what);
        }
        return lobby("");
    }
    if (title == "Answering") {
        if (what == "never asked") return R"("request":1)";
        s.say("A", about("request", what == "to C" ? R"("id":1,"target":"C")" : R"("id":1,"target":"B")"));
        if (what == "answered")
            good("B", about("respond", R"("request":1)"));
        else if (what == "expired")
            s.advance(10s);
        else if (what == "its asker is gone")
            s.close("A");
        else if (what != "to B" && what != "to C")
            BOOST_ERROR("the question is " << what);
        return R"("request":1)";
    }
    if (title == "Own record") {
        BOOST_TEST((what == "temporary" || what == "permanent"));
        const auto info = s.ask("A", R"({"cmd":"info"})");
        BOOST_TEST((info.find(R"("permanent":true)") != info.npos) == (what == "permanent"));
        return R"("topic":"none")";
    }
    BOOST_TEST(title == "Coming back");
    if (what == "none") return R"("received":0)";
    auto token = what == "invented" ? "abc" : s.token_of(what == "A's own" ? "A" : "B");
    if (what == "spent") {
        s.lose("B");
        s.connect("D");
        good("D", about("resume", R"("token":")" + token + "\""));
        good("D", R"({"cmd":"exists"})");
        s.lose("D");
    } else if (what == "of a peer that is away") {
        s.lose("B");
    } else if (what == "too late") {
        s.lose("B");
        s.advance(30s);
    } else if (what != "invented" && what != "A's own" && what != "of a peer that is connected") {
        BOOST_ERROR("a token " << what);
    }
    return R"("token":")" + token + "\"";
}

bool is_relayed(std::string_view cmd) {
    const auto* const extra = sigfire::detail::find_extra_command(cmd);
    return extra != nullptr ? extra->what == sigfire::detail::own_request::say
                            : sigfire::detail::find_command(cmd) != nullptr;
}

void play_cell(const std::string& title, const std::string& state, settings how, const question& q,
               const std::string& cell) {
    how.mailbox = state.ends_with(", mailbox");
    server s{how};
    if (title == "Own record" && state == "permanent") s.know("A");
    s.connect_all();
    const auto who = title == "Answering" ? "B" : "A";
    const auto members = bring_about(s, title, state);
    s.heard_by_all();
    auto said = s.ask(who, about(q.cmd, members + R"(,"data":)" + q.data));
    if (cell == "open") {
        BOOST_TEST(said == "");
        s.advance(10s);
        BOOST_TEST(s.reply(who, s.asked()) == "expired");
        return;
    }
    const bool held = said == R"(ok {"held":true})";
    BOOST_TEST(held == cell.ends_with(", held"));
    BOOST_TEST(said.substr(0, said.find(' ')) == code_in(cell).at(0));
    const auto others = s.heard("B"), more = s.heard("C");
    if (!said.starts_with("ok")) {
        s.advance(60ms);
        s.heard(who);
        same(s.heard_by_all(), {});
        if (who == std::string_view{"A"}) same(others, {});
        same(more, {});
    } else if (who == std::string_view{"A"} && !held && s.is_open("B") &&
               (is_relayed(q.cmd) || q.cmd == "publish")) {
        BOOST_TEST_REQUIRE(others.size() == 1u);
        BOOST_TEST(others[0].find(R"("cmd":")" + q.cmd + "\"") != std::string::npos);
        BOOST_TEST(others[0].find(R"("origin":"A")") != std::string::npos);
    }
}

void play_list(const table& t) {
    for (std::size_t i = 1; i < t.rows.size(); ++i) BOOST_TEST_CONTEXT(t.rows[i][0]) {
            server s;
            s.connect_all();
            s.say("A", code_in(t.rows[i][0]).at(0));
            const auto& expected = t.rows[i][1];
            if (expected.starts_with("closed with ")) {
                BOOST_TEST(!s.is_open("A"));
                BOOST_TEST(expected.substr(12) ==
                           std::to_string(s.codec.end(s.ended("A"), {true}).close_code));
            } else {
                BOOST_TEST(s.is_open("A"));
                const auto said = s.reply("A", 1);
                BOOST_TEST((said.empty() ? "nothing" : "`" + said + "`") == expected);
            }
            s.advance(60ms);
            same(s.heard_by_all(), {});
        }
}

// --- commands ---

std::set<std::string> all_commands() {
    std::set<std::string> out;
    for (const auto& c : sigfire::detail::json_commands) out.emplace(c.name);
    for (const auto& c : sigfire::detail::json_extra_commands) out.emplace(c.name);
    return out;
}

// Commands that peers say, and that they hear, in examples.
std::map<char, std::set<std::string>> shown(std::string_view chapter = {}) {
    std::map<char, std::set<std::string>> out;
    for (const auto& x : page().examples)
        for (const auto& l : x.lines) {
            const auto at = l.text.find_first_of(" ><");
            if (l.text[at] == ' ' || (!chapter.empty() && x.chapter != chapter)) continue;
            boost::system::error_code invalid;
            const auto v = js::parse(l.text.substr(at + 2), invalid);
            if (invalid || !v.is_object()) continue;
            if (const auto* cmd = v.get_object().if_contains("cmd"))
                out[l.text[at]].emplace(cmd->as_string());
        }
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(protocol_page)

BOOST_AUTO_TEST_CASE(examples) {
    BOOST_TEST(page().examples.size() > 30u);
    for (const auto& x : page().examples) player<counting_json>{}.play(x);
}

// The same where every second peer is on MessagePack.
BOOST_AUTO_TEST_CASE(examples_across_formats) {
    for (const bool packed_first : {true, false})
        for (const auto& x : page().examples) player<two_formats>{}.play(x, packed_first);
}

BOOST_AUTO_TEST_CASE(every_command_has_a_section_and_an_example) {
    auto everywhere = shown();
    std::set<std::string> sections;
    for (const auto& [chapter, heading] : page().headings) {
        if (!heading.starts_with('`')) continue;
        const auto name = code_in(heading).at(0);
        BOOST_TEST(sections.insert(name).second, name << " has two sections");
        auto there = shown(chapter);
        BOOST_TEST((there['>'].contains(name) || there['<'].contains(name)),
                   name << " has no example in " << chapter);
    }
    for (const auto& name : all_commands()) {
        BOOST_TEST(sections.contains(name), name << " has no section");
        BOOST_TEST(everywhere['>'].contains(name), "nobody says " << name);
        if (is_relayed(name) || name == "publish" || name == "request")
            BOOST_TEST(everywhere['<'].contains(name), "nobody hears " << name);
    }
    for (const auto& heard : everywhere['<'])
        BOOST_TEST(sections.contains(heard), heard << " is heard, but has no section");
}

BOOST_AUTO_TEST_CASE(parts_have_their_commands) {
    std::set<std::string> named;
    auto everywhere = shown();
    for (const auto& row : page().tables.at(0).rows) {
        for (const auto& name : code_in(row.at(2))) BOOST_TEST(everywhere['<'].contains(name), name);
        for (const auto& name : code_in(row.at(1))) {
            BOOST_TEST(named.insert(name).second);
            hub_bench bare;
            bare.connect("A");
            bare.connect("B");
            const auto said = bare.ask("A", about(name, R"("target":"B","data":)" + question_of(name).data));
            const bool always = row.at(0) == "(always)";
            // There is nothing to reply to an `ack`.
            BOOST_TEST(said == (always          ? "ok"
                                : name == "ack" ? ""
                                                : "unknown_command"),
                       name << ": " << said);
            bare.connect("C", {.id = "C", .extras = false});
            if (sigfire::detail::find_command(name) == nullptr)
                BOOST_TEST(bare.ask("C", about(name, R"("target":"B")")) == "Unknown Command");
        }
    }
    named.erase("part");
    BOOST_TEST((named == all_commands()));
}

BOOST_AUTO_TEST_CASE(causes) {
    const auto& t = table_of("Causes");
    std::set<std::string> named;
    for (std::size_t i = 1; i < t.rows.size(); ++i) {
        const auto name = code_in(t.rows[i][0]).at(0);
        named.insert(name);
        BOOST_TEST(t.rows[i][1] == to_string(cause_named(name)));
        const auto row = sigfire::detail::row(cause_named(name));
        const auto later = page().all.find("may be gone later");
        const auto sentence = page().all.rfind("\n\n", later);
        const bool listed =
            page().all.substr(sentence, later - sentence).find("`" + name + "`") != std::string::npos;
        BOOST_TEST(listed == (row.remedy == condition::try_later), name);
    }
    for (auto e = errc::unknown; e < errc::closed; e = static_cast<errc>(static_cast<int>(e) + 1))
        BOOST_TEST(named.contains(std::string{cause_name(e)}), cause_name(e));
    BOOST_TEST(t.rows.size() - 1 == named.size());
}

BOOST_AUTO_TEST_CASE(close_codes) {
    const auto& t = table_of("How connections end");
    BOOST_TEST(t.rows.size() > 10u);
    for (std::size_t i = 1; i < t.rows.size(); ++i) BOOST_TEST_CONTEXT(t.rows[i][0]) {
            const auto how = codec::json{}.end(cause_named(code_in(t.rows[i][0]).at(0)), {true});
            const auto code = how.close_code == 0 ? "none" : std::to_string(how.close_code);
            BOOST_TEST(t.rows[i][1].substr(0, t.rows[i][1].find(',')) == code);
            if (how.close_code != 0) BOOST_TEST(t.rows[i][2] == how.text);
        }
}

BOOST_AUTO_TEST_CASE(limits) {
    const auto ms = [](std::chrono::milliseconds d) { return static_cast<std::size_t>(d.count()); };
    const topic_limits topic;
    const mailbox_limits box;
    const presence_options told;
    const sessions_options session;
    const requests_options request;
    const resume_options back;
    const hub_options all;
    const std::vector<std::pair<std::string, std::size_t>> expected{
        {"bytes of a message", stream_limits{}.message},
        {"bytes waiting for a peer that does not read", stream_limits{}.outbox},
        {"topics of one peer", topic.topics_per_peer},
        {"members of one topic", topic.members_per_topic},
        {"topics in all", topic.total_topics},
        {"bytes of a member's metadata", topic.metadata_bytes},
        {"entries of one topic", topic.entries_per_topic},
        {"entries of one peer", topic.entries_per_peer},
        {"bytes of an entry's value", topic.value_bytes},
        {"topics and peers that one peer watches", told.watches_per_peer},
        {"members in one reply to `lookup`", topics_options{}.lookup_limit},
        {"changes in one `presence` message", told.changes_per_message},
        {"ms during which the server gathers changes", ms(told.delay)},
        {"sessions of one peer", session.per_peer},
        {"ms to accept a session", ms(session.timeout)},
        {"open requests of one peer", request.per_peer},
        {"open requests in all", request.total},
        {"ms to respond", ms(request.timeout)},
        {"messages in the mailbox for one peer", box.messages_per_id},
        {"messages in the mailbox from one peer", box.messages_per_sender},
        {"messages in the mailbox in all", box.total_messages},
        {"bytes in the mailbox for one peer", box.bytes_per_id},
        {"bytes in the mailbox in all", box.total_bytes},
        {"bytes of a record's metadata", records_options{}.metadata_bytes},
        {"ms to return after a lost connection", ms(back.window)},
        {"messages kept for a peer that is away", back.messages},
        {"bytes kept for a peer that is away", back.bytes},
        {"requests of one peer that wait for a decision of the server", all.deferred_messages},
        {"ms for such a decision", ms(all.deferral_timeout)},
    };
    const auto& t = table_of("Limits");
    BOOST_TEST_REQUIRE(t.rows.size() == expected.size() + 1);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        auto number = t.rows[i + 1][1];
        std::erase(number, ',');
        BOOST_TEST(t.rows[i + 1][0] == expected[i].first);
        BOOST_TEST(number == std::to_string(expected[i].second), expected[i].first);
    }
}

BOOST_AUTO_TEST_CASE(beyond_the_limits) {
    const auto lobby = [](std::string_view cmd, std::string_view data) {
        return about(cmd, R"("topic":"lobby","data":)" + std::string{data});
    };
    const auto text = [](std::size_t bytes) { return "\"" + std::string(bytes - 2, 'x') + "\""; };
    const auto number = [](std::size_t i) { return std::to_string(i); };
    // Asks for the i-th thing of a kind.
    using asking = std::function<std::string(server&, std::size_t)>;
    const std::map<std::string, asking> kinds{
        {"topics of one peer",
         [&](server& s, std::size_t i) {
             return s.ask("A", about("join", R"("topic":"t)" + number(i) + "\""));
         }},
        {"bytes of a member's metadata",
         [&](server& s, std::size_t i) {
             return i < 20 ? "ok" : s.ask("A", lobby("join", R"({"metadata":{"a":)" + text(i - 6) + "}}"));
         }},
        {"entries of one peer",
         [&](server& s, std::size_t i) {
             if (i == 1) s.ask("A", lobby("join", "{}"));
             return s.ask("A", lobby("set", R"({"key":"k)" + number(i) + R"(","value":1})"));
         }},
        {"entries of one topic",
         [&](server& s, std::size_t i) {
             const auto who = "P" + number(i / 50);
             if (!s.is_open(who)) s.connect(who);
             s.ask(who, lobby("join", "{}"));
             return s.ask(who, lobby("set", R"({"key":"k)" + number(i) + R"(","value":1})"));
         }},
        {"bytes of an entry's value",
         [&](server& s, std::size_t i) {
             if (i == 1) s.ask("A", lobby("join", "{}"));
             return i < 2 ? "ok" : s.ask("A", lobby("set", R"({"key":"k","value":)" + text(i) + "}"));
         }},
        {"topics and peers that one peer watches",
         [&](server& s, std::size_t i) {
             return s.ask("A", about("watch", R"("target":"t)" + number(i) + "\""));
         }},
        {"sessions of one peer",
         [&](server& s, std::size_t i) {
             s.connect("P" + number(i));
             return s.ask("P" + number(i), about("session-start", R"("target":"A")"));
         }},
        {"open requests of one peer",
         [&](server& s, std::size_t) {
             const auto said = s.ask("A", about("request", R"("target":"B")"));
             return said.empty() ? "ok" : said;
         }},
        {"messages in the mailbox for one peer",
         [&](server& s, std::size_t) { return s.ask("A", about("bye", R"("target":"X")")); }},
        {"messages in the mailbox from one peer",
         [&](server& s, std::size_t i) {
             return s.ask("A", about("bye", R"("target":"X)" + number(i / 50) + "\""));
         }},
        {"bytes of a record's metadata",
         [&](server& s, std::size_t i) {
             return i < 2 ? "ok" : s.ask("A", about("update", R"("data":{"metadata":)" + text(i) + "}"));
         }},
        {"messages kept for a peer that is away",
         [&](server& s, std::size_t i) {
             if (i == 1) {
                 s.token_of("B");
                 s.lose("B");
             }
             return s.ask("A", about("bye", R"("target":"B")"));
         }},
    };
    std::size_t played = 0;
    for (const auto& row : table_of("Limits").rows)
        if (const auto kind = kinds.find(row[0]); kind != kinds.end()) {
            BOOST_TEST_CONTEXT(row[0]) {
                server s{{.mailbox = true}};
                s.connect_all();
                auto most = row[1];
                std::erase(most, ',');
                const auto n = std::stoul(most);
                for (std::size_t i = 1; i <= n; ++i)
                    BOOST_TEST_REQUIRE(kind->second(s, i).starts_with("ok"), i);
                BOOST_TEST(kind->second(s, n + 1) == code_in(row[2]).at(0));
                ++played;
            }
        }
    BOOST_TEST(played == kinds.size());
}

BOOST_AUTO_TEST_CASE(replies_in_every_state) {
    std::size_t played = 0;
    for (const auto& t : page().tables) {
        const auto& head = t.rows[0];
        if (!head[0].starts_with("A says") && !head[0].starts_with("B says")) continue;
        BOOST_TEST_CONTEXT("the table at line " << t.number) {
            if (head[1] == "reply") {
                play_list(t);
                continue;
            }
            for (std::size_t i = 1; i < t.rows.size(); ++i) {
                BOOST_TEST_REQUIRE(t.rows[i].size() == head.size());
                const auto [how, questions] = questions_of(t.rows[i][0], {});
                for (const auto& q : questions)
                    for (std::size_t k = 1; k < head.size(); ++k)
                        BOOST_TEST_CONTEXT(t.rows[i][0] << ": " << q.name << ", " << head[k]) {
                            play_cell(t.title, head[k], how, q, t.rows[i][k]);
                            ++played;
                        }
            }
        }
    }
    BOOST_TEST(played > 200u);
}

BOOST_AUTO_TEST_CASE(length_in_front) {
    const std::string_view begin = "    00 00 00 ";
    const auto at = page().all.find(begin);
    BOOST_TEST_REQUIRE(at != std::string::npos);
    const auto text = page().all.substr(at + begin.size(), page().all.find('\n', at) - at - begin.size());
    std::string bytes{0, 0, 0, static_cast<char>(std::stoi(text, nullptr, 16))};
    bytes += text.substr(3);
    struct {
        std::string got;
        bool on_message(message m) { return got = m.view(), true; }
        bool on_control(control, std::uint16_t, std::string_view) { return true; }
    } reader;
    framing::length framing;
    BOOST_TEST((framing.feed(bytes, {}, reader).error == errc::ok));
    BOOST_TEST(reader.got == text.substr(3));
}

BOOST_AUTO_TEST_CASE(links_lead_somewhere) {
    std::set<std::string> anchors;
    for (const auto& [chapter, heading] : page().headings) {
        std::string a;
        for (const char c : heading)
            if (c == ' ')
                a += '-';
            else if (c != '`')
                a += sigfire::detail::lower(c);
        anchors.insert(a);
    }
    for (auto at = page().all.find("](#"); at != std::string::npos; at = page().all.find("](#", at + 1)) {
        const auto to = page().all.substr(at + 3, page().all.find(')', at) - at - 3);
        BOOST_TEST(anchors.contains(to), to);
    }
}

BOOST_AUTO_TEST_SUITE_END()
