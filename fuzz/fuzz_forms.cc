#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "table/date_form.h"
#include "table/number_form.h"

using namespace unroll;

/// Any bytes are read as a number or date in any form, or not; a form has the name under which it is found.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  NumberSurvey survey;
  survey.add(0, text);
  for (const char decimal : {'.', ','}) {
    const NumberForm form = form_of(survey, decimal);
    const auto number = form.read(text);
    UNROLL_CHECK(!number || std::isfinite(*number));
  }
  if (const auto form = NumberForm::named(text)) UNROLL_CHECK(form->name() == text);
  for (const auto& [name, form] : enum_names<DateForm>()) {
    const auto days = read_date(text, form);
    UNROLL_CHECK(!days || std::isfinite(*days));
  }
  return 0;
}
