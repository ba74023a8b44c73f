#include "checkpoint/gguf_header.h"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "checkpoint/json_keys.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;

constexpr std::size_t kLongestText = 4096;
constexpr std::size_t kLongestList = 4096;
constexpr std::uint64_t kMostEntries = 1 << 20;

enum Type : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};

// Bytes of one value of a fixed size; 0 for the others.
std::size_t SizeOf(std::uint32_t type) {
  static constexpr std::array<std::size_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < kSizes.size() ? kSizes[type] : 0;
}

// Numbers are little-endian. Every read fails at the end of the bytes and from then on.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool failed() const { return failed_; }

  std::string_view Take(std::uint64_t size) {
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::uint64_t Unsigned(std::size_t size) {
    std::uint64_t number = 0;
    const std::string_view taken = Take(size);
    for (std::size_t i = 0; i < taken.size(); ++i)
      number |= static_cast<std::uint64_t>(static_cast<unsigned char>(taken[i])) << (8 * i);
    return number;
  }

  std::string_view Text() { return Take(Unsigned(8)); }

  // A whole number or boolean; nullopt for a fraction, which is skipped.
  std::optional<std::int64_t> Number(std::uint32_t type) {
    const std::size_t size = SizeOf(type);
    const std::uint64_t raw = Unsigned(size);
    if (failed_ || type == kFloat32 || type == kFloat64) return std::nullopt;
    const bool is_signed = type == kInt8 || type == kInt16 || type == kInt32;
    if (is_signed) {
      const unsigned shift = static_cast<unsigned>(64 - 8 * size);
      return static_cast<std::int64_t>(raw << shift) >> shift;
    }
    if (type == kUint64 && raw > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(raw);
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

void ReadArray(Bytes& bytes, const std::string& key, GgufHeader& header) {
  const auto type = static_cast<std::uint32_t>(bytes.Unsigned(4));
  const std::uint64_t length = bytes.Unsigned(8);
  if (bytes.failed() || length > static_cast<std::uint64_t>(INT64_MAX)) return;
  header.lengths[key] = static_cast<std::int64_t>(length);
  const std::size_t size = SizeOf(type);
  if (type == kString) {
    for (std::uint64_t i = 0; i < length && !bytes.failed(); ++i) bytes.Text();
  } else if (size == 0) {
    bytes.Take(UINT64_MAX);  // lists of lists are in no file: what follows cannot be found
  } else if (length > kLongestList) {
    bytes.Take(length > UINT64_MAX / size ? UINT64_MAX : length * size);
  } else {
    std::vector<std::int64_t> list;
    for (std::uint64_t i = 0; i < length; ++i) {
      if (const auto number = bytes.Number(type)) list.push_back(*number);
    }
    if (list.size() == length && !bytes.failed()) header.lists[key] = std::move(list);
  }
}

// ggml.h, enum ggml_type; "" = a number that was removed.
std::string TypeName(std::uint64_t type) {
  static constexpr std::array<std::string_view, 41> kNames = {
      "F32",   "F16",    "Q4_0",  "Q4_1", "",     "",        "Q5_0",   "Q5_1",    "Q8_0",  "Q8_1",   "Q2_K",
      "Q3_K",  "Q4_K",   "Q5_K",  "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S",
      "IQ2_S", "IQ4_XS", "I8",    "I16",  "I32",  "I64",     "F64",    "IQ1_M",   "BF16",  "",       "",
      "",      "TQ1_0",  "TQ2_0", "",     "",     "",        "MXFP4",  "NVFP4"};
  const bool known = type < kNames.size() && !kNames[type].empty();
  return known ? std::string(kNames[type]) : "type " + std::to_string(type);
}

// Name, dimensions, type and offset of each tensor.
void ReadTensorTypes(Bytes& bytes, std::uint64_t tensors, GgufHeader& header) {
  for (std::uint64_t i = 0; i < tensors; ++i) {
    bytes.Text();
    const std::uint64_t dimensions = bytes.Unsigned(4);
    bytes.Take(8 * dimensions);
    const std::uint64_t type = bytes.Unsigned(4);
    bytes.Unsigned(8);
    if (bytes.failed()) return;
    ++header.tensor_types[TypeName(type)];
  }
  header.all_tensors = true;
}

}  // namespace

base::Result<GgufHeader> ReadGgufHeader(std::string_view text) {
  Bytes bytes(text);
  if (bytes.Take(4) != "GGUF") return base::Invalid("is not a GGUF file");
  const std::uint64_t version = bytes.Unsigned(4);
  if (bytes.failed() || version < 2 || version > 3)
    return base::Invalid("is GGUF of version " + std::to_string(version) + "; 2 and 3 are known");
  const std::uint64_t tensors = bytes.Unsigned(8);
  const std::uint64_t entries = bytes.Unsigned(8);
  GgufHeader header;
  for (std::uint64_t i = 0; i < entries && i < kMostEntries; ++i) {
    const std::string_view key_text = bytes.Text();
    const auto type = static_cast<std::uint32_t>(bytes.Unsigned(4));
    if (bytes.failed()) return header;
    const std::string key(key_text.substr(0, kLongestText));
    if (type == kString) {
      const std::string_view value = bytes.Text();
      if (!bytes.failed()) header.texts[key] = std::string(value.substr(0, kLongestText));
    } else if (type == kArray) {
      ReadArray(bytes, key, header);
    } else if (SizeOf(type) > 0) {
      const auto number = bytes.Number(type);
      if (number) header.numbers[key] = *number;
    } else {
      return header;  // of a type that is not known, and so of a length that is not known
    }
    if (bytes.failed()) return header;
  }
  header.complete = !bytes.failed() && entries <= kMostEntries;
  if (header.complete) ReadTensorTypes(bytes, tensors, header);
  return header;
}

namespace {

// Layers that keep a window of the context are true in this list.
constexpr std::string_view kGgufPattern = "attention.sliding_window_pattern";

// What follows the architecture in a key, and config.json's word for it.
struct GgufKey {
  std::string_view from, to;
};
constexpr std::array kGgufKeys = {
    GgufKey{"block_count", "num_hidden_layers"},
    GgufKey{"embedding_length", "hidden_size"},
    GgufKey{"feed_forward_length", "intermediate_size"},
    GgufKey{"attention.head_count", "num_attention_heads"},
    GgufKey{"attention.head_count_kv", "num_key_value_heads"},
    GgufKey{"attention.key_length", "head_dim"},
    GgufKey{"attention.value_length", "v_head_dim"},
    GgufKey{"attention.key_length_swa", "swa_head_dim"},
    GgufKey{"attention.value_length_swa", "swa_v_head_dim"},
    GgufKey{"attention.sliding_window", "sliding_window"},
    GgufKey{kGgufPattern, "sliding_window_pattern"},
    GgufKey{"attention.shared_kv_layers", "num_kv_shared_layers"},
    GgufKey{"attention.kv_lora_rank", "kv_lora_rank"},
    GgufKey{"attention.q_lora_rank", "q_lora_rank"},
    GgufKey{"rope.dimension_count", "rope_dimension_count"},
    GgufKey{"context_length", "max_position_embeddings"},
    GgufKey{"vocab_size", "vocab_size"},
    GgufKey{"expert_count", "num_experts"},
    GgufKey{"expert_used_count", "num_experts_per_tok"},
    GgufKey{"expert_shared_count", "n_shared_experts"},
    GgufKey{"expert_feed_forward_length", "moe_intermediate_size"},
    GgufKey{"expert_shared_feed_forward_length", "shared_expert_intermediate_size"},
    GgufKey{"leading_dense_block_count", "first_k_dense_replace"},
    GgufKey{"full_attention_interval", "full_attention_interval"},
    GgufKey{"ssm.state_size", "ssm_state_size"},
    GgufKey{"ssm.conv_kernel", "conv_kernel"},
    GgufKey{"wkv.head_size", "rwkv_head_size"},
    GgufKey{"shortconv.l_cache", "conv_L_cache"},
};

}  // namespace

json ConfigOfGguf(const GgufHeader& header) {
  json config = json::object();
  const auto architecture = header.texts.find("general.architecture");
  if (architecture == header.texts.end()) return config;
  config["model_type"] = architecture->second;
  const std::string prefix = architecture->second + ".";
  for (const GgufKey& renamed : kGgufKeys) {
    const std::string key = prefix + std::string(renamed.from);
    if (const auto number = header.numbers.find(key); number != header.numbers.end())
      config[std::string(renamed.to)] = number->second;
    if (const auto list = header.lists.find(key); list != header.lists.end())
      config[std::string(renamed.to)] = list->second;
  }
  if (const auto tokens = header.lengths.find("tokenizer.ggml.tokens");
      tokens != header.lengths.end() && !config.contains("vocab_size"))
    config["vocab_size"] = tokens->second;
  // block_count counts the blocks that predict further tokens, which come last; engines keep no cache for them.
  const auto further = header.numbers.find(prefix + "nextn_predict_layers");
  const auto blocks = IntegerOf(&config, "num_hidden_layers");
  if (further != header.numbers.end() && blocks && further->second > 0 && further->second < *blocks) {
    config["num_hidden_layers"] = *blocks - further->second;
    for (json& value : config) {
      if (value.is_array() && value.size() == static_cast<std::size_t>(*blocks))
        value.erase(value.end() - further->second, value.end());
    }
  }
  // The format defines what a missing key means (docs/gguf.md).
  if (!config.contains("num_key_value_heads") && config.contains("num_attention_heads"))
    config["num_key_value_heads"] = config["num_attention_heads"];
  const auto heads = IntegerOf(&config, "num_attention_heads");
  const auto width = IntegerOf(&config, "hidden_size");
  if (heads && width && *heads > 0 && *width % *heads == 0) {
    for (const char* key : {"head_dim", "v_head_dim"}) {
      if (!config.contains(key)) config[key] = *width / *heads;
    }
  }
  if (const auto pattern = IntegersOf(Find(&config, "sliding_window_pattern"))) {
    json types = json::array();
    for (const std::int64_t windowed : *pattern)
      types.push_back(windowed != 0 ? "sliding_attention" : "full_attention");
    config["layer_types"] = std::move(types);
    config.erase("sliding_window_pattern");
  }
  // Its key and value lengths describe the compressed cache.
  if (config.contains("kv_lora_rank") && config.contains("rope_dimension_count")) {
    config["qk_rope_head_dim"] = config["rope_dimension_count"];
    config.erase("v_head_dim");
  }
  config.erase("rope_dimension_count");
  return config;
}

std::map<std::string, std::string, std::less<>> GgufKeys(const GgufHeader& header) {
  std::map<std::string, std::string, std::less<>> keys;
  const auto architecture = header.texts.find("general.architecture");
  if (architecture == header.texts.end()) return keys;
  const auto key_of = [&](std::string_view from) { return architecture->second + "." + std::string(from); };
  for (const GgufKey& renamed : kGgufKeys) keys[std::string(renamed.to)] = key_of(renamed.from);
  keys["layer_types"] = key_of(kGgufPattern);
  return keys;
}

}  // namespace autotune::checkpoint
