#include "quantize/export_packed.h"

#include "core/error.h"
#include "core/files.h"
#include "formats/scales_on_grid.h"
#include "quantize/carried_files.h"
#include "quantize/check_method.h"
#include "quantize/input_bases.h"
#include "quantize/plain_tensors.h"
#include "quantize/stored_types.h"
#include "tensor/total.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

namespace latticelens {
namespace {

/// The method of the folder to write, as far as it is the model's own.
Method method_for(const OpenedModel& opened, const PackedTarget& target) {
  Method method = opened.quantized ? opened.settings : parse_method("weight=mxfp4");
  method.weight = target.weight;
  method.activation = target.activation;
  method.centred = false;
  method.rounding = parse_rounding("nearest");
  method.learn.clear(); // what was learned may not have been possible with what is left
  return method;
}

struct RoundedParts {
  PackedWeight parts;
  double error = 0, energy = 0; // squares
};

RoundedParts rounded_rows(const Tensor& stored, const Format& format, const Packing& packing) {
  const Tensor values = stored.to(at::kFloat).contiguous(), scales = format.fit(values);
  SnapCounts counts;
  const Tensor rounded = format.snap(values, scales, counts);
  const SquareTotals sums = square_totals(values, rounded);
  return {packing.pack({rounded, scales}, format), sums.difference, sums.energy};
}

/// Room for the parts of all rows like those of some; what is no matrix is the same for all.
PackedWeight room_for(std::int64_t rows, const PackedWeight& some) {
  PackedWeight whole;
  for (const auto& [end, part] : some)
    whole[end] = part.dim() == 2 ? at::empty({rows, part.size(1)}, part.options()) : part;
  return whole;
}

/// To nearest, some rows after the other, so that what is done with them stays in the cache; the
/// same at any thread count. format: settled for `values` [out, in] of any floating type.
RoundedParts round_and_pack(const Tensor& values, const Format& format, const Packing& packing) {
  constexpr std::int64_t values_at_once = 1 << 15;
  const std::int64_t rows = values.size(0),
                     step = std::max<std::int64_t>(values_at_once / values.size(1), 1),
                     count = (rows + step - 1) / step;
  const auto piece = [&](std::int64_t i) {
    return rounded_rows(values.slice(0, i * step, std::min((i + 1) * step, rows)), format, packing);
  };
  std::vector<RoundedParts> pieces(count);
  pieces[0] = piece(0);
  RoundedParts whole{.parts = room_for(rows, pieces[0].parts)};
  at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (i > 0)
        pieces[i] = piece(i);
      for (auto& [name, part] : whole.parts)
        if (part.dim() == 2)
          part.slice(0, i * step, std::min((i + 1) * step, rows)).copy_(pieces[i].parts.at(name));
      pieces[i].parts.clear();
    }
  });
  for (const RoundedParts& one : pieces) {
    whole.error += one.error;
    whole.energy += one.energy;
  }
  if (whole.parts.contains("_shape"))
    whole.parts["_shape"] = at::tensor(values.sizes(), at::kLong);
  return whole;
}

/// One folder in the making.
class Export {
 public:
  Export(const OpenedModel& opened, const PackedForm& form, const PackedRequest& request)
      : opened_(opened), form_(form), request_(request),
        method_(method_for(opened, request.target)) {}

  const Method& method() const { return method_; }

  PackedSummary run(const std::filesystem::path& folder,
                    const std::function<void(std::int64_t)>& each_block) {
    const std::vector<PlainTensor> outer = plain_outer_tensors(opened_);
    NamedTensors tensors = block(0);
    ShardedWriter writer(folder, plan(outer, tensors), request_.shard_size);
    write(writer, outer.front());
    for (std::int64_t layer = 0; layer < opened_.model.config.layers; ++layer) {
      if (layer > 0)
        tensors = block(layer);
      for (const auto& [name, tensor] : tensors)
        writer.add(name, tensor);
      opened_.model.tensors->release_pages();
      if (each_block)
        each_block(layer);
    }
    for (std::size_t i = 1; i < outer.size(); ++i)
      write(writer, outer[i]);
    writer.commit();
    return summary_;
  }

