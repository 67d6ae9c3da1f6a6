#include "unroll/corpus.h"

namespace unroll {

template <>
const EnumNames<TokenUnit>& enum_names<TokenUnit>() {
  static const EnumNames<TokenUnit> names = {
      {"char", TokenUnit::character}, {"byte", TokenUnit::byte}, {"word", TokenUnit::word}};
  return names;
}

template <>
const EnumNames<Unknown>& enum_names<Unknown>() {
  static const EnumNames<Unknown> names = {{"refuse", Unknown::refuse}, {"skip", Unknown::skip}};
  return names;
}

template <>
const EnumNames<Newlines>& enum_names<Newlines>() {
  static const EnumNames<Newlines> names = {{"keep", Newlines::keep}, {"space", Newlines::space}};
  return names;
}

template <>
const EnumNames<WindowKind>& enum_names<WindowKind>() {
  static const EnumNames<WindowKind> names = {{"random", WindowKind::random}, {"consecutive", WindowKind::consecutive}};
  return names;
}

}  // namespace unroll
