// What a checkpoint's files say together, read from a directory; the hub's reader has hub_test.cpp.

#include "checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "checkpoint/directory.h"
#include "checkpoint/gguf_header.h"
#include "checkpoint/python_json.h"
#include "checkpoint/safetensors_header.h"

namespace autotune::checkpoint {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kLlama =
    R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","torch_dtype":"bfloat16","num_hidden_layers":16,)"
    R"("hidden_size":2048,"intermediate_size":8192,"num_attention_heads":32,"num_key_value_heads":8,"vocab_size":128256})";

class InDirectory : public testing::Test {
 protected:
  InDirectory() {
    char path[] = "/tmp/autotune-model-XXXXXX";
    directory_ = ::mkdtemp(path);
  }
  ~InDirectory() override { std::filesystem::remove_all(directory_); }

  void Write(const std::string& name, const std::string& text) { std::ofstream(directory_ + "/" + name) << text; }
  // A file of this size that takes no space.
  void Sized(const std::string& name, std::uintmax_t bytes) {
    Write(name, "");
    std::filesystem::resize_file(directory_ + "/" + name, bytes);
  }
  base::Result<ModelFacts> Read(const std::string& name = "") {
    auto files = OpenDirectory(directory_ + (name.empty() ? "" : "/" + name));
    if (!files) return files.error();
    return ReadCheckpoint(**files);
  }
  std::string Error() {
    const auto facts = Read();
    return facts ? "accepted" : facts.error().message;
  }

