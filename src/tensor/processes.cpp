#include "tensor/processes.h"

#include "core/error.h"
#include <ATen/ATen.h>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

namespace latticelens {
namespace {

class OneProcess : public Processes {
 public:
  std::int64_t rank() const override { return 0; }
  std::int64_t count() const override { return 1; }
  Tensor gather_rows(const Tensor& mine) override { return mine; }
  void wait_for_all() override {}
};

struct Place {
  int rank, count;
  std::string address;
  std::uint16_t port;
  bool server; // of the store in which the processes find each other
};

/// Batches are long apart while one process measures or writes.
constexpr std::chrono::hours patience{24};

class GlooProcesses : public Processes {
 public:
  explicit GlooProcesses(const Place& place) : place_(place) {
    c10d::TCPStoreOptions options;
    options.port = place.port;
    options.isServer = place.server;
    options.numWorkers = place.count;
    const auto store = c10::make_intrusive<c10d::TCPStore>(place.address, options);
    auto settings = c10d::ProcessGroupGloo::Options::create(patience);
    const bool local = place.address == "127.0.0.1" || place.address == "localhost";
    settings->devices.push_back(local ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                      : c10d::ProcessGroupGloo::createDefaultDevice());
    group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(
        c10::make_intrusive<c10d::PrefixStore>("latticelens", store), place.rank, place.count,
        settings);
  }

  std::int64_t rank() const override { return place_.rank; }
  std::int64_t count() const override { return place_.count; }

  Tensor gather_rows(const Tensor& mine) override {
    const Tensor counts = at::cat(gathered(at::full({1}, mine.size(0), at::kLong)));
    std::vector<std::int64_t> shape = mine.sizes().vec();
    shape[0] = counts.max().item<std::int64_t>(); // Gloo gathers equal shapes
    Tensor padded = at::zeros(shape, mine.options());
    padded.slice(0, 0, mine.size(0)).copy_(mine);
    std::vector<Tensor> all = gathered(padded);
    for (std::int64_t i = 0; i < count(); ++i)
      all[static_cast<std::size_t>(i)] =
          all[static_cast<std::size_t>(i)].slice(0, 0, counts[i].item<std::int64_t>());
    return at::cat(all);
  }

  void wait_for_all() override { group_->barrier()->wait(); }

 private:
  std::vector<Tensor> gathered(const Tensor& mine) {
    std::vector<std::vector<Tensor>> all(1);
    for (std::int64_t i = 0; i < count(); ++i)
      all[0].push_back(at::empty_like(mine));
    std::vector<Tensor> own = {mine.contiguous()};
    group_->allgather(all, own)->wait();
    return all[0];
  }

  Place place_;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

std::optional<std::string> variable(const char* name) {
  const char* const text = std::getenv(name);
  return text ? std::optional<std::string>(text) : std::nullopt;
}

int number_in(const char* name, const std::string& text) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  require(error == std::errc() && stop == end && number >= 0, "processes",
          std::string("the environment's ") + name + " is \"" + text +
              "\", no number; start the program by torchrun or mpirun, or unset it");
  return number;
}

Place place_of(const char* rank_name, const char* count_name) {
  const auto rank = variable(rank_name), address = variable("MASTER_ADDR"),
             port = variable("MASTER_PORT");
  Place place{.rank = rank ? number_in(rank_name, *rank) : -1,
              .count = number_in(count_name, *variable(count_name))};
  require(place.rank >= 0 && place.rank < place.count && address && port, "processes",
          std::string("the environment has ") + count_name + " but no fitting " + rank_name +
              ", MASTER_ADDR and MASTER_PORT; start the program by torchrun, or mpirun with the "
              "last two set");
  place.address = *address;
  place.port = static_cast<std::uint16_t>(number_in("MASTER_PORT", *port));
  // torchrun's agent has the store open already.
  place.server = place.rank == 0 && variable("TORCHELASTIC_USE_AGENT_STORE") != "True";
  return place;
}

} // namespace

std::shared_ptr<Processes> one_process() {
  return std::make_shared<OneProcess>();
}

std::shared_ptr<Processes> processes_of_environment() {
  constexpr std::pair<const char*, const char*> names[] = {
      {"RANK", "WORLD_SIZE"}, {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}};
  for (const auto& [rank, count] : names)
    if (const auto text = variable(count); text && number_in(count, *text) > 1) {
      const Place place = place_of(rank, count);
      try {
        return std::make_shared<GlooProcesses>(place);
      } catch (const std::exception& e) {
        throw Error("processes", "the other processes cannot be reached at " + place.address + ":" +
                                     std::to_string(place.port) + ": " + e.what());
      }
    }
  return one_process();
}

} // namespace latticelens
