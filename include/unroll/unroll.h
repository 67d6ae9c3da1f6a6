#pragma once

#include "unroll/autograd.h"
#include "unroll/context.h"
#include "unroll/corpus.h"
#include "unroll/error.h"
#include "unroll/language_model.h"
#include "unroll/layers.h"
#include "unroll/optimizers.h"
#include "unroll/parameters.h"
#include "unroll/random.h"
#include "unroll/tensor.h"
#include "unroll/trainer.h"
#include "unroll/windows.h"