 private:
  /// All blocks have the first one's tensors; the writer refuses one that has others.
  std::vector<TensorLayout> plan(const std::vector<PlainTensor>& outer,
                                 const NamedTensors& first_block) const {
    const auto plain = [&](const PlainTensor& tensor) {
      return TensorLayout{tensor.name, scalar_type(request_.storage), tensor.shape};
    };
    std::vector<TensorLayout> all = {plain(outer.front())};
    const std::size_t prefix = block_prefix(opened_.model, 0).size();
    for (std::int64_t layer = 0; layer < opened_.model.config.layers; ++layer)
      for (const auto& [name, tensor] : first_block)
        all.push_back({block_prefix(opened_.model, layer) + name.substr(prefix),
                       tensor.scalar_type(), tensor.sizes().vec()});
    for (std::size_t i = 1; i < outer.size(); ++i)
      all.push_back(plain(outer[i]));
    return all;
  }

  void write(ShardedWriter& writer, const PlainTensor& tensor) const {
    for_each_part(opened_, load_plain(opened_, tensor), tensor.name, [&](const Tensor& rows) {
      writer.add(tensor.name, in_storage(tensor.name, rows));
    });
  }

  Tensor in_storage(const std::string& name, const Tensor& tensor) const {
    return request_.exact ? stored_exactly(tensor, request_.storage, name)
                          : tensor.to(scalar_type(request_.storage));
  }

  NamedTensors block(std::int64_t layer) {
    const Model& model = opened_.model;
    const std::string prefix = block_prefix(model, layer);
    NamedTensors tensors;
    for (const PlainTensor& tensor : plain_block_tensors(opened_, layer))
      if (!is_packed_weight(tensor.name.substr(prefix.size())))
        tensors.emplace_back(tensor.name, in_storage(tensor.name, load_plain(opened_, tensor)));
    NamedTensors rotations;
    for (const OnlineInput& input : model.layout->rotation.down)
      add_online_rotation(rotations, prefix + input.reader, method_, model.config);
    for (const auto& [name, matrix] : rotations)
      tensors.emplace_back(name, in_storage(name, matrix));
    const auto bases = load_input_bases(model, opened_.settings, layer, tensors_of(*model.tensors));
    for (const Stage& stage : model.layout->stages) {
      const Format shared = shared_format(prefix, stage);
      const auto found = bases.find(stage.name);
      for (const std::string& name : stage.linears) {
        if (!is_packed(name))
          continue;
        for (const auto& [end, part] : parts_of_linear(prefix, name, shared))
          tensors.emplace_back(form_.part_name(prefix + name, end), part);
        form_.add_beside(tensors, prefix + name,
                         found == bases.end() ? InputBasis() : found->second);
      }
    }
    return form_.join ? form_.join(std::move(tensors), opened_, prefix) : tensors;
  }

  bool is_packed(const std::string& linear) const {
    return in_a_stage(*opened_.model.layout, linear) && (!form_.packs || form_.packs(linear));
  }

  bool is_packed_weight(const std::string& name) const {
    constexpr std::string_view weight = ".weight";
    return name.ends_with(weight) && is_packed(name.substr(0, name.size() - weight.size()));
  }

  /// In the dtype that it is stored in, all of it finite.
  Tensor load(const std::string& prefix, const std::string& name) const {
    const LinearShape& shape = shape_of(*opened_.model.layout, name);
    const std::string weight = prefix + name + ".weight";
    Tensor stored = load_stored(*opened_.model.tensors, weight, {shape.out, shape.in});
    require_finite(stored, weight);
    return stored;
  }

