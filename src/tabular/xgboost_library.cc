#include "tabular/xgboost_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "unroll/error.h"

#ifdef UNROLL_XGBOOST
#include <xgboost/c_api.h>
#endif

namespace unroll {
namespace {

#ifdef UNROLL_XGBOOST

void* open_library() {
  for (const char* name : {"libxgboost.so.0", "libxgboost.so"}) {  // the names in Debian and in XGBoost's own build
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL); library != nullptr) return library;
  }
  throw Error(fmt::format("boosted trees need XGBoost, which cannot be loaded ({}); install libxgboost0", dlerror()));
}

template <class Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr)
    throw Error(fmt::format("boosted trees need XGBoost 1.7 or later ({}); install libxgboost0", dlerror()));
}

XgboostLibrary load() {
  void* const library = open_library();
  XgboostLibrary x;
  find<decltype(XGBGetLastError)>(library, "XGBGetLastError", x.last_error);
  find<decltype(XGBSetGlobalConfig)>(library, "XGBSetGlobalConfig", x.set_global_config);
  find<decltype(XGDMatrixCreateFromCSR)>(library, "XGDMatrixCreateFromCSR", x.create_matrix);
  find<decltype(XGDMatrixSetFloatInfo)>(library, "XGDMatrixSetFloatInfo", x.set_floats);
  find<decltype(XGDMatrixFree)>(library, "XGDMatrixFree", x.free_matrix);
  find<decltype(XGBoosterCreate)>(library, "XGBoosterCreate", x.create_booster);
  find<decltype(XGBoosterFree)>(library, "XGBoosterFree", x.free_booster);
  find<decltype(XGBoosterSetParam)>(library, "XGBoosterSetParam", x.set_parameter);
  find<decltype(XGBoosterUpdateOneIter)>(library, "XGBoosterUpdateOneIter", x.update);
  find<decltype(XGBoosterPredictFromDMatrix)>(library, "XGBoosterPredictFromDMatrix", x.predict);
  find<decltype(XGBoosterSaveModelToBuffer)>(library, "XGBoosterSaveModelToBuffer", x.save);
  find<decltype(XGBoosterLoadModelFromBuffer)>(library, "XGBoosterLoadModelFromBuffer", x.load);
  find<decltype(XGBoosterGetNumFeature)>(library, "XGBoosterGetNumFeature", x.count_features);
  return x;
}

#else

XgboostLibrary load() {
  throw Error(
      "boosted trees need XGBoost, which this build of unroll lacks; install libxgboost-dev and build it again");
}

#endif

}  // namespace

const XgboostLibrary& xgboost() {
  static const XgboostLibrary library = load();
  return library;
}

}  // namespace unroll
