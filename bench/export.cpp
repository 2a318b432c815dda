// Bytes read and written a second by exports, against a plain copy: read() and write() of as many
// bytes, in as many files, flushed in the same way. Medians of alternating repeats. FOLDER decides
// what is measured: on tmpfs memory, else the disk behind it; inputs are in the page cache either
// way. On a disk also against the disk itself: what reading and writing as much takes past the page
// cache (O_DIRECT).
#include "bench/synthetic_model.h"
#include "bench/timings.h"
#include "core/error.h"
#include "core/files.h"
#include "core/memory.h"
#include "core/recorded_files.h"
#include "core/run_directory.h"
#include "quantize/carried_files.h"
#include "quantize/export_dequantized.h"
#include "quantize/export_gguf.h"
#include "quantize/export_packed.h"
#include "quantize/layer_loop.h"
#include <ATen/Parallel.h>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <unistd.h>

namespace latticelens {
namespace {

using Path = std::filesystem::path;

/// What one export is: from which model, into what, in which way.
struct Case {
  std::string name;
  Path from;
  std::function<void(const OpenedModel&, const Path& out)> write;
};

void write_plain(const OpenedModel& opened, const Path& out) {
  export_dequantized(opened, out, {});
}

void write_packed(const OpenedModel& opened, const Path& out) {
  export_packed(opened, compressed_tensors_form(), out,
                {.target = compressed_tensors_form().choose(opened, "mxfp4")});
}

std::function<void(const OpenedModel&, const Path&)> into_gguf(const std::string& type) {
  return [type](const OpenedModel& opened, const Path& out) {
    std::filesystem::create_directories(out);
    export_gguf(opened, out / "model.gguf", choose_gguf_types(opened, type, ""));
  };
}

std::vector<Path> files_in(const Path& folder) {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  return files;
}

std::int64_t bytes_in(const Path& folder) {
  std::int64_t bytes = 0;
  for (const Path& file : files_in(folder))
    bytes += static_cast<std::int64_t>(std::filesystem::file_size(file));
  return bytes;
}

/// Reads all of `from` and writes as many and as large files as there are in `like`.
void copy(const Path& from, const std::vector<std::int64_t>& sizes, const Path& to) {
  std::filesystem::create_directories(to);
  std::vector<std::byte> part(1 << 20);
  for (const Path& file : files_in(from)) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    while (::read(descriptor, part.data(), part.size()) > 0)
      ;
    ::close(descriptor);
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    AtomicFile file(to / std::to_string(i));
    for (std::int64_t rest = sizes[i]; rest > 0;) {
      const auto size = std::min<std::int64_t>(rest, static_cast<std::int64_t>(part.size()));
      file.write(std::span(part).first(static_cast<std::size_t>(size)));
      rest -= size;
    }
    file.commit();
  }
}

void make_model(const Path& model, std::int64_t layers) {
  if (!std::filesystem::exists(model / "config.json"))
    write_synthetic_model(model, layers);
}

/// Rounded to nearest, as `latticelens quantize` leaves it.
void make_run(const Path& model, const Path& folder) {
  const Model original = open_plain_model(model);
  const QuantizeRequest request{.model = original,
                                .method = parse_method("weight=mxfp4 rounding=nearest"),
                                .calibration = {},
                                .quiet = true};
  RunDirectory run(folder, {{"method", to_text(request.method)}});
  if (run.finished())
    return;
  carry_files(model, run.model());
  quantize_blocks_of(request, run);
  run.write(true, Json::object());
}

/// Wall clock as NAME, all threads' processor time as "NAME, processor": the steadier figure beside
/// other programs.
void measure(Timings& timings, const std::string& name, const std::function<void()>& work) {
  const std::clock_t before = std::clock();
  timings.measure(name, work);
  timings.add(name + ", processor",
              static_cast<double>(std::clock() - before) / static_cast<double>(CLOCKS_PER_SEC));
}

/// Bytes a second past the page cache; 0: the folder is on no such disk.
struct DiskRates {
  double read = 0, write = 0;
  bool known() const { return read > 0 && write > 0; }
};

DiskRates disk_rates(const Path& folder, int repeats) {
  constexpr std::int64_t part = 4 << 20, parts = 256; // 1 GB
  const Path file = folder / "direct";
  const std::unique_ptr<void, decltype(&std::free)> room(std::aligned_alloc(4096, part),
                                                         &std::free);
  std::memset(room.get(), 1, part);
  Timings timings;
  for (int i = 0; i < repeats; ++i)
    for (const auto& [name, flags] : {std::pair("write", O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT),
                                      std::pair("read", O_RDONLY | O_DIRECT)}) {
      const int descriptor = ::open(file.c_str(), flags, 0666);
      if (descriptor < 0)
        return {}; // tmpfs has no such thing
      bool whole = true;
      timings.measure(name, [&] {
        for (std::int64_t k = 0; k < parts; ++k)
          whole &= (flags & O_WRONLY ? ::write(descriptor, room.get(), part)
                                     : ::read(descriptor, room.get(), part)) == part;
      });
      ::close(descriptor);
      require(whole, "bench", file.string() + ": cannot be written and read past the page cache");
    }
  std::filesystem::remove(file);
  const auto bytes = static_cast<double>(part * parts);
  return {bytes / timings.median("read"), bytes / timings.median("write")};
}

/// One line of the table.
void print_line(const Case& one, const Path& folder, int repeats, const DiskRates& disk) {
  const Path out = folder / "out";
  Timings timings;
  std::int64_t peak = 0, written = 0;
  std::vector<std::int64_t> sizes;
  for (int i = 0; i < repeats; ++i) {
    std::filesystem::remove_all(out);
    forget_peak_memory();
    measure(timings, "export", [&] { one.write(open_model(one.from), out); });
    peak = std::max(peak, peak_memory());
    written = bytes_in(out);
    sizes.clear();
    for (const Path& file : files_in(out))
      sizes.push_back(static_cast<std::int64_t>(std::filesystem::file_size(file)));
    std::filesystem::remove_all(out);
    measure(timings, "copy",
            [&] { copy(is_run(one.from) ? one.from / "model" : one.from, sizes, out); });
  }
  std::filesystem::remove_all(out);
  const auto read = static_cast<double>(bytes_in(is_run(one.from) ? one.from / "model" : one.from));
  const double bytes = read + static_cast<double>(written), seconds = timings.median("export");
  const std::string of_disk =
      disk.known()
          ? std::to_string(std::lround(
                100 * (read / disk.read + static_cast<double>(written) / disk.write) / seconds)) +
                " %"
          : "";
  std::printf("| %s | %.2f | %.2f | %.2f | %.2f | %.0f %% | %s | %.2f | %.2f | %.2f |\n",
              one.name.c_str(), bytes / 1e9, seconds, bytes / 1e9 / seconds,
              bytes / 1e9 / timings.median("copy"), 100 * timings.median_ratio("copy", "export"),
              of_disk.c_str(), timings.median("export, processor"),
              timings.median("copy, processor"), static_cast<double>(peak) / 1e9);
  std::fflush(stdout);
}

/// What opening a run costs for comparing its files with their checksums.
void print_checksums(const Path& quantized, int repeats) {
  const Json records = records_in(read_run(quantized), "model/");
  Timings timings;
  for (int i = 0; i < repeats; ++i)
    for (const int threads : {1, at::get_num_threads()})
      timings.measure(std::to_string(threads),
                      [&] { require_intact(quantized, records, threads); });
  const double gigabytes = static_cast<double>(bytes_in(quantized / "model")) / 1e9;
  const std::string all = std::to_string(at::get_num_threads());
  std::printf("\nchecksums of the run: %.3f seconds a GB on one thread, %.3f on %s\n",
              timings.median("1") / gigabytes, timings.median(all) / gigabytes, all.c_str());
}

void run(const Path& folder, std::int64_t layers, int repeats) {
  const Path model = folder / "model", quantized = folder / "run";
  make_model(model, layers);
  make_run(model, quantized);
  std::string load;
  std::getline(std::ifstream("/proc/loadavg"), load, ' ');
  const DiskRates disk = disk_rates(folder, repeats);
  std::printf("%lld layers, %d threads, load %s; medians of %d alternating repeats; the disk past "
              "the page cache: %.2f GB/s read, %.2f written\n\n"
              "| export | GB read and written | seconds | GB/s | copy, GB/s | of the copy | of the "
              "disk | processor seconds | the copy's | peak resident, GB "
              "|\n|---|---|---|---|---|---|---|---|---|---|\n",
              static_cast<long long>(layers), at::get_num_threads(), load.c_str(), repeats,
              disk.read / 1e9, disk.write / 1e9);
  for (const Case& one : {Case{"plain bf16 from plain bf16", model, write_plain},
                          Case{"plain bf16 from an mxfp4 run", quantized, write_plain},
                          Case{"packed mxfp4 from plain bf16", model, write_packed},
                          Case{"packed mxfp4 from an mxfp4 run", quantized, write_packed},
                          Case{"gguf f16 from plain bf16", model, into_gguf("f16")},
                          Case{"gguf q8_0 from plain bf16", model, into_gguf("q8_0")},
                          Case{"gguf q4_0 from plain bf16", model, into_gguf("q4_0")},
                          Case{"gguf mxfp4 from plain bf16", model, into_gguf("mxfp4")},
                          Case{"gguf q8_0 from an mxfp4 run", quantized, into_gguf("q8_0")},
                          Case{"gguf q4_0 from an mxfp4 run", quantized, into_gguf("q4_0")},
                          Case{"gguf mxfp4 from an mxfp4 run", quantized, into_gguf("mxfp4")}})
    print_line(one, folder, repeats, disk);
  print_checksums(quantized, repeats);
}

} // namespace
} // namespace latticelens

int main(int count, char** arguments) {
  latticelens::keep_freed_memory();
  const std::int64_t layers = count == 4 ? std::atoll(arguments[2]) : 0;
  const int repeats = count == 4 ? std::atoi(arguments[3]) : 0;
  if (layers < 1 || repeats < 1) {
    std::fprintf(stderr, "usage: bench_export FOLDER LAYERS REPEATS\n"
                         "example: bench_export /dev/shm/export 28 5\n"
                         "FOLDER keeps the model and the run for the next time; it needs up to "
                         "three times the model's size.\n");
    return 2;
  }
  try {
    latticelens::run(arguments[1], layers, repeats);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
