#include "measurement/file_format.h"

#include <algorithm>
#include <array>
#include <utility>

#include "measurement/questions.h"

namespace autotune::measurement {
namespace {

constexpr std::string_view kPandas = ".to_json(OUT, orient=\"records\", lines=True) writes lines of JSON";
constexpr std::size_t kLookInto = 4096;  // bytes of an archive: names of its first files

// By their first bytes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kFormats = {{
    {"PAR1", "Parquet: pandas.read_parquet(FILE).to_json(OUT, orient=\"records\", lines=True) writes lines of JSON"},
    {"ARROW1", "Arrow: pandas.read_feather(FILE).to_json(OUT, orient=\"records\", lines=True) writes lines of JSON"},
    {"\xFF\xFF\xFF\xFF", "an Arrow stream: datasets.Dataset.from_file(FILE).to_json(OUT) writes lines of JSON"},
    {"\x1F\x8B", "compressed: gunzip it"},
    {"\x28\xB5\x2F\xFD", "compressed: unzstd it"},
    {"\xFD\x37zXZ", "compressed: unxz it"},
    {"BZh", "compressed: bunzip2 it"},
    {"7z\xBC\xAF", "compressed: 7z x FILE"},
    {"%PDF", "a PDF document, and no rows"},
}};

// A line of names, or already a row.
std::string TableText(std::string_view head, char separator) {
  std::size_t longest = 0, fields = 0;
  for (std::string_view rest = head;; ++fields) {
    const std::size_t end = rest.find(separator);
    longest = std::max(longest, std::min(end, rest.size()));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  const bool named = longest <= 40;
  return "no JSON, perhaps a table" + std::string(separator == '\t' ? " with tabs" : "") + ": pandas.read_csv(FILE" +
         (separator == '\t' ? ", sep=\"\\t\"" : "") +
         (named         ? ""
          : fields == 1 ? ", names=[\"question\", \"answer\"]"
                        : ", names=[\"question\", ...]") +
         ")" + std::string(kPandas) + (named ? "" : "; its first line has no names of columns");
}

}  // namespace

std::size_t NotUtf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t more = lead < 0x80 ? 0 : lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if ((lead >= 0x80 && lead < 0xC2) || lead > 0xF4 || i + more >= text.size()) return i;
    for (std::size_t j = 1; j <= more; ++j) {
      if ((static_cast<unsigned char>(text[i + j]) & 0xC0) != 0x80) return i;
    }
    i += more + 1;
  }
  return std::string_view::npos;
}

std::string WhyOtherFormat(std::string_view bytes) {
  for (const auto& [begin, what] : kFormats) {
    if (bytes.starts_with(begin)) return std::string(what);
  }
  if (bytes.starts_with("PK\x03\x04")) {
    const bool workbook = bytes.substr(0, kLookInto).find("[Content_Types].xml") != std::string_view::npos;
    return workbook ? "an Excel workbook: pandas.read_excel(FILE)" + std::string(kPandas) : "compressed: unzip it";
  }
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))
    return "UTF-16, and UTF-8 is needed: iconv -f UTF-16 -t UTF-8 FILE > OUT";
  if (bytes.size() > 1 && (bytes[0] == '\0') != (bytes[1] == '\0')) {
    const std::string order = bytes[0] == '\0' ? "BE" : "LE";
    return "UTF-16" + order + ", and UTF-8 is needed: iconv -f UTF-16" + order + " -t UTF-8 FILE > OUT";
  }
  if (bytes.starts_with("version https://git-lfs"))
    return "a pointer of Git LFS, and not the file: git lfs pull fetches it";
  const std::string_view text = Trimmed(bytes);
  for (const char* key : {"task:", "dataset_path:", "doc_to_text:", "tag:", "include:", "group:"}) {
    if (text.starts_with(key)) return "a task of lm-eval: lm_eval --log_samples writes its documents as lines of JSON";
  }
  if (text.starts_with('<')) {
    return "a web page or XML, and not a file of lines: take the address with \"raw\" or \"resolve\" instead of "
           "\"blob\"";
  }
  if (text.starts_with("- ") || text.starts_with("---\n- "))
    return "YAML: yq -o=json -I=0 '.[]' FILE writes lines of JSON";
  const std::string_view head = text.substr(0, text.find('\n'));
  if (text.empty() || text.front() == '{' || text.front() == '[') return "";
  if (head.find('\t') != std::string_view::npos) return TableText(head, '\t');
  return head.find(',') != std::string_view::npos ? TableText(head, ',') : "";
}

}  // namespace autotune::measurement
