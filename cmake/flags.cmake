# SPDX-License-Identifier: MIT
# The interface target grapnel_flags: language, warnings and hardening, for every target of ours.

add_library(grapnel_flags INTERFACE)
target_compile_definitions(grapnel_flags INTERFACE
  _GNU_SOURCE
  GRAPNEL_VERSION="${PROJECT_VERSION}")
target_compile_options(grapnel_flags INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wvla -Wformat=2 -Wundef -Wcast-qual -Wwrite-strings -Wpointer-arith -Wnull-dereference
  -Wswitch-enum -Wdate-time -fno-common)

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(grapnel_flags INTERFACE -Wimplicit-fallthrough=5)
else()
  target_compile_options(grapnel_flags INTERFACE -Wimplicit-fallthrough)
endif()

if(werror)
  target_compile_options(grapnel_flags INTERFACE -Werror)
endif()

if(sanitize)
  # With optimisation these two warnings follow the sanitizers' own code, not ours.
  target_compile_options(grapnel_flags INTERFACE
    -fsanitize=${sanitize} -fno-sanitize-recover=all -fno-omit-frame-pointer
    -Wno-null-dereference -Wno-maybe-uninitialized)
  target_link_options(grapnel_flags INTERFACE -fsanitize=${sanitize})
endif()

if(fuzz)
  target_compile_options(grapnel_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(grapnel_flags INTERFACE _FORTIFY_SOURCE=2)
  target_compile_options(grapnel_flags INTERFACE -fstack-protector-strong)
  target_link_options(grapnel_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()
