# A module is one folder of src/ and one object library; all modules together are the library `unroll`. The table of
# modules is in src/CMakeLists.txt.
#   unroll_module(NAME [KNOWS module...] [PUBLIC header...] [LIBS target...] [HEADERS target...])
# KNOWS    the modules that it may include, and through them those that they know; tests/layering checks every #include.
# PUBLIC   the headers of include/unroll/ that it implements.
# LIBS     third-party libraries to link; programs that link the static library unroll need them too.
# HEADERS  header-only third-party libraries; programs that link unroll do not need them.
# A module in the list UNROLL_LEFT_OUT is declared only, and not part of the library.

add_library(unroll_flags INTERFACE)
target_compile_options(unroll_flags INTERFACE -Wall -Wextra -Wconversion -ffp-contract=off
  # Paths in messages do not name the folder in which the library was built, and a compiler cache serves any copy.
  -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=
  # UNROLL_CHECK(!"a text") converts on purpose; -Wconversion of GCC does not include signs; loops may call lambdas.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-string-conversion;-Wno-sign-conversion;-Wno-for-loop-analysis>
  # In sources that are compiled together, locals may have the name of a global of another source.
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>>:-Wshadow>)
if(UNROLL_SANITIZE)
  target_compile_options(unroll_flags INTERFACE
    -fsanitize=${UNROLL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # AddressSanitizer detects the use of such addresses. These checks would take a third of the compile time and find
    # nothing else.
    -fno-sanitize=null,object-size,pointer-overflow)
  target_compile_definitions(unroll_flags INTERFACE UNROLL_SANITIZED)
  target_link_options(unroll_flags INTERFACE -fsanitize=${UNROLL_SANITIZE})
endif()

# Compiles the sources of a target together: headers are read and templates instantiated once for all of them. The sources
# named after ALONE are compiled by themselves, because they define a name that another file defines too.
function(unroll_compile_together target)
  cmake_parse_arguments(PARSE_ARGV 1 TOGETHER "" "" "ALONE")
  if(UNROLL_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
    set_source_files_properties(${TOGETHER_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

function(unroll_module name)
  cmake_parse_arguments(PARSE_ARGV 1 MODULE "" "" "KNOWS;PUBLIC;LIBS;HEADERS")
  foreach(known IN LISTS MODULE_KNOWS)
    if(NOT TARGET unroll_${known})
      message(FATAL_ERROR "module ${name} knows ${known}, which is not declared before it: know downwards only")
    endif()
  endforeach()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  list(TRANSFORM MODULE_PUBLIC PREPEND ${PROJECT_SOURCE_DIR}/include/unroll/)
  add_library(unroll_${name} OBJECT ${sources} ${MODULE_PUBLIC})
  set_target_properties(unroll_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(unroll_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(unroll_${name} PRIVATE unroll_flags ${MODULE_LIBS} ${MODULE_HEADERS})
  if(NOT name IN_LIST UNROLL_LEFT_OUT)
    target_sources(unroll PRIVATE $<TARGET_OBJECTS:unroll_${name}>)
  endif()
  target_link_libraries(unroll PRIVATE ${MODULE_LIBS})
endfunction()

# A module that is a shared library of its own, which the program loads on demand. Nothing links it.
function(unroll_plugin_module name)
  cmake_parse_arguments(PARSE_ARGV 1 MODULE "" "" "KNOWS;LIBS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  add_library(unroll_${name} MODULE ${sources})
  set_target_properties(unroll_${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_include_directories(unroll_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(unroll_${name} PRIVATE unroll_flags ${MODULE_LIBS})
endfunction()
