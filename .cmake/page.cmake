# Copyright (c) 2026 the sigfire authors. MIT licence, see LICENSE.
# add_page(target): the server's page as strings, so that a program needs no files at run time:
# `struct page_file { name, content }; page_files[]` in page.hpp
function(add_page target)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}_page)
    file(GLOB page_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/examples/server/page/*)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page_sources})
    set(page_files "")
    foreach(source IN LISTS page_sources)
        cmake_path(GET source FILENAME name)
        file(READ ${source} content)
        string(APPEND page_files "    {\"${name}\", R\"page(${content})page\"},\n")
    endforeach()
    configure_file(${PROJECT_SOURCE_DIR}/.cmake/page.hpp.in ${folder}/page.hpp @ONLY)
    target_include_directories(${target} PRIVATE ${folder})
endfunction()
