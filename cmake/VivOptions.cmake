# SPDX-License-Identifier: LGPL-2.1-or-later
# Warnings, sanitizers and fuzzing: one place for every target of ours.
option(VIV_WERROR "Warnings are errors" ON)
set(VIV_SANITIZE "" CACHE STRING "Sanitizers for every target: address,undefined or thread")
option(VIV_FUZZ "Build the libFuzzer targets (clang)" OFF)

add_library(viv_options INTERFACE)
target_compile_options(viv_options INTERFACE
    -Wall -Wextra -Wshadow -Wvla -Wundef -Wcast-qual -Wwrite-strings -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wformat=2 -Wconversion -Wno-sign-conversion
    -Wno-missing-field-initializers -fno-common
    # After a target's own options, so -fvisibility=default there would lose.
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:VIV_EXPORT_ALL>>>:-fvisibility=hidden>)
if(VIV_WERROR)
    target_compile_options(viv_options INTERFACE -Werror)
endif()
target_compile_definitions(viv_options INTERFACE _GNU_SOURCE VIV_VERSION="${PROJECT_VERSION}")

if(VIV_SANITIZE)
    add_compile_options(-fsanitize=${VIV_SANITIZE} -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${VIV_SANITIZE})
    if(VIV_SANITIZE MATCHES undefined)
        add_compile_options(-fno-sanitize-recover=undefined)
    endif()
    if(VIV_SANITIZE MATCHES thread)
        add_compile_options(-include ${CMAKE_CURRENT_LIST_DIR}/tsan_glib.h)
    endif()
endif()
if(VIV_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL Clang)
        message(FATAL_ERROR "VIV_FUZZ needs clang (preset fuzz)")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
