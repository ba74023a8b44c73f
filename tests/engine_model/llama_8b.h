// The shape of Llama 3.1 8B, which tests and benchmarks predict for.
#pragma once

#include "engine_model/model_shape.h"

namespace autotune::engine_model::testing {

inline ModelShape Llama8B() {
  ModelShape model;
  model.layers = 32;
  model.hidden = 4096;
  model.heads = 32;
  model.kv_heads = 8;
  model.head_dim = 128;
  model.intermediate = 14336;
  model.vocabulary = 128256;
  return model;
}

}  // namespace autotune::engine_model::testing