  std::string directory_;
};

// ---- Which weights count --------------------------------------------------------------------------------------------

TEST(Weights, AreOneSetOnce) {
  struct Row {
    std::string files;  // "name:bytes ..."
    std::string index;  // of the file that decides; "" = there is none
    std::optional<std::int64_t> bytes;
    std::string first;
  };
  const std::string index =
      R"({"metadata":{"total_size":95},"weight_map":{"a":"model-1-of-2.safetensors","b":"model-2-of-2.safetensors"}})";
  const std::vector<Row> rows = {
      {"model.safetensors:70 pytorch_model.bin:71", "", 70, "model.safetensors"},
      {"model.safetensors:70 model.gguf:30", "", 70, "model.safetensors"},
      {"model.safetensors:70 consolidated.safetensors:72", "", 70, "model.safetensors"},
      {"model-00001-of-00002.safetensors:60 model-00002-of-00002.safetensors:40 consolidated.safetensors:100", "", 100,
       "model-00001-of-00002.safetensors"},
      {"model-00001-of-00002.safetensors:60 model-00002-of-00002.safetensors:40 adapter_model.safetensors:5 "
       "mm_projector.safetensors:7",
       "", 100, "model-00001-of-00002.safetensors"},
      {"model-1-of-2.safetensors:60 model-2-of-2.safetensors:40 consolidated.safetensors:100 "
       "model.safetensors.index.json:9",
       index, 100, "model-1-of-2.safetensors"},
      // Only the index was downloaded: its total counts.
      {"model.safetensors.index.json:9", index, 95, ""},
      {"model-1-of-2.safetensors:60 model.safetensors.index.json:9", index, 95, "model-1-of-2.safetensors"},
      {"model.safetensors.index.json:9 pytorch_model.bin:50", index, 95, ""},
      {"consolidated.safetensors:80 params.json:1", "", 80, "consolidated.safetensors"},
      {"consolidated-00001-of-00002.safetensors:40 consolidated-00002-of-00002.safetensors:39", "", 79,
       "consolidated-00001-of-00002.safetensors"},
      {"pytorch_model.bin:71 training_args.bin:4 optimizer.bin:200", "", 71, "pytorch_model.bin"},
      {"pytorch_model-00001-of-00002.bin:50 pytorch_model-00002-of-00002.bin:21", "", 71,
       "pytorch_model-00001-of-00002.bin"},
      {"model-Q8_0.gguf:80", "", 80, "model-Q8_0.gguf"},
      {"m-00001-of-00002.gguf:80 m-00002-of-00002.gguf:20 mmproj-f16.gguf:7", "", 100, "m-00001-of-00002.gguf"},
      {"m-Q4_K_M.gguf:40 m-Q8_0.gguf:80", "", std::nullopt, "m-Q4_K_M.gguf"},
      {"README.md:3", "", std::nullopt, ""},
  };
  for (const Row& row : rows) {
    std::vector<FileEntry> files;
    std::istringstream words(row.files);
    for (std::string word; words >> word;) {
      const std::size_t colon = word.find(':');
      files.push_back({word.substr(0, colon), std::stoll(word.substr(colon + 1))});
    }
    EXPECT_EQ(IndexOf(files).has_value(), !row.index.empty()) << row.files;
    base::Result<WeightIndex> read = row.index.empty() ? WeightIndex() : ReadWeightIndex(row.index, "index");
    ASSERT_TRUE(read.ok());
    const WeightFiles weights = ChooseWeights(files, row.index.empty() ? nullptr : &*read);
    EXPECT_EQ(weights.bytes, row.bytes) << row.files;
    EXPECT_EQ(weights.files.empty() ? "" : weights.files.front(), row.first) << row.files;
  }
}

TEST(Weights, SayWhichFilesOfTheIndexAreMissing) {
  const auto index =
      ReadWeightIndex(R"({"metadata":{"total_size":9e1},"weight_map":{"a":"x.safetensors","b":"y.safetensors"}})", "i");
  ASSERT_TRUE(index.ok());
  EXPECT_EQ(index->total_size, 90);
  const WeightFiles weights = ChooseWeights({{"model.safetensors.index.json", 5}, {"x.safetensors", 50}}, &*index);
  EXPECT_THAT(weights.notes, ElementsAre("i: 1 of the 2 files that it names are missing, the first is y.safetensors"));
}

// ---- Directories ----------------------------------------------------------------------------------------------------

// Ascend's ModelSlim: config.json is that of the unquantized model.
TEST_F(InDirectory, ModelSlimsOwnFileSaysThatTheWeightsAreForeign) {
  Write("config.json", kLlama);
  EXPECT_EQ(Read()->quantization, "none");
  Write("quant_model_description_w8a8_dynamic.json", R"({"model_quant_type": "W8A8_DYNAMIC"})");
  const auto facts = Read();
  EXPECT_EQ(facts->quantization, "modelslim");
  EXPECT_EQ(facts->family, "foreign");
}

TEST_F(InDirectory, ReadsWhoseCodeTheTokenizerIs) {
  Write("config.json", kLlama);
  EXPECT_FALSE(Read()->remote_tokenizer);
  Write("tokenizer_config.json", R"({"tokenizer_class": "PreTrainedTokenizerFast"})");
  EXPECT_FALSE(Read()->remote_tokenizer);
  Write("tokenizer_config.json", R"({"auto_map": {"AutoTokenizer": ["tokenization_kimi.TikTokenTokenizer", null]}})");
  const auto facts = Read();
  EXPECT_TRUE(facts->remote_tokenizer);
  EXPECT_FALSE(facts->remote_code);
  EXPECT_TRUE(ModelFactsFromJson(ToJson(*facts))->remote_tokenizer);
  Write("tokenizer_config.json", "{");
  EXPECT_FALSE(Read()->remote_tokenizer);
  EXPECT_THAT(Read()->notes, Contains(HasSubstr("tokenizer_config.json")));
}

TEST_F(InDirectory, CountsTheWeightsOfALargeModelOnce) {
  Write("config.json", kLlama);
  Write("model.safetensors.index.json",
        R"({"metadata":{"total_size":48022792192},"weight_map":{"a":"model-00001-of-00001.safetensors"}})");
  Sized("model-00001-of-00001.safetensors", 48'022'800'000);
  Sized("consolidated.safetensors", 48'022'800'000);
  EXPECT_EQ(Read()->weight_bytes, 48'022'792'192) << "the tensors, without the header";
}

std::string SafetensorsFile(const std::string& header, std::size_t tensors) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
  return bytes + header + std::string(tensors, 'w');
}

// kLlama has 16 layers. DeepSeek's layer behind the last one, and Qwen's "mtp".
TEST_F(InDirectory, TellsTheBytesOfLayersThatOnlyDraft) {
  Write("config.json", kLlama);
  Write("model.safetensors.index.json", R"({"metadata":{"total_size":100},"weight_map":{
      "model.layers.15.mlp.up_proj.weight":"a.safetensors","model.layers.16.mlp.up_proj.weight":"b.safetensors",
      "model.visual.layers.20.mlp.weight":"a.safetensors","mtp.fc.weight":"b.safetensors","lm_head.weight":"b.safetensors"}})");
  Write("a.safetensors",
        SafetensorsFile(R"({"model.layers.15.mlp.up_proj.weight":{"dtype":"BF16","shape":[30],"data_offsets":[0,60]}})",
                        60));
  const std::string last = R"({"model.layers.16.mlp.up_proj.weight":{"dtype":"BF16","shape":[10],"data_offsets":[0,20]},
      "mtp.fc.weight":{"dtype":"BF16","shape":[2],"data_offsets":[20,24]},"lm_head.weight":{"dtype":"BF16","shape":[8],"data_offsets":[24,40]}})";
  Write("b.safetensors", SafetensorsFile(last, 40));
  const auto facts = Read();
  EXPECT_EQ(facts->draft_bytes, 24);
  EXPECT_EQ(ModelFactsFromJson(ToJson(*facts))->draft_bytes, 24);
  // One file without an index.
  std::filesystem::remove(directory_ + "/model.safetensors.index.json");
  std::filesystem::remove(directory_ + "/a.safetensors");
  std::filesystem::rename(directory_ + "/b.safetensors", directory_ + "/model.safetensors");
  EXPECT_EQ(Read()->draft_bytes, 24);
  // A header that cannot be read.
  Write("model.safetensors", "wwwwwwwwwww");
  EXPECT_FALSE(Read()->draft_bytes);
}

