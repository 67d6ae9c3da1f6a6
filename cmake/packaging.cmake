# cmake --install: the program, the library with its headers, and a CMake package for find_package(unroll).
include(CMakePackageConfigHelpers)

install(TARGETS unroll_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET unroll_mpi)
  install(TARGETS unroll_mpi LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/unroll)
endif()
install(TARGETS unroll EXPORT unrollTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/unroll DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/unroll)
install(EXPORT unrollTargets NAMESPACE unroll:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/unrollConfig.cmake.in
  ${PROJECT_BINARY_DIR}/unrollConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/unrollConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/unrollConfig.cmake ${PROJECT_BINARY_DIR}/unrollConfigVersion.cmake
  DESTINATION ${package_dir})
