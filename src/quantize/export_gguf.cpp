#include "quantize/export_gguf.h"

#include "core/error.h"
#include "core/words.h"
#include "model/families/gguf_config.h"
#include "quantize/export_dequantized.h"
#include "tensor/gguf_codes.h"
#include "tensor/gguf_writer.h"
#include "text/gguf_vocabulary.h"
#include "text/tokenizer.h"
#include <ATen/ATen.h>
#include <algorithm>
#include <cctype>

namespace latticelens {
namespace {

std::string in_letters(std::string text, int (*letter)(int)) {
  std::ranges::transform(text, text.begin(), [&](unsigned char c) { return letter(c); });
  return text;
}

const BlockType& type_named(const std::string& name) {
  const BlockType* type = find_block_type(in_letters(name, std::toupper));
  require(type && type->encode, "export",
          "GGUF type \"" + name + "\" is not written; known: " + joined(gguf_type_names(), ", "));
  return *type;
}

bool holds_rows(const BlockType& type, std::int64_t width) {
  return width % static_cast<std::int64_t>(type.values) == 0;
}

/// The type itself, or what llama.cpp takes for rows that are no whole superblocks.
const BlockType& type_for_width(const BlockType& type, std::int64_t width) {
  if (holds_rows(type, width))
    return type;
  const BlockType* smaller = smaller_block_type(type.name);
  return smaller && holds_rows(*smaller, width) ? *smaller : type_named("F16");
}

/// llama.cpp's number for a file of mostly this type; other readers ignore it.
std::int64_t file_type(const BlockType& type) {
  static const std::map<std::string, std::int64_t> numbers = {
      {"F32", 0},     {"F16", 1},   {"Q4_0", 2},   {"Q4_1", 3},  {"Q8_0", 7},
      {"Q5_0", 8},    {"Q5_1", 9},  {"Q4_K", 14},  {"Q5_K", 16}, {"Q6_K", 18},
      {"IQ4_NL", 25}, {"BF16", 32}, {"MXFP4", 38}, {"NVFP4", 39}};
  return numbers.at(type.name);
}

GgufMetadata metadata_of(const OpenedModel& opened, const GgufTypes& types, GgufSummary& summary) {
  const Model& model = opened.model;
  GgufMetadata metadata = gguf_metadata(*model.family, model.config);
  const auto add = [&](GgufMetadata more) {
    metadata.insert(metadata.end(), more.begin(), more.end());
  };
  const std::string where = model.path.string();
  add({{"general.name", model.path.stem().string()},
       {"general.file_type", file_type(*types.linear)},
       {"general.quantization_version", std::int64_t{2}}});
  if (!opened.method.empty())
    add({{"latticelens.method", opened.method}});
  const Json tokenizer = parse_json(open_tokenizer(model.path)->to_tokenizer_json(), where);
  GgufVocabulary vocabulary = gguf_vocabulary(tokenizer, model.config.vocabulary, where);
  summary.unlisted_pairs = vocabulary.unlisted_pairs;
  add(std::move(vocabulary.metadata));
  add(gguf_special_tokens(model.path, tokenizer));
  return metadata;
}

/// One file in the making: which tensors there are, and their bytes in that order.
class Export {
 public:
  Export(const OpenedModel& opened, const GgufTypes& types) : opened_(opened), types_(types) {}

  GgufSummary run(const std::filesystem::path& file,
                  const std::function<void(std::int64_t)>& each_block) {
    const GgufMetadata metadata = metadata_of(opened_, types_, summary_);
    const NamedTensors outer = plain_outer(opened_);
    const Tensor divisors = rope_divisors(opened_.model.config);
    NamedTensors block = plain_block(opened_, 0);
    GgufWriter writer(file, metadata, plan(outer, block, divisors));
    for (const auto& [name, tensor] : outer)
      write(writer, name, tensor);
    if (divisors.defined())
      writer.write("rope_freqs.weight", encode_blocks(type_named("F32"), divisors, {}));
    for (std::int64_t layer = 0; layer < opened_.model.config.layers; ++layer) {
      if (layer > 0)
        block = plain_block(opened_, layer);
      for (const auto& [name, tensor] : block)
        write(writer, name, tensor);
      if (each_block)
        each_block(layer);
    }
    writer.commit();
    return summary_;
  }

 private:
  /// The blocks [out, bytes of a row] that the weight was rounded into, if the type asked for has
  /// them and nothing is folded back into the values.
  Tensor stored_blocks(const std::string& name) const {
    const CodedType* own = opened_.settings.weight.coded;
    const std::string blocks = name + "_blocks";
    if (!opened_.quantized || !own ||
        find_block_type(std::string_view(own->name)) != types_.linear ||
        opened_.activations.down_input || has_input_transforms(opened_.settings) ||
        !opened_.model.tensors->has(blocks))
      return {};
    return opened_.model.tensors->load(blocks);
  }