TEST_F(InDirectory, SaysWhenTheSizeIsNotKnown) {
  Write("config.json", kLlama);
  EXPECT_FALSE(Read()->weight_bytes);
  EXPECT_THAT(Read()->notes,
              Contains("the size of the weights is not known; only what its dimensions require at least is checked"));
}

TEST_F(InDirectory, ReadsMistralsOwnFilesWithoutAConfig) {
  Write("params.json",
        R"({"dim": 5120, "n_layers": 40, "head_dim": 128, "hidden_dim": 32768, "n_heads": 32, "n_kv_heads": 8,
    "vocab_size": 131072, "max_seq_len": 131072, "quantization": {"qformat_weight": "fp8_e4m3", "qscheme_act": "TENSOR"}})");
  Sized("consolidated.safetensors", 24'000'000'000);
  const auto facts = Read();
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_TRUE(facts->native_only);
  EXPECT_TRUE(ModelFactsFromJson(ToJson(*facts))->native_only);
  EXPECT_EQ(facts->layers, 40);
  EXPECT_EQ(facts->intermediate_size, 32768);
  EXPECT_EQ(facts->caches, (std::vector<KvCacheGroup>{{40, 8, 2048, 0}}));
  EXPECT_EQ(facts->family, "fp8");
  EXPECT_EQ(facts->weight_bytes, 24'000'000'000);
}

TEST_F(InDirectory, ReadsTheExpertsAndTheLatentAttentionOfParams) {
  Write("params.json",
        R"({"dim": 7168, "n_layers": 61, "head_dim": 128, "hidden_dim": 16384, "n_heads": 128, "n_kv_heads": 128,
    "vocab_size": 131072, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
    "v_head_dim": 128, "moe": {"num_experts": 128, "num_experts_per_tok": 4, "num_shared_experts": 1,
    "expert_hidden_dim": 4096, "first_k_dense_replace": 3}})");
  Sized("consolidated.safetensors", 10);
  const auto facts = Read();
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->experts, 128);
  EXPECT_EQ(facts->moe_intermediate_size, 4096);
  EXPECT_EQ(facts->moe_layers, 58);
  EXPECT_EQ(facts->caches, (std::vector<KvCacheGroup>{{61, 0, 576, 0}}));
}

