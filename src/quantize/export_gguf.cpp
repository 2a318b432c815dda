#include "quantize/export_gguf.h"

#include "core/error.h"
#include "core/words.h"
#include "formats/gguf_exact_blocks.h"
#include "model/families/gguf_config.h"
#include "quantize/plain_tensors.h"
#include "quantize/stored_types.h"
#include "tensor/gguf_codes.h"
#include "tensor/gguf_nvfp4.h"
#include "tensor/gguf_rows.h"
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
  Export(const OpenedModel& opened, const GgufTypes& types, bool exact)
      : opened_(opened), types_(types), exact_(exact) {}

  GgufSummary run(const std::filesystem::path& file,
                  const std::function<void(std::int64_t)>& each_block) {
    const GgufMetadata metadata = metadata_of(opened_, types_, summary_);
    const Tensor divisors = rope_divisors(opened_.model.config);
    GgufWriter writer(file, metadata, plan(divisors));
    write_all(writer, plain_outer_tensors(opened_));
    if (divisors.defined())
      writer.write("rope_freqs.weight", encode_blocks(type_named("F32"), divisors, {}));
    for (std::int64_t layer = 0; layer < opened_.model.config.layers; ++layer) {
      write_all(writer, plain_block_tensors(opened_, layer));
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

  const BlockType& type_of(const PlainTensor& tensor) const {
    if (tensor.shape.size() < 2)
      return type_named("F32");
    if (stored_blocks(tensor.name).defined())
      return *find_block_type(static_cast<std::uint32_t>(
          opened_.model.tensors->load(tensor.name + "_type").item<std::int64_t>()));
    return type_for_width(in_a_block(tensor) ? *types_.linear : *types_.outer, tensor.shape.back());
  }

  bool in_a_block(const PlainTensor& tensor) const {
    return tensor.name.starts_with(opened_.model.family->names.blocks);
  }

  void add_to(std::vector<PlannedTensor>& all, const std::vector<PlainTensor>& tensors) const {
    for (const PlainTensor& tensor : tensors) {
      const std::string theirs = gguf_name(*opened_.model.family, tensor.name);
      require(!theirs.empty(), "gguf",
              tensor.name + ": has no name in GGUF; export another format, as --format plain");
      all.push_back({theirs, &type_of(tensor), tensor.shape});
      if (second_scale(tensor))
        all.push_back({scale_name(theirs), &type_named("F32"), {1}});
    }
  }

  std::vector<PlannedTensor> plan(const Tensor& divisors) const {
    std::vector<PlannedTensor> all;
    add_to(all, plain_outer_tensors(opened_));
    if (divisors.defined())
      all.push_back({"rope_freqs.weight", &type_named("F32"), divisors.sizes().vec()});
    for (std::int64_t layer = 0; layer < opened_.model.config.layers; ++layer)
      add_to(all, plain_block_tensors(opened_, layer));
    return all;
  }

  /// Of a weight that keeps its NVFP4 codes: what their scales are under.
  std::optional<float> second_scale(const PlainTensor& tensor) const {
    const std::string linear = tensor.name.substr(0, tensor.name.rfind('.'));
    const bool beside_codes = opened_.quantized && !has_certificates(opened_.settings);
    if (tensor.restore || beside_codes || std::string_view(type_of(tensor).name) != "NVFP4")
      return std::nullopt;
    const float scale = second_scale_of(opened_.model, linear);
    return scale == 1 ? std::nullopt : std::optional(scale);
  }

  Tensor arranged(const std::string& name, const Tensor& tensor) const {
    const Family& family = *opened_.model.family;
    return family.gguf.arrange ? family.gguf.arrange(name, tensor, opened_.model.config) : tensor;
  }

  void write_all(GgufWriter& writer, const std::vector<PlainTensor>& tensors) {
    for (const PlainTensor& tensor : tensors)
      write(writer, tensor);
  }

  /// The model's own MXFP4 codes as blocks; undefined: it has none, or another type is wanted.
  Tensor own_codes(const PlainTensor& tensor) const {
    const std::string packed = tensor.name + "_packed", scales = tensor.name + "_scale";
    const TensorSource& tensors = *opened_.model.tensors;
    if (tensor.restore || !opened_.quantized || std::string_view(type_of(tensor).name) != "MXFP4" ||
        gguf_type_of(opened_.settings.weight) != "MXFP4" || !has_certificates(opened_.settings) ||
        !tensors.has(packed))
      return {};
    return mxfp4_blocks(arranged(tensor.name, tensors.load(packed)),
                        arranged(tensor.name, tensors.load(scales)));
  }

  void write(GgufWriter& writer, const PlainTensor& tensor) {
    if (const Tensor own = own_codes(tensor); own.defined()) {
      writer.write(gguf_name(*opened_.model.family, tensor.name), rows_of(own, 0, own.size(0)));
      count(type_of(tensor), {});
      opened_.model.tensors->release_pages();
      return;
    }
    const Tensor values = arranged(tensor.name, load_plain(opened_, tensor));
    Tensor stored = stored_blocks(tensor.name);
    if (stored.defined())
      stored = arranged(tensor.name, stored).contiguous();
    const BlockType& type = type_of(tensor);
    const std::string theirs = gguf_name(*opened_.model.family, tensor.name);
    const bool counted = tensor.shape.size() > 1 && (in_a_block(tensor) || exact_);
    const std::optional<float> scale = second_scale(tensor);
    EncodingError lost;
    std::int64_t row = 0;
    for_each_part(opened_, values, tensor.name, [&](const Tensor& rows) {
      if (stored.defined()) {
        const std::span<const std::byte> own = rows_of(stored, row, rows.size(0));
        lost += encoding_error(type, rows, own);
        writer.write(theirs, own);
      } else {
        if (counted)
          lost += encode_or_take_over(type, rows, scale);
        else
          encode_rows(type, rows, blocks_);
        writer.write(theirs, blocks_);
      }
      row += rows.size(0);
    });
    require(!exact_ || lost.error == 0, "convert",
            tensor.name + ": its values are no codes of " + type.name +
                "; name another type, as --type bf16 or f32 (--outer-type for embedding and "
                "head), or use export, which rounds");
    if (scale)
      writer.write(scale_name(theirs),
                   encode_blocks(type_named("F32"), at::full({1}, 1 / *scale, at::kFloat), {}));
    if (counted && in_a_block(tensor))
      count(type, lost);
  }

  /// Into blocks_: as the encoder rounds, or the codes that the rows are already, where it would
  /// change them.
  EncodingError encode_or_take_over(const BlockType& type, const Tensor& rows,
                                    std::optional<float> scale) {
    if (!scale) {
      const EncodingError lost = encode_and_compare(type, rows, blocks_);
      if (lost.error == 0 || !holds_codes_)
        return lost;
    }
    const Tensor bytes = exact_blocks(type, rows, scale.value_or(1));
    require(bytes.defined() || !scale, "export",
            std::string("values under a second scale are no codes of ") + type.name +
                "; the file is damaged, make it anew");
    if (!bytes.defined())
      return encode_and_compare(type, rows, blocks_);
    const std::span<const std::byte> all = rows_of(bytes, 0, bytes.size(0));
    blocks_.assign(all.begin(), all.end());
    return {.error = 0, .energy = rows.to(at::kDouble).square().sum().item<double>()};
  }

  static std::span<const std::byte> rows_of(const Tensor& bytes, std::int64_t first,
                                            std::int64_t count) {
    const auto width = static_cast<std::size_t>(bytes.size(1));
    return {static_cast<const std::byte*>(bytes.const_data_ptr()) +
                static_cast<std::size_t>(first) * width,
            static_cast<std::size_t>(count) * width};
  }

  void count(const BlockType& type, const EncodingError& lost) {
    ++summary_.linears[type.name];
    summary_.exact += lost.error == 0;
    summary_.narrow += &type != types_.linear;
    summary_.error += lost.error;
    summary_.energy += lost.energy;
  }

  const OpenedModel& opened_;
  const GgufTypes& types_;
  bool exact_;
  /// Whether weights may be codes of the type with scales that its encoder would not choose.
  bool holds_codes_ =
      exact_ || (opened_.quantized && gguf_type_of_linears(opened_) == types_.linear->name);
  GgufSummary summary_;
  std::vector<std::byte> blocks_; // of the rows in hand
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
  const std::string own = opened.quantized ? gguf_type_of_linears(opened) : "";
  const BlockType& type = type_named(!linear.empty() ? linear : !own.empty() ? own : "F16");
  return {&type,
          outer.empty() ? &type_named(type.values > 1 ? "Q8_0" : type.name) : &type_named(outer)};
}

GgufTypes choose_exact_gguf_types(const OpenedModel& opened, const std::string& linear,
                                  const std::string& outer) {
  const std::string own = gguf_type_of_linears(opened),
                    embedding = opened.model.tensors->stored_type(stored_embedding(opened.model));
  require(!linear.empty() || !own.empty(), "convert",
          opened.model.path.string() + ": its linears are stored as " +
              type_of_linears(opened.model) +
              ", or rotated online, which no GGUF type holds; name a type that holds the values, "
              "as --type f32");
  return {&type_named(linear.empty() ? own : linear),
          &type_named(outer.empty() ? embedding : outer)};
}

GgufSummary export_gguf(const OpenedModel& opened, const std::filesystem::path& file,
                        const GgufTypes& types, const std::function<void(std::int64_t)>& each_block,
                        bool exact) {
  return Export(opened, types, exact).run(file, each_block);
}

} // namespace latticelens
