#include "failure.h"

#include <fmt/format.h>

#include <new>

#include "format.h"
#include "unroll/error.h"

namespace unroll::cli {

Failure failure_of(const std::exception_ptr& thrown) {
  const int internal = static_cast<int>(ExitCode::internal);
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return {static_cast<int>(error.code()), one_line(error.what())};
  } catch (const std::bad_alloc&) {
    return {internal, "out of memory: a smaller model, less text (--limit) or fewer columns (--drop) take less"};
  } catch (const std::exception& error) {
    return {internal, one_line(fmt::format("a defect of unroll: {}; please report it", error.what()))};
  }
}

}  // namespace unroll::cli