// Writes GGUF metadata: an unsigned 32-bit number, a text or a list of texts.
class GgufWriter {
 public:
  GgufWriter& Number(const std::string& key, std::uint32_t value) {
    Key(key, 4);
    Raw(value, 4);
    return *this;
  }
  GgufWriter& Text(const std::string& key, const std::string& value) {
    Key(key, 8);
    String(value);
    return *this;
  }
  GgufWriter& Numbers(const std::string& key, const std::vector<std::uint32_t>& values) {
    Key(key, 9);
    Raw(4, 4);
    Raw(values.size(), 8);
    for (const std::uint32_t value : values) Raw(value, 4);
    return *this;
  }
  GgufWriter& Texts(const std::string& key, std::size_t count) {
    Key(key, 9);
    Raw(8, 4);
    Raw(count, 8);
    for (std::size_t i = 0; i < count; ++i) String("token");
    return *this;
  }
  GgufWriter& Tensor(const std::string& name, std::uint32_t type) {
    GgufWriter tensor;
    tensor.String(name);
    tensor.Raw(2, 4);
    for (const std::uint64_t size : {256U, 512U}) tensor.Raw(size, 8);
    tensor.Raw(type, 4);
    tensor.Raw(0, 8);
    tensors_ += tensor.bytes_;
    ++number_of_tensors_;
    return *this;
  }
  [[nodiscard]] std::string Bytes() const {
    GgufWriter head;
    head.bytes_ = "GGUF";
    head.Raw(3, 4);
    head.Raw(number_of_tensors_, 8);
    head.Raw(entries_, 8);
    return head.bytes_ + bytes_ + tensors_;
  }

 private:
  void Raw(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) bytes_ += static_cast<char>(value >> (8 * i));
  }
  void String(const std::string& text) {
    Raw(text.size(), 8);
    bytes_ += text;
  }
  void Key(const std::string& key, std::uint32_t type) {
    ++entries_;
    String(key);
    Raw(type, 4);
  }
  std::string bytes_, tensors_;
  std::uint64_t entries_ = 0, number_of_tensors_ = 0;
};

TEST_F(InDirectory, ReadsAGgufFileAlone) {
  const std::string bytes = GgufWriter()
                                .Text("general.architecture", "llama")
                                .Number("llama.block_count", 4)
                                .Number("llama.embedding_length", 512)
                                .Number("llama.feed_forward_length", 1024)
                                .Number("llama.attention.head_count", 8)
                                .Numbers("llama.attention.head_count_kv", {2, 2, 0, 4})
                                .Number("llama.context_length", 4096)
                                .Texts("tokenizer.ggml.tokens", 1000)
                                .Bytes();
  Write("model-Q4_K_M.gguf", bytes);
  const auto facts = Read();
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->family, "gguf");
  EXPECT_EQ(facts->layers, 4);
  EXPECT_EQ(facts->vocab_size, 1000);
  EXPECT_FALSE(facts->kv_heads) << "layers differ";
  EXPECT_EQ(facts->caches, (std::vector<KvCacheGroup>{{2, 2, 256, 0}, {1, 4, 512, 0}}));
  EXPECT_EQ(facts->weight_bytes, static_cast<std::int64_t>(bytes.size()));
  // One of several files, named.
  Write("model-Q8_0.gguf", bytes + bytes);
  EXPECT_FALSE(Read()->weight_bytes);
  EXPECT_EQ(Read("model-Q8_0.gguf")->weight_bytes, static_cast<std::int64_t>(2 * bytes.size()));
  EXPECT_FALSE(Read()->one_file);
  EXPECT_TRUE(Read("model-Q8_0.gguf")->one_file);
  EXPECT_TRUE(ModelFactsFromJson(ToJson(*Read("model-Q8_0.gguf")))->one_file);
}

