// A file of secrets, its format guessed: what is read is an object within the bounds, and comes back through YAML as it was.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "cli/formats/secret_source.h"
#include "cli/formats/yaml_reader.h"
#include "cli/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace keyhold;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto source = cli::read_source(cli::guess_format("-", text), text);
  if (!source.ok()) return 0;
  for (const cli::SourceSecret& secret : source->secrets) {
    CHECK(secret.contents.size() == 1 && secret.contents.front().size() <= cli::kFieldsMax);
    const SecretBytes object = cli::object_of(secret.contents.front());
    const json::Limits limits{.nodes_max = cli::kYamlNodesMax};
    const auto document = json::Document::parse(object.reveal(), limits);
    CHECK(document.ok());
    SecretBytes yaml;
    cli::append_yaml(yaml, document->root());
    const auto again = cli::yaml_to_json(yaml.reveal());
    CHECK(again.ok() && again->size() == 1);
    CHECK(json::Document::parse(again->front().reveal(), limits).ok());
  }
  return 0;
}
