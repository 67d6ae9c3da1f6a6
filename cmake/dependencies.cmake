# Everything comes from Debian packages (scripts/install_deps.sh); nothing is fetched at build time.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(hwy CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(tomlplusplus CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(EXPAT REQUIRED)
find_package(Iconv REQUIRED)
find_package(utf8cpp CONFIG REQUIRED)
find_package(Eigen3 CONFIG REQUIRED)
# Optional: without MPI the program trains in a single process.
find_package(MPI COMPONENTS C)
# libzip's own CMake package requires its command-line tools, which Debian packages separately.
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)

# libcsv has no files for CMake or pkg-config. Its include folder is needed because other libraries have a csv.h too.
find_path(LIBCSV_INCLUDE csv.h REQUIRED)
find_library(LIBCSV_LIBRARY csv REQUIRED)
add_library(libcsv UNKNOWN IMPORTED)
set_target_properties(libcsv PROPERTIES
  IMPORTED_LOCATION ${LIBCSV_LIBRARY} INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${LIBCSV_INCLUDE})

find_path(RANDOM123_INCLUDE Random123/philox.h REQUIRED)
add_library(random123 INTERFACE)
target_include_directories(random123 SYSTEM INTERFACE ${RANDOM123_INCLUDE})

# Optional, and loaded at run time: only its header is needed here. XGBoost's own CMake package requires a program that
# Debian does not have.
if(UNROLL_XGBOOST)
  find_path(XGBOOST_INCLUDE xgboost/c_api.h)
endif()
add_library(xgboost INTERFACE)
if(UNROLL_XGBOOST AND XGBOOST_INCLUDE)
  target_include_directories(xgboost SYSTEM INTERFACE ${XGBOOST_INCLUDE})
  target_compile_definitions(xgboost INTERFACE UNROLL_XGBOOST)
else()
  message(STATUS "Without boosted trees (unroll table train --model trees): they need libxgboost-dev")
endif()

include(GNUInstallDirs)