// The vocabulary before the tensors is longer than what the model's numbers are read from.
TEST_F(InDirectory, NamesTheTypesOfTheTensorsInAGgufFile) {
  GgufWriter file;
  file.Text("general.architecture", "llama").Number("llama.block_count", 1).Texts("tokenizer.ggml.tokens", 40'000);
  for (const int type : {12, 0, 12, 14, 12, 39, 77, 0})
    file.Tensor("blk.0.attn_q.weight", static_cast<std::uint32_t>(type));
  Write("model-Q4_K_M.gguf", file.Bytes());
  const auto facts = Read();
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_THAT(facts->gguf_types, ElementsAre("Q4_K 3", "F32 2", "MXFP4 1", "Q6_K 1", "type 77 1"));
  EXPECT_EQ(ModelFactsFromJson(ToJson(*facts))->gguf_types, facts->gguf_types);
  // Which of two files is loaded is not known.
  Write("model-Q8_0.gguf", file.Bytes());
  EXPECT_THAT(Read()->gguf_types, IsEmpty());
  Write("model-Q8_0.gguf", file.Bytes().substr(0, file.Bytes().size() - 1));
  EXPECT_THAT(Read("model-Q8_0.gguf")->gguf_types, IsEmpty()) << "a file that ends too early";
}

TEST_F(InDirectory, CountsNoCacheForBlocksThatPredictFurtherTokens) {
  Write("model-Q4_K_M.gguf", GgufWriter()
                                 .Text("general.architecture", "glm4moe")
                                 .Number("glm4moe.block_count", 5)
                                 .Number("glm4moe.nextn_predict_layers", 1)
                                 .Number("glm4moe.embedding_length", 512)
                                 .Number("glm4moe.attention.head_count", 8)
                                 .Numbers("glm4moe.attention.head_count_kv", {2, 2, 2, 2, 2})
                                 .Bytes());
  const auto facts = Read();
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->layers, 4);
  EXPECT_EQ(facts->caches, (std::vector<KvCacheGroup>{{4, 2, 256, 0}}));
}

TEST_F(InDirectory, TakesNoWrapperForTheLanguageModelThatAnotherRepositoryHolds) {
  Write("config.json",
        R"({"architectures":["UltravoxModel"],"model_type":"ultravox","text_model_id":"org/llama","hidden_size":4096,)"
        R"("audio_config":{"num_hidden_layers":32},"torch_dtype":"bfloat16","vocab_size":128256})");
  Sized("model.safetensors", 1'366'275'264);
  const auto facts = Read();
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_EQ(facts->architecture, "UltravoxModel");
  EXPECT_FALSE(facts->hidden_size);
  EXPECT_FALSE(facts->experts) << "is not dense because nothing is said";
  EXPECT_FALSE(facts->weight_bytes) << "has more weights than these";
  EXPECT_THAT(facts->notes,
              Contains(HasSubstr("the language model is org/llama, in files of its own (text_model_id)")));
}

TEST(Gguf, IsReadAsFarAsItsBytesReach) {
  const std::string bytes =
      GgufWriter().Text("general.architecture", "qwen3").Number("qwen3.block_count", 4).Texts("tokens", 100).Bytes();
  std::size_t known = 0;
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    const auto header = ReadGgufHeader(bytes.substr(0, length));
    if (!header.ok()) continue;
    EXPECT_GE(header->numbers.size() + header->texts.size(), known);
    known = header->numbers.size() + header->texts.size();
    EXPECT_EQ(header->complete, length == bytes.size());
    EXPECT_EQ(header->all_tensors, length == bytes.size());
  }
  EXPECT_EQ(known, 2u);
  EXPECT_FALSE(ReadGgufHeader("GGML").ok());
}