  const BlockType& type_of(const std::string& name, const Tensor& tensor) const {
    if (tensor.dim() < 2)
      return type_named("F32");
    if (stored_blocks(name).defined())
      return *find_block_type(static_cast<std::uint32_t>(
          opened_.model.tensors->load(name + "_type").item<std::int64_t>()));
    const OuterNames& names = opened_.model.family->names;
    const bool outer = name == names.embedding + ".weight" || name == names.head + ".weight";
    return type_for_width(outer ? *types_.outer : *types_.linear, tensor.size(-1));
  }

  PlannedTensor planned(const std::string& name, const Tensor& tensor) const {
    const std::string theirs = gguf_name(*opened_.model.family, name);
    require(!theirs.empty(), "gguf",
            name + ": has no name in GGUF; export another format, as --format plain");
    return {theirs, &type_of(name, tensor), tensor.sizes().vec()};
  }

  /// All blocks have the first one's tensors; the writer refuses one that has others.
  std::vector<PlannedTensor> plan(const NamedTensors& outer, const NamedTensors& block,
                                  const Tensor& divisors) const {
    std::vector<PlannedTensor> all;
    for (const auto& [name, tensor] : outer)
      all.push_back(planned(name, tensor));
    if (divisors.defined())
      all.push_back({"rope_freqs.weight", &type_named("F32"), divisors.sizes().vec()});
    const std::size_t prefix = block_prefix(opened_.model, 0).size();
    for (std::int64_t layer = 0; layer < opened_.model.config.layers; ++layer)
      for (const auto& [name, tensor] : block)
        all.push_back(planned(block_prefix(opened_.model, layer) + name.substr(prefix), tensor));
    return all;
  }

  Tensor arranged(const std::string& name, const Tensor& tensor) const {
    const Family& family = *opened_.model.family;
    return family.gguf.arrange ? family.gguf.arrange(name, tensor, opened_.model.config) : tensor;
  }

  std::vector<std::byte> blocks_of(const BlockType& type, const std::string& name,
                                   const Tensor& values) const {
    const Tensor stored = stored_blocks(name);
    if (!stored.defined())
      return encode_blocks(type, values, {});
    const Tensor rows = arranged(name, stored).contiguous();
    const auto* from = static_cast<const std::byte*>(rows.const_data_ptr());
    return {from, from + rows.numel()};
  }

  void write(GgufWriter& writer, const std::string& name, const Tensor& tensor) {
    const Tensor values = arranged(name, tensor);
    const BlockType& type = type_of(name, tensor);
    const std::vector<std::byte> blocks = blocks_of(type, name, values);
    if (tensor.dim() > 1)
      count(type, name, values, blocks);
    writer.write(gguf_name(*opened_.model.family, name), blocks);
  }

  void count(const BlockType& type, const std::string& name, const Tensor& values,
             const std::vector<std::byte>& blocks) {
    if (!name.starts_with(opened_.model.family->names.blocks))
      return;
    const Tensor stored = decode_blocks(type, blocks, values.sizes().vec());
    const double error = (stored - values).square().sum(at::kDouble).item<double>();
    ++summary_.linears[type.name];
    summary_.exact += error == 0;
    summary_.narrow += &type != types_.linear;
    summary_.error += error;
    summary_.energy += values.square().sum(at::kDouble).item<double>();
  }

  const OpenedModel& opened_;
  const GgufTypes& types_;
  GgufSummary summary_;
};

} // namespace

std::vector<std::string> gguf_type_names() {
  std::vector<std::string> names;
  for (const BlockType& type : block_types())
    if (type.encode)
      names.push_back(in_letters(type.name, std::tolower));
  return names;
}

GgufTypes choose_gguf_types(const OpenedModel& opened, const std::string& linear,
                            const std::string& outer) {
  const CodedType* own = opened.settings.weight.coded;
  const std::string wanted = !linear.empty() ? linear : opened.quantized && own ? own->name : "F16";
  const BlockType& type = type_named(wanted);
  return {&type,
          outer.empty() ? &type_named(type.values > 1 ? "Q8_0" : type.name) : &type_named(outer)};
}

GgufSummary export_gguf(const OpenedModel& opened, const std::filesystem::path& file,
                        const GgufTypes& types,
                        const std::function<void(std::int64_t)>& each_block) {
  return Export(opened, types).run(file, each_block);
}

} // namespace latticelens
