#include "quantize/method.h"

#include "core/error.h"
#include "core/words.h"
#include "formats/kept_values.h"
#include "lattice/order.h"
#include "quantize/published_layouts.h"
#include <algorithm>
#include <set>

namespace latticelens {
namespace {

std::vector<TransformSpec> parse_transforms(const std::string& text) {
  std::vector<TransformSpec> specs;
  for (const std::string& part : words_of(text, ','))
    specs.push_back(parse_transform(part));
  std::sort(specs.begin(), specs.end(),
            [](const auto& a, const auto& b) { return a.site < b.site; });
  for (std::size_t i = 1; i < specs.size(); ++i)
    require(specs[i].site != specs[i - 1].site, "method",
            "two transforms at one site: " + to_text(specs[i - 1]) + " and " + to_text(specs[i]));
  const auto is_online = [](const TransformSpec& spec) {
    return spec.site == Site::inputs || spec.site == Site::down_input;
  };
  require(std::count_if(specs.begin(), specs.end(), is_online) <= 1, "method",
          "down_input is one of inputs: leave one of the two transforms out");
  return specs;
}

template<typename Value>
Value choose(const std::string& key, const std::string& text,
             std::initializer_list<std::pair<const char*, Value>> known) {
  std::string names;
  for (const auto& [name, value] : known) {
    if (text == name)
      return value;
    names += (names.empty() ? "" : " or ") + std::string(name);
  }
  throw Error("method", key + "=" + text + " is unknown; write " + key + "=" + names);
}

std::optional<Format> parse_format_or_none(const std::string& text) {
  return text == "none" ? std::nullopt : std::optional(parse_format(text));
}

double parse_strength(const std::string& text) {
  const double strength = parse_number(text, "method", "smooth=" + text);
  require(strength > 0 && strength < 1, "method",
          "smooth=" + text + ": the strength lies between 0 and 1; SmoothQuant has 0.5");
  return strength;
}

void set(Method& method, const std::string& key, const std::string& value) {
  if (key == "rotate")
    method.transforms = parse_transforms(value);
  else if (key == "permute")
    method.permutation = parse_permutation(value);
  else if (key == "smooth")
    method.smoothing = parse_strength(value);
  else if (key == "learn")
    method.learn = parse_learnings(value);
  else if (key == "weight")
    method.weight = parse_format(value);
  else if (key == "activation")
    method.activation = parse_format_or_none(value);
  else if (key == "centre")
    method.centred = choose<bool>(key, value, {{"none", false}, {"mean", true}});
  else if (key == "kv")
    method.kv = parse_format_or_none(value);
  else if (key == "rounding")
    method.rounding = parse_rounding(value);
  else if (key == "scales")
    method.scales = parse_scales(value);
  else if (key == "order")
    method.order = order_row(value).name;
  else if (key == "moments")
    method.moments = choose<MomentsPath>(
        key, value, {{"original", MomentsPath::original}, {"quantized", MomentsPath::quantized}});
  else if (key == "importance")
    method.importance = choose<bool>(key, value, {{"alike", false}, {"gradient", true}});
  else if (key == "target")
    method.target = choose<Target>(key, value,
                                   {{"quantized", Target::quantized},
                                    {"original", Target::original},
                                    {"original+drift", Target::original_with_drift}});
  else
    throw Error("method",
                "\"" + key +
                    "\" is unknown; known: permute, smooth, rotate, learn, weight, "
                    "activation, centre, kv, rounding, order, scales, importance, target, moments");
}

/// Whether the rounding leaves nothing but codes and scales.
bool stores_codes_alone(const Method& method) {
  return &rounding_row(method.rounding.name).packing() == &grid_packing();
}

bool quantizes_while_learning(const Method& method, const LearnSpec& spec) {
  return method.activation || method.kv || spec.count("weights") == 1;
}

/// Whether it acts on the weights alone, and is known before anything is learned.
bool folds(Site site) {
  return site == Site::residual || site == Site::value_output;
}

/// What is learned of weights is learned before anything is rounded.
void check_target_and_transforms(const Method& method, const LearnSpec& spec) {
  const std::string learn = "learn=" + spec.name + ": ";
  require(method.target == Target::quantized, "method",
          learn + "weights that have learned have no original outputs to come close to; "
                  "leave target= out");
  for (const TransformSpec& transform : method.transforms)
    require(folds(transform.site) || !needs_calibration(transform), "method",
            learn + to_text(transform) +
                " is chosen while blocks are rounded, after learning; write for example "
                "hadamard:32@down_input");
}

void check_learned_weights(const Method& method, const LearnSpec& spec) {
  require(quantizes_while_learning(method, spec), "method",
          "learn=weights: nothing is quantized that weights could learn from; write "
          "activation=FORMAT or learn=weights:weights=1");
  check_target_and_transforms(method, spec);
}

void check_learned_blocks(const Method& method, const LearnSpec& spec) {
  require(!learning(method, "weights"), "method",
          "learn=blocks and learn=weights both leave the weights that are rounded; write one of "
          "them, or learn=blocks;codes");
  check_target_and_transforms(method, spec);
  require(method.rounding.name == "nearest", "method",
          "learn=blocks: the weights that it leaves are rounded already, rounding=" +
              method.rounding.name + " would change them; write rounding=nearest");
  require(!method.smoothing && !transform_at(method, Site::residual), "method",
          "learn=blocks: the norms' gains are learned, which smooth= would change first and a "
          "rotation of the residual stream fold away; leave them out");
  require(nearest_keeps_values(method.weight), "method",
          "learn=blocks: rounding to nearest again would change weights that lie on the grid of " +
              method.weight.name +
              "; take power-of-two scales whose rule keeps them, as mxfp4, mxfp4/even or "
              "mxfp4/7.25");
}

void check_learned_rotations(const Method& method, const LearnSpec& spec) {
  require(transform_at(method, Site::residual) || transform_at(method, Site::value_output),
          "method",
          "learn=rotations: there is no rotation to learn; write for example "
          "rotate=hadamard:32@residual,hadamard:32@value_output");
  for (const TransformSpec& transform : method.transforms)
    require(!folds(transform.site) || !needs_calibration(transform), "method",
            "learn=rotations: " + to_text(transform) +
                " follows from calibration, not from learning; write for example " +
                to_text(TransformSpec{"hadamard", transform.size, transform.site}));
  require(
      quantizes_while_learning(method, spec), "method",
      "learn=rotations: nothing is quantized that a rotation could help; write activation=FORMAT "
      "or learn=rotations:weights=1");
}

void check_learning(const Method& method) {
  for (const LearnSpec& spec : method.learn)
    require(!method.centred || spec.name == "codes", "method",
            "learn=" + spec.name +
                ": centre=mean is chosen while blocks are rounded, after learning; leave it out, "
                "or write learn=codes");
  if (const LearnSpec* spec = learning(method, "rotations"))
    check_learned_rotations(method, *spec);
  if (const LearnSpec* spec = learning(method, "weights"))
    check_learned_weights(method, *spec);
  if (const LearnSpec* spec = learning(method, "blocks"))
    check_learned_blocks(method, *spec);
  if (learning(method, "codes"))
    require(stores_codes_alone(method), "method",
            "learn=codes: rounding=" + method.rounding.name +
                " stores more than codes and scales; take another rounding, as gptq");
}

void check_coded(const Method& method) {
  const auto refuse = [](const Format& format, const char* key) {
    require(!format.coded, "method",
            std::string(key) + "=" + format.name +
                ": GGUF types are formats of weights only; their scales are chosen for a whole "
                "weight");
  };
  if (method.activation)
    refuse(*method.activation, "activation");
  if (method.kv)
    refuse(*method.kv, "kv");
  require(!method.weight.scale_of_token, "method",
          "weight=" + method.weight.name + ": weights have no tokens; leave /token out");
  if (!method.weight.coded)
    return;
  require(stores_codes_alone(method), "method",
          "weight=" + method.weight.name + ": rounding=" + method.rounding.name +
              " stores more than codes and scales; take another rounding, as gptq");
  require(method.learn.empty(), "method",
          "weight=" + method.weight.name +
              ": learning does not know its scales; leave learn= out, or take another format");
}

} // namespace

const PublishedLayout* layout_of(const Method& method) {
  return stores_codes_alone(method) && !has_input_transforms(method) && !method.centred
             ? published_layout(method.weight, method.activation)
             : nullptr;
}

const Packing& packing_of(const Method& method) {
  if (!stores_codes_alone(method))
    return rounding_row(method.rounding.name).packing();
  if (method.weight.coded)
    return coded_packing();
  const PublishedLayout* published = layout_of(method);
  return published ? published->packing() : grid_packing();
}

bool has_certificates(const Method& method) {
  return stores_codes_alone(method);
}

Method parse_method(std::string_view text) {
  Method method{.rounding = parse_rounding("nearest")};
  std::set<std::string> seen;
  for (const std::string& word : words_of(text, ' ')) {
    const std::size_t equals = word.find('=');
    require(equals != std::string::npos, "method",
            "\"" + word +
                "\" is not KEY=VALUE; example: weight=mxfp4 activation=mxfp4 rounding=gptq");
    const std::string key = word.substr(0, equals);
    require(seen.insert(key).second, "method", "\"" + key + "\" is given twice");
    set(method, key, word.substr(equals + 1));
  }
  require(seen.contains("weight"), "method", "no weight format; write for example weight=mxfp4");
  const bool uses_moments = rounding_row(method.rounding.name).uses_moments;
  for (const char* key : {"order", "scales", "target", "moments", "importance"})
    require(uses_moments || !seen.contains(key), "method",
            std::string(key) + "= means nothing with rounding=" + method.rounding.name +
                ", which uses no moments; leave it out");
  require(!method.centred || method.activation, "method",
          "centre=mean: no activation is quantized around it; write activation=FORMAT, or leave it "
          "out");
  check_coded(method);
  check_learning(method);
  const TransformSpec* query_key = transform_at(method, Site::query_key);
  require(
      !query_key || method.kv, "method",
      "rotate=" + (query_key ? to_text(*query_key) : "") +
          ": without a quantized KV cache it changes nothing; write kv=FORMAT, or leave it out");
  require(!method.smoothing || !transform_at(method, Site::residual), "method",
          "smooth= changes the norms' gains, which a rotation of the residual stream folds away; "
          "leave one of them out");
  return method;
}

std::string to_text(const Method& method) {
  std::vector<std::string> words;
  const auto add = [&](const char* key, const std::string& value) {
    words.push_back(std::string(key) + "=" + value);
  };
  if (method.permutation)
    add("permute", to_text(*method.permutation));
  if (method.smoothing)
    add("smooth", shortest(*method.smoothing));
  std::vector<std::string> transforms;
  for (const TransformSpec& spec : method.transforms)
    transforms.push_back(to_text(spec));
  if (!transforms.empty())
    add("rotate", joined(transforms, ","));
  if (!method.learn.empty())
    add("learn", to_text(method.learn));
  add("weight", method.weight.name);
  add("activation", method.activation ? method.activation->name : "none");
  if (method.centred)
    add("centre", "mean");
  if (method.kv)
    add("kv", method.kv->name);
  add("rounding", to_text(method.rounding));
  if (!rounding_row(method.rounding.name).uses_moments)
    return joined(words, " ");
  if (method.order != "natural")
    add("order", method.order);
  add("scales", to_text(method.scales));
  if (method.importance)
    add("importance", "gradient");
  if (method.target != Target::quantized)
    add("target", method.target == Target::original ? "original" : "original+drift");
  add("moments", method.moments == MomentsPath::original ? "original" : "quantized");
  return joined(words, " ");
}

const TransformSpec* transform_at(const Method& method, Site site) {
  for (const TransformSpec& spec : method.transforms)
    if (spec.site == site)
      return &spec;
  return nullptr;
}

const TransformSpec* online_rotation(const Method& method) {
  const TransformSpec* spec = transform_at(method, Site::down_input);
  return spec && !needs_calibration(*spec) ? spec : nullptr;
}

const TransformSpec* input_transform(const Method& method, const Layout& layout,
                                     const std::string& stage) {
  if (const TransformSpec* everywhere = transform_at(method, Site::inputs))
    return everywhere;
  const TransformSpec* down = transform_at(method, Site::down_input);
  if (!down || !needs_calibration(*down))
    return nullptr;
  const std::vector<OnlineInput>& inputs = layout.rotation.down;
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const OnlineInput& input) { return input.stage == stage; })
             ? down
             : nullptr;
}