TEST_F(InDirectory, TakesTheDtypeOfTheWeightsWhereTheConfigHasNone) {
  json config = json::parse(kLlama);
  config.erase("torch_dtype");
  Write("config.json", config.dump());
  EXPECT_EQ(Read()->dtype, "");
  EXPECT_THAT(Read()->notes, Contains("no file declares the dtype of the weights; bfloat16 is assumed"));
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})";
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i));
  Write("model.safetensors", file + header + std::string(12, 'w'));
  EXPECT_EQ(Read()->dtype, "float16");
}

TEST_F(InDirectory, ReadsTheTensorsFromHeaderAndIndex) {
  const auto file = SafetensorsFile;
  const std::string header =
      R"({"model.layers.0.self_attn.q_proj.weight_packed":{"dtype":"I32","shape":[4],"data_offsets":[0,8]},)"
      R"("model.norm.weight":{"dtype":"BF16","shape":[1],"data_offsets":[8,12]},)"
      R"("lm_head.input_scale":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
      R"("model.visual.blocks.0.fc1.weight_scale":{"dtype":"F32","shape":[1],"data_offsets":[16,20]}})";
  json config = json::parse(kLlama);
  Write("config.json", config.dump());
  Write("model.safetensors", file(header, 20));
  // No file declares how these are quantized; the header is no weight.
  const std::vector<std::string> kinds = {"head.input_scale:F32", "linear.weight_packed:I32"};
  EXPECT_EQ(Read()->tensors, kinds);
  EXPECT_EQ(Read()->weight_bytes, 20);
  // Declared, and not there.
  config["quantization_config"] = {{"quant_method", "fp8"}, {"activation_scheme", "dynamic"}};
  Write("config.json", config.dump());
  const std::string plain =
      R"({"model.layers.0.self_attn.q_proj.weight":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}})";
  Write("model.safetensors", file(plain, 8));
  EXPECT_THAT(Read()->tensors, ElementsAre("plain", "linear.weight:BF16"));
  // Several files: names from the index, types from the first.
  std::filesystem::remove(directory_ + "/model.safetensors");
  Write("model-00001-of-00002.safetensors", file(plain, 8));
  Write("model-00002-of-00002.safetensors", file(plain, 8));
  Write("model.safetensors.index.json",
        R"({"metadata":{"total_size":16},"weight_map":{
            "model.layers.0.self_attn.q_proj.weight":"model-00001-of-00002.safetensors",
            "model.layers.0.mlp.experts.3.up_proj.weight_scale_inv":"model-00002-of-00002.safetensors"}})");
  EXPECT_THAT(Read()->tensors, ElementsAre("experts.weight_scale_inv", "linear.weight:BF16"));
  // An unquantized checkpoint has nothing to say.
  config.erase("quantization_config");
  Write("config.json", config.dump());
  std::filesystem::remove(directory_ + "/model.safetensors.index.json");
  EXPECT_THAT(Read()->tensors, IsEmpty());
}

