// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
#pragma once

#include <sigfire/core/detail/percent.hpp>
#include <sigfire/core/error.hpp>
#include <sigfire/core/event.hpp>
#include <sigfire/core/request.hpp>
#include <sigfire/text/json/member.hpp>
#include <sigfire/text/json/scan.hpp>
#include <sigfire/text/msgpack/member.hpp>
#include <sigfire/text/msgpack/scan.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace sigfire::inline v0_1::detail {

/** The request that a peer's `hello` stands for on wires without HTTP. So hooks and codecs read both in
 *  the same way. `{"cmd":"hello","id":1,"data":{"token":T,"id":I,"resume":R,"received":N}}`, as JSON or
 *  MessagePack, becomes `/?id=I&resume=R&received=N` with `Authorization: Bearer T`. */
class hello_request {
public:
    hello_request() = default;
    hello_request(const hello_request&) = delete;
    hello_request& operator=(const hello_request&) = delete;

    /// Reads a message; only once. Errors: `malformed`; `bad_handshake` if the message is not a `hello`.
    errc read(std::string_view message) {
        return msgpack_scanner{message}.at_map() ? read<msgpack_form>(message) : read<json_form>(message);
    }

    /// The members that were read. Valid as long as this object.
    request view() const {
        request r;
        r.target = target_;
        if (!authorization_.value.empty()) r.headers = {&authorization_, 1};
        r.hello = {token_, wire_};
        return r;
    }

private:
    // `text` returns whether a value is a text, or is missing.
    struct json_form {
        static constexpr auto wire = wire_id::json;
        static constexpr auto members = [](auto text, auto wanted) { return json_members(text, wanted); };
        static bool text(std::string_view raw, std::string& out) {
            out = json_string(raw);
            return raw.empty() || (is_json_string(raw) && (!out.empty() || raw.size() == 2));
        }
        static bool truthy(std::string_view raw) { return json_truthy(raw); }
        static std::optional<std::uint64_t> number(std::string_view raw) { return json_unsigned(raw); }
    };
    struct msgpack_form {
        static constexpr auto wire = wire_id::msgpack;
        static constexpr auto members = [](auto text, auto wanted) { return msgpack_members(text, wanted); };
        static bool text(std::string_view raw, std::string& out) {
            out = msgpack_text(raw);
            return raw.empty() || is_msgpack_text(raw);
        }
        static bool truthy(std::string_view raw) { return msgpack_truthy(raw); }
        static std::optional<std::uint64_t> number(std::string_view raw) { return msgpack_uint(raw); }
    };
    using wanted = std::initializer_list<wanted_member>;

    template <class Form>
    errc read(std::string_view message) {
        std::string_view cmd, number, data, token, id, resume, received;
        std::string text;
        if (!Form::members(message, wanted{{"cmd", &cmd}, {"id", &number}, {"data", &data}}))
            return errc::malformed;
        if (!Form::text(cmd, text) || text != "hello") return errc::bad_handshake;
        if (!Form::members(
                data, wanted{{"token", &token}, {"id", &id}, {"resume", &resume}, {"received", &received}}))
            return errc::malformed;
        if (!Form::text(id, text)) return errc::malformed;
        if (!text.empty()) add("id=", text);
        if (!Form::text(resume, text)) return errc::malformed;
        if (!resume.empty()) add("resume=", text);
        if (const auto n = Form::number(received)) add("received=", std::to_string(*n));
        if (!Form::text(token, text)) return errc::malformed;
        if (!text.empty()) bearer_ = "Bearer " + text;
        authorization_.value = bearer_;
        if (Form::truthy(number) && number.size() <= longest_token) token_ = number;
        wire_ = Form::wire;
        return errc::ok;
    }

    void add(std::string_view name, std::string_view value) {
        target_ += target_.size() == 1 ? '?' : '&';
        target_ += name;
        append_percent_encoded(target_, value);
    }

    std::string target_ = "/", bearer_, token_;
    header authorization_{"Authorization", {}};
    wire_id wire_ = default_wire;
};

} // namespace sigfire::inline v0_1::detail
