// Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
// expect: sigfire: jwt needs a TokenVerifier
#include <sigfire/admission/jwt.hpp>

struct verifier {
#ifdef RIGHT
    sigfire::result<sigfire::verified_token> verify(std::string_view, sigfire::utc_time){
#else
    sigfire::result<sigfire::verified_token> verify(std::string_view) {
#endif
        return sigfire::token_fault::malformed;
}
}
;

template class sigfire::jwt<verifier>;