// AutoRound of a model that was fp8 (vllm-project/vllm#46311): what it left alone is fp8, and extra_config says 16
// bits.
TEST_F(InDirectory, GoesByTheTensorsWhereTheDeclarationContradictsThem) {
  const auto file = [](const std::string& header, std::size_t tensors) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i));
    return bytes + header + std::string(tensors, 'w');
  };
  json config = json::parse(kLlama);
  config["quantization_config"] = json::parse(
      R"({"quant_method":"auto-round","bits":4,"data_type":"int","group_size":128,"sym":true,
          "packing_format":"auto_round:auto_gptq","extra_config":{"model.layers.0.self_attn.q_proj":{"bits":16}}})");
  Write("config.json", config.dump());
  const std::string fp8 =
      R"({"model.layers.0.self_attn.q_proj.weight":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]},)"
      R"("model.layers.0.self_attn.q_proj.weight_scale_inv":{"dtype":"F32","shape":[1],"data_offsets":[4,8]})";
  const std::string integers =
      R"("model.layers.0.mlp.up_proj.qweight":{"dtype":"I32","shape":[4],"data_offsets":[8,24]})";
  Write("model.safetensors", file(fp8 + "," + integers + "}", 24));
  const auto both = Read();
  EXPECT_EQ(both->linear_format, "mixed");
  EXPECT_EQ(both->family, "mixed");
  EXPECT_EQ(both->activations, "");
  EXPECT_THAT(both->schemes, testing::Contains("undeclared fp8 linear -"));
  EXPECT_THAT(both->notes, testing::Contains("the weight files hold fp8 weights (linear.weight_scale_inv:F32) where "
                                             "auto-round declares int4-wna16"));
  Write("model.safetensors", file(fp8 + "}", 8));
  EXPECT_EQ(Read()->linear_format, "fp8");
  // Of several files without an index one is read: the others may hold integers.
  std::filesystem::remove(directory_ + "/model.safetensors");
  Write("model-00001-of-00002.safetensors", file(fp8 + "}", 8));
  Write("model-00002-of-00002.safetensors", file("{" + integers + "}", 24));
  EXPECT_EQ(Read()->linear_format, "");
  EXPECT_EQ(Read()->family, "other");
  std::filesystem::remove(directory_ + "/model-00001-of-00002.safetensors");
  std::filesystem::remove(directory_ + "/model-00002-of-00002.safetensors");
  Write("model.safetensors", file("{" + integers + "}", 24));
  EXPECT_EQ(Read()->linear_format, "int4-wna16");
}

TEST(Safetensors, RefusesWhatIsNoHeader) {
  const auto with_length = [](std::uint64_t length, const std::string& text) {
    std::string file;
    for (int i = 0; i < 8; ++i) file += static_cast<char>(length >> (8 * i));
    return file + text;
  };
  for (const std::string& bytes : {std::string("short"), with_length(1ull << 60, "{}"), with_length(9, "{}"),
                                   with_length(2, "[]"), with_length(10, R"({"a":1234})"),
                                   with_length(50, R"({"a":{"dtype":"F16","data_offsets":[9,1],"shape":[]}})")}) {
    EXPECT_FALSE(ReadSafetensorsHeader(bytes, "x.safetensors").ok()) << bytes;
  }
}

TEST_F(InDirectory, SaysWhichOfTheWeightsFilesIsWrong) {
  Write("config.json", kLlama);
  Write("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n");
  auto facts = Read();
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_FALSE(facts->weight_bytes) << "a pointer's size is not that of the weights";
  EXPECT_THAT(facts->notes, Contains(HasSubstr("model.safetensors: is a git-lfs pointer")));
  std::filesystem::remove(directory_ + "/model.safetensors");
  Write("model.safetensors.index.json", R"({"weight_map":[1]})");
  facts = Read();
  EXPECT_THAT(facts->notes, Contains(HasSubstr("model.safetensors.index.json: weight_map: must be an object")));
  Write("model.safetensors.index.json", R"({"weight_map":{"a":"../../etc/passwd"}})");
  facts = Read();
  EXPECT_FALSE(facts->weight_bytes);
  EXPECT_THAT(facts->notes, Contains(HasSubstr("files that it names are missing, the first is ../../etc/passwd")));
}

TEST_F(InDirectory, SaysThatAGgufHeaderEndsTooEarly) {
  Write("model.gguf",
        GgufWriter().Text("general.architecture", "llama").Number("llama.block_count", 4).Bytes().substr(0, 60));
  const auto facts = Read();
  ASSERT_TRUE(facts.ok()) << facts.error().message;
  EXPECT_FALSE(facts->layers);
  EXPECT_THAT(facts->notes, Contains(HasSubstr("model.gguf: ends within its header")));
}

