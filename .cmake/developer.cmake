# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# Comforts of a build of sigfire itself. Nothing of this reaches a consumer.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_CXX_EXTENSIONS OFF)

find_program(SIGFIRE_CCACHE ccache)
if(SIGFIRE_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${SIGFIRE_CCACHE})
endif()

# Else our own headers would count as a system's there, and the compiler would not warn of them.
set(CMAKE_PCH_PROLOGUE "")

# share_headers(target ...): target_precompile_headers in such a way that ccache knows what it has seen.
function(share_headers)
    target_precompile_headers(${ARGV})
    set(target ${ARGV0})
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
        target_compile_options(${target} PRIVATE -fpch-preprocess)
    else()
        target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
endfunction()

if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-prog-name=ld.lld
        OUTPUT_VARIABLE lld OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(IS_ABSOLUTE "${lld}")
        add_link_options(-fuse-ld=lld)
    endif()
endif()

# For our own programs: link them to this, never the library.
add_library(sigfire_warnings INTERFACE)
target_compile_options(sigfire_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
# A newer compiler has warnings that nobody here has seen: they must not end the first build of a user.
if((CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 15) OR
   (CMAKE_CXX_COMPILER_ID STREQUAL Clang AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 20))
    target_compile_options(sigfire_warnings INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # false alarm of g++ 12 on coroutines at -O2
    target_compile_options(sigfire_warnings INTERFACE -Wno-mismatched-new-delete)
endif()
