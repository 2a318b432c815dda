// A model family as data: how its files name things, and the stages of one block.
#pragma once
#include "model/block.h"
#include "tensor/gguf.h"

namespace latticelens {

/// One linear of a block: its shape follows from the config.
struct LinearShape {
  std::string name;
  std::int64_t out, in;
};

/// Which weights a change of basis at a site touches, and on which side.
struct RotationSites {
  std::vector<std::pair<std::string, std::vector<std::string>>>
      norm_readers;                          // gain -> linears that read the normed stream
  std::vector<std::string> residual_writers; // their outputs add to the stream
  std::string values, value_reader; // R2: rows of each key-value head of one, columns of each query
                                    // head of the other
  std::string scaled_rows,
      down_reader;        // R4: rows that carry the signs, columns that carry the matrix
  const char* down_stage; // stage whose input is rotated online
};

struct Family {
  const char* name;
  const char* help;
  std::vector<std::string> model_types;        // config.json's "model_type"
  std::vector<std::string> gguf_architectures; // "general.architecture"
  Config (*read_config)(const Json&, const std::string& where);
  Json (*config_from_gguf)(const GgufFile&); // a config.json that read_config accepts
  /// GGUF's name of a Hugging Face tensor name; empty when there is none.
  std::string (*gguf_name)(const std::string& name);
  /// Undoes what conversion to GGUF did to a tensor's rows.
  Tensor (*from_gguf)(const std::string& name, const Tensor&, const Config&);
  std::vector<LinearShape> (*linears)(const Config&);
  std::vector<std::string> norms; // of a block, each [hidden]
  std::vector<Stage> stages;
  RotationSites rotation;
};

/// Every family there is.
const std::vector<Family>& families();

/// Errors list the known families.
const Family& family_of_model_type(const std::string& model_type, const std::string& where);
const Family& family_of_gguf(const GgufFile& file);

} // namespace latticelens