TEST_F(InDirectory, FailsWithAHintWhereThereIsNoModel) {
  EXPECT_THAT(Error(), HasSubstr("has no config.json: it is not a model directory"));
  Write("adapter_model.safetensors", std::string(4096, 'x'));
  Write("adapter_config.json", R"({"peft_type": "LORA", "base_model_name_or_path": "org/base"})");
  EXPECT_THAT(Error(),
              HasSubstr(" is an adapter (adapter_config.json, no config.json), not a model: give its model, org/base "
                        "(base_model_name_or_path), or a checkpoint that it was merged into"));
  Write("adapter_config.json", R"({"peft_type": "LORA", "base_model_name_or_path": null})");
  EXPECT_THAT(Error(), HasSubstr("is an adapter"));
  std::filesystem::remove(directory_ + "/adapter_model.safetensors");
  std::filesystem::remove(directory_ + "/adapter_config.json");
  Write("model.gguf", "GGML");
  EXPECT_THAT(Error(), HasSubstr("model.gguf: is not a GGUF file"));
  Write("config.json", "{\n  \"a\": oops\n}");
  EXPECT_THAT(Error(), HasSubstr("config.json: line 2, column 8: is not JSON"));
  Write("config.json", "[1]");
  EXPECT_THAT(Error(), HasSubstr("config.json: is not a JSON object but array"));
  std::filesystem::remove(directory_ + "/config.json");
  std::filesystem::create_directory(directory_ + "/config.json");
  EXPECT_THAT(Error(), HasSubstr("config.json: is a directory, not a file"));
  std::filesystem::remove(directory_ + "/config.json");
  std::filesystem::create_symlink("../../blobs/4d7a21", directory_ + "/config.json");
  EXPECT_THAT(Error(), HasSubstr("config.json: is a link to ../../blobs/4d7a21, which does not exist"));
  std::filesystem::remove(directory_ + "/config.json");
  Write("config.json", kLlama);
  Write("hf_quant_config.json", "oops");
  EXPECT_THAT(Error(), HasSubstr("hf_quant_config.json: line 1, column 1: is not JSON"));
  const auto missing = OpenDirectory(directory_ + "/missing");
  ASSERT_FALSE(missing.ok());
  EXPECT_THAT(missing.error().message, HasSubstr("spec.model.volume"));
}

// ---- Python's JSON --------------------------------------------------------------------------------------------------

TEST(PythonJson, ReadsWhatPythonWrites) {
  const auto value =
      ParsePythonJson(R"({"a": [0.0, Infinity], "b": -Infinity, "c": NaN, "d": "NaN, Infinity", "e": 1e999})", "f");
  ASSERT_TRUE(value.ok()) << value.error().message;
  EXPECT_EQ(*value, json::parse(R"({"a": [0.0, null], "b": null, "c": null, "d": "NaN, Infinity", "e": null})"));
}

TEST(PythonJson, SaysWhereItIsWrong) {
  const struct {
    const char *text, *where;
  } kRows[] = {
      {"", "line 1, column 1"},
      {"{\"a\": NaN, \"b\": NaN,\n \"c\": nan}", "line 2, column 8"},
      {"{\"a\": 1,}", "line 1, column 9"},
      {"{\"a\": Infinityx}", "line 1, column 15"},
      {"\xEF\xBB\xBF{}", "begins with a byte order mark"},
      {"\xFF\xFE{", "is UTF-16"},
      {"{'a': 1}", "line 1, column 2"},
  };
  for (const auto& row : kRows) {
    const auto value = ParsePythonJson(row.text, "config.json");
    ASSERT_FALSE(value.ok()) << row.text;
    EXPECT_THAT(value.error().message, HasSubstr(std::string("config.json: ") + row.where)) << row.text;
  }
  EXPECT_THAT(ParsePythonJson(std::string(100000, '['), "f").error().message, HasSubstr("nests more than"));
}

}  // namespace
}  // namespace autotune::checkpoint