bool has_input_transforms(const Method& method) {
  const TransformSpec* down = transform_at(method, Site::down_input);
  return transform_at(method, Site::inputs) || (down && needs_calibration(*down));
}

const LearnSpec* learning(const Method& method, std::string_view name) {
  for (const LearnSpec& spec : method.learn)
    if (spec.name == name)
      return &spec;
  return nullptr;
}

bool needs_text(const Method& method) {
  return !method.learn.empty() || method.smoothing || method.centred ||
         (method.activation && method.activation->has_calibrated_scale()) ||
         (method.permutation && permutation_row(*method.permutation).needs_text) ||
         rounding_row(method.rounding.name).uses_moments ||
         std::any_of(method.transforms.begin(), method.transforms.end(),
                     [](const TransformSpec& spec) { return needs_calibration(spec); });
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> table = {
      {"rtn", "round to nearest", "weight=mxfp4/away activation=mxfp4/away rounding=nearest"},
      {"gptq", "error feedback, no rotation",
       "weight=mxfp4/away activation=mxfp4/away rounding=gptq:damp=0.01 scales=stale "
       "moments=original"},
      {"smoothquant", "channels' spread moved into the weights, round to nearest",
       "smooth=0.5 weight=mxfp4/away activation=mxfp4/away rounding=nearest"},
      {"quarot", "full Hadamard rotations, round to nearest",
       "rotate=hadamard@residual,hadamard@value_output,hadamard@down_input weight=mxfp4/away "
       "activation=mxfp4/away rounding=nearest"},
      {"quarot+", "full Hadamard rotations, error feedback",
       "rotate=hadamard@residual,hadamard@value_output,hadamard@down_input weight=mxfp4/away "
       "activation=mxfp4/away "
       "rounding=gptq:damp=0.01 scales=stale moments=original"},
      {"brq", "block rotations of 32, error feedback: the block-rotation paper's method",
       "rotate=hadamard:32@residual,hadamard:32@value_output,hadamard:32@down_input "
       "weight=mxfp4/away activation=mxfp4/away "
       "rounding=gptq:damp=0.01 scales=stale moments=original"},
      {"spinquant", "full rotations, R1 and R2 learned, error feedback",
       "rotate=hadamard@residual,hadamard@value_output,hadamard@down_input "
       "learn=rotations:kl=0,momentum=0,rate=1.5,steps=100,tokens=2048,weights=0 "
       "weight=mxfp4/away activation=mxfp4/away "
       "rounding=gptq:damp=0.01 scales=stale moments=original"},
      {"brq-spin", "brq with the blocks of R1 and R2 learned",
       "rotate=hadamard:32@residual,hadamard:32@value_output,hadamard:32@down_input "
       "learn=rotations:kl=0,momentum=0,rate=1.5,steps=100,tokens=2048,weights=0 "
       "weight=mxfp4/away activation=mxfp4/away "
       "rounding=gptq:damp=0.01 scales=stale moments=original"},
      {"omniquant", "clipping and channels' scales learned block by block, round to nearest",
       "learn=blocks:clip-rate=0.2,rate=0.02,steps=64,tokens=2048 "
       "weight=mxfp4/away activation=mxfp4/away rounding=nearest"},
      {"lens",
       "graded channels, inputs and weights kept apart before block rotations of 32, data-aware "
       "values, centred inputs; brq's cost online and a subtraction",
       "permute=graded rotate=separated:32@residual,aware@value_output,aware:32@down_input "
       "weight=mxfp4/7.25 activation=mxfp4/7.25 centre=mean "
       "rounding=descent:damp=auto,pairs=0,paths=4 order=min-pivot scales=search:3 "
       "importance=gradient moments=quantized"},
      {"lens-online",
       "a data-aware 32 x 32 transform of every block of every linear's centred input",
       "rotate=aware:32@inputs weight=mxfp4/7.25 activation=mxfp4/7.25 centre=mean "
       "rounding=descent:damp=auto,pairs=0,paths=4 order=min-pivot scales=search:3 "
       "importance=gradient target=original+drift moments=quantized"},
      {"lens-tuned", "lens with its codes learned down the model's divergence",
       "permute=graded rotate=separated:32@residual,aware@value_output,aware:32@down_input "
       "learn=codes:rate=3e-04,steps=65,tokens=2048 weight=mxfp4/7.25 activation=mxfp4/7.25 "
       "centre=mean "
       "rounding=descent:damp=auto,pairs=0,paths=4 order=min-pivot scales=search:3 "
       "importance=gradient moments=quantized"},
  };
  return table;
}

Method preset_method(const std::string& name) {
  std::string known;
  for (const Preset& preset : presets()) {
    if (name == preset.name)
      return parse_method(preset.method);
    known += (known.empty() ? "" : ", ") + std::string(preset.name);
  }
  throw Error("method", "preset \"" + name + "\" is unknown; known: " + known);
}

} // namespace latticelens
