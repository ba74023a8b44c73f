#include "operator/deploy/image_name.h"

namespace autotune::deploy {

std::string_view WithoutHub(std::string_view image) {
  constexpr std::string_view kHub = "docker.io/";
  if (image.starts_with(kHub)) image.remove_prefix(kHub.size());
  return image;
}

std::string_view RepositoryOf(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const std::size_t slash = image.rfind('/');
  const std::size_t tag = image.find(':', slash == std::string_view::npos ? 0 : slash);
  return WithoutHub(image.substr(0, tag));
}

}  // namespace autotune::deploy
