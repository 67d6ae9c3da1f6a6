# A room is one folder of src/ and one object library; all rooms together are the library `unroll`. The table of rooms
# stands in src/CMakeLists.txt.
#   unroll_room(NAME [KNOWS room...] [PUBLIC header...] [LIBS target...] [HEADERS target...])
# KNOWS    the rooms it may include, and through them what those know. tests/layering checks every #include against it.
# PUBLIC   the headers of include/unroll/ that it implements.
# LIBS     third-party libraries that are linked: whoever links the static library unroll needs them too.
# HEADERS  third-party libraries that are headers only: nobody else needs them.

add_library(unroll_flags INTERFACE)
target_compile_options(unroll_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -ffp-contract=off)
if(UNROLL_SANITIZE)
  target_compile_options(unroll_flags INTERFACE
    -fsanitize=${UNROLL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    # AddressSanitizer sees such an address where it is used; without these checks, which take a third of the time to
    # compile, nothing is missed.
    -fno-sanitize=null,object-size,pointer-overflow)
  target_link_options(unroll_flags INTERFACE -fsanitize=${UNROLL_SANITIZE})
endif()

function(unroll_room name)
  cmake_parse_arguments(PARSE_ARGV 1 ROOM "" "" "KNOWS;PUBLIC;LIBS;HEADERS")
  foreach(known IN LISTS ROOM_KNOWS)
    if(NOT TARGET unroll_${known})
      message(FATAL_ERROR "room ${name} knows ${known}, which is not declared before it: know downwards only")
    endif()
  endforeach()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  list(TRANSFORM ROOM_PUBLIC PREPEND ${PROJECT_SOURCE_DIR}/include/unroll/)
  add_library(unroll_${name} OBJECT ${sources} ${ROOM_PUBLIC})
  set_target_properties(unroll_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(unroll_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(unroll_${name} PRIVATE unroll_flags ${ROOM_LIBS} ${ROOM_HEADERS})
  target_sources(unroll PRIVATE $<TARGET_OBJECTS:unroll_${name}>)
  target_link_libraries(unroll PRIVATE ${ROOM_LIBS})
endfunction()

# A room that is a library of its own, which the program loads when it needs it. Nothing else is linked with it.
function(unroll_plugin_room name)
  cmake_parse_arguments(PARSE_ARGV 1 ROOM "" "" "KNOWS;LIBS")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cc)
  add_library(unroll_${name} MODULE ${sources})
  set_target_properties(unroll_${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  target_include_directories(unroll_${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(unroll_${name} PRIVATE unroll_flags ${ROOM_LIBS})
endfunction()