  /// Linears that read one input share the second scale, since runtimes join them.
  Format shared_format(const std::string& prefix, const Stage& stage) const {
    Format format = request_.target.weight;
    if (format.rule.tensor_maximum == 0 || same_format_)
      return format;
    float largest = 0;
    for (const std::string& name : stage.linears)
      largest = std::max(largest, load(prefix, name).to(at::kFloat).abs().max().item<float>());
    format.rule.tensor_scale = format.second_scale(largest);
    return format;
  }

  /// What the model's folder says of a linear whose format is the wanted one; none: another.
  std::optional<PackedWeight> stored_parts(const std::string& name) const {
    const std::string weight = name + ".weight";
    const Packing& packing = packing_of(opened_.settings);
    const bool named = std::string_view(packing.main_part) == "_packed"; // not the weight itself
    if (!same_format_ || !named || !opened_.model.tensors->has(weight + packing.main_part))
      return std::nullopt;
    const LoadTensor load = tensors_of(*opened_.model.tensors);
    if (&packing == &grid_packing() && &packing_of(method_) == &grid_packing())
      return PackedWeight{{"_packed", load(weight + "_packed")},
                          {"_scale", load(weight + "_scale")}};
    Format format = request_.target.weight;
    format.rule.tensor_scale = second_scale_of(opened_.model, name);
    const UnpackedWeight codes = load_packed(load, weight, opened_.settings);
    return packing_of(method_).pack(codes, format.on(codes.values));
  }

  /// Formats under whose second scale the values may be codes already.
  std::vector<Format> settled(const std::string& name, const Format& shared) const {
    if (shared.rule.tensor_maximum == 0)
      return {shared};
    std::vector<Format> formats(1, shared);
    formats[0].rule.tensor_scale = second_scale_of(opened_.model, name);
    return formats;
  }

  PackedWeight parts_of_linear(const std::string& prefix, const std::string& name,
                               const Format& shared) {
    if (auto stored = stored_parts(prefix + name)) {
      ++summary_.linears;
      ++summary_.exact;
      return std::move(*stored);
    }
    return packed(prefix + name, load(prefix, name), shared);
  }

  PackedWeight packed(const std::string& name, const Tensor& values, const Format& shared) {
    ++summary_.linears;
    const Format format = shared.on(values);
    for (const Format& own : settled(name, format))
      if (const auto scales = scales_on_grid(values, own)) {
        ++summary_.exact;
        const Tensor exact = values.to(at::kFloat);
        summary_.energy += total(exact.square());
        return packing_of(method_).pack({exact, *scales}, own);
      }
    require(!request_.exact, "convert",
            name + ": its values are no codes of " + request_.target.weight.name +
                instead_of_packed);
    RoundedParts rounded = round_and_pack(values, format, packing_of(method_));
    summary_.error += rounded.error;
    summary_.energy += rounded.energy;
    return std::move(rounded.parts);
  }

  const OpenedModel& opened_;
  const PackedForm& form_;
  const PackedRequest& request_;
  Method method_;
  PackedSummary summary_;
  /// Whether the model's linears are stored in the wanted format.
  bool same_format_ = opened_.quantized && !opened_.settings.weight.coded &&
                      opened_.settings.weight.base_name() == request_.target.weight.base_name() &&
                      has_certificates(opened_.settings);
};

} // namespace

PackedSummary export_packed(const OpenedModel& opened, const PackedForm& form,
                            const std::filesystem::path& folder, const PackedRequest& request,
                            const std::function<void(std::int64_t)>& each_block) {
  Export writing(opened, form, request);
  const Model& model = opened.model;
  check_method(writing.method(), model);
  require(!std::filesystem::exists(folder) || std::filesystem::is_empty(folder), "export",
          folder.string() + ": exists and is not empty; choose another --out");
  make_directory(folder);
  const PackedSummary summary = writing.run(folder, each_block);
  carry_files(model.path, folder);
  write_text(folder / "config.json",
             form.config(opened, writing.method()).dump(2) + "\n"); // last: marks a whole folder
  return summary;
}

} // namespace latticelens
